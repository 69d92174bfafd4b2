//! Who this client is to one authorization server, and how it proves that at the token endpoint (OAuth 2.1 §2.4).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use std::fmt;
use url::form_urlencoded;

use super::exchange::Request;

/// A client secret; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Wraps a secret; `None` for an empty one, which is a public client's way of having none.
    #[must_use]
    pub fn new(raw: &str) -> Option<Self> {
        (!raw.is_empty()).then(|| Self(raw.to_owned()))
    }

    /// The secret itself, for the token endpoint and the private file only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(***)")
    }
}

/// A method of RFC 7591 §2 `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `none`: a public client, named by `client_id` alone.
    None,
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}

impl ClientAuthentication {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The method of that name, if this client has it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::None, Self::Basic, Self::Post].into_iter().find(|method| method.as_str() == name)
    }
}

/// A client identifier and its secret, if it has one; valid at one issuer only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: Option<ClientSecret>,
}

impl ClientCredentials {
    /// The best method that the token endpoint offers; `None` when it offers none that these credentials can serve.
    #[must_use]
    pub fn choose_method(&self, offered: &[ClientAuthentication]) -> Option<ClientAuthentication> {
        let wanted: &[ClientAuthentication] = if self.secret.is_some() {
            &[ClientAuthentication::Basic, ClientAuthentication::Post]
        } else {
            &[ClientAuthentication::None]
        };
        wanted.iter().copied().find(|method| offered.contains(method))
    }

    /// Form fields of `method`.
    pub(crate) fn add_to_form(&self, method: ClientAuthentication, form: &mut form_urlencoded::Serializer<'_, String>) {
        if method != ClientAuthentication::Basic {
            form.append_pair("client_id", &self.id);
        }
        if let (ClientAuthentication::Post, Some(secret)) = (method, &self.secret) {
            form.append_pair("client_secret", secret.reveal());
        }
    }

    /// Headers of `method`.
    pub(crate) fn add_to_headers(&self, method: ClientAuthentication, request: &mut Request) {
        let (ClientAuthentication::Basic, Some(secret)) = (method, &self.secret) else { return };
        let encode = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
        // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        let pair = format!("{}:{}", encode(&self.id), encode(secret.reveal()));
        if let Ok(mut value) = header::HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))) {
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClientAuthentication::{Basic, None as Public, Post};

    #[test]
    fn a_secret_is_sent_by_a_method_the_server_offers_and_by_no_other() {
        let confidential = ClientCredentials { id: "c".into(), secret: ClientSecret::new("s") };
        assert_eq!(confidential.choose_method(&[Post, Basic]), Some(Basic));
        assert_eq!(confidential.choose_method(&[Post]), Some(Post));
        assert_eq!(confidential.choose_method(&[Public]), None);
        let public = ClientCredentials { id: "c".into(), secret: ClientSecret::new("") };
        assert_eq!(public.choose_method(&[Basic, Public]), Some(Public));
        assert_eq!(public.choose_method(&[Basic]), None);
    }

    #[test]
    fn both_parts_are_encoded_before_they_are_joined() {
        let credentials = ClientCredentials { id: "a:b".into(), secret: ClientSecret::new("p q%") };
        let mut request = Request::default();
        credentials.add_to_headers(Basic, &mut request);
        let expected = format!("Basic {}", STANDARD.encode("a%3Ab:p+q%25"));
        assert_eq!(request.headers()[header::AUTHORIZATION], expected);
        assert!(!format!("{credentials:?}").contains("p q"));
    }
}
