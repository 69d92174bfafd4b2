//! Who this client is to one authorization server, and how it proves that at the token endpoint (OAuth 2.1 §2.4).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use std::fmt;
use url::form_urlencoded;

use super::{assertion::ASSERTION_TYPE, exchange::Request};

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
    /// `private_key_jwt`: an assertion that the client signs (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl ClientAuthentication {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The method of that name, if this client has it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::None, Self::Basic, Self::Post, Self::PrivateKeyJwt].into_iter().find(|method| method.as_str() == name)
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
    /// The best method that the token endpoint offers, a key before a secret; `None` when it offers none that these
    /// credentials can serve.
    #[must_use]
    pub fn choose_method(&self, offered: &[ClientAuthentication], has_key: bool) -> Option<ClientAuthentication> {
        let wanted: &[ClientAuthentication] = match (has_key, self.secret.is_some()) {
            (true, false) => &[ClientAuthentication::PrivateKeyJwt],
            (true, true) => {
                &[ClientAuthentication::PrivateKeyJwt, ClientAuthentication::Basic, ClientAuthentication::Post]
            }
            (false, true) => &[ClientAuthentication::Basic, ClientAuthentication::Post],
            (false, false) => &[ClientAuthentication::None],
        };
        wanted.iter().copied().find(|method| offered.contains(method))
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

/// What a client shows in one request; made anew for each, because an assertion is good for one only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientProof<'a> {
    /// Nothing at all: what the request is made with says enough.
    Nobody,
    /// An identifier, and a secret if the method has one.
    Credentials(&'a ClientCredentials, ClientAuthentication),
    /// An identifier, and a signed assertion.
    Assertion(&'a str, ClientAssertion),
}

/// A compact JWT that proves who the client is; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientAssertion(pub(crate) String);

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAssertion(***)")
    }
}

impl ClientProof<'_> {
    /// Adds the form fields of the proof.
    pub(crate) fn add_to_form(&self, form: &mut form_urlencoded::Serializer<'_, String>) {
        match self {
            Self::Nobody | Self::Credentials(_, ClientAuthentication::Basic) => {}
            Self::Credentials(client, method) => {
                form.append_pair("client_id", &client.id);
                if let (ClientAuthentication::Post, Some(secret)) = (method, &client.secret) {
                    form.append_pair("client_secret", secret.reveal());
                }
            }
            Self::Assertion(id, assertion) => {
                form.append_pair("client_id", id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &assertion.0);
            }
        }
    }

    /// Adds the headers of the proof.
    pub(crate) fn add_to_headers(&self, request: &mut Request) {
        if let Self::Credentials(client, method) = self {
            client.add_to_headers(*method, request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClientAuthentication::{Basic, None as Public, Post, PrivateKeyJwt};

    #[test]
    fn a_secret_is_sent_by_a_method_the_server_offers_and_by_no_other() {
        let confidential = ClientCredentials { id: "c".into(), secret: ClientSecret::new("s") };
        assert_eq!(confidential.choose_method(&[Post, Basic], false), Some(Basic));
        assert_eq!(confidential.choose_method(&[Post], false), Some(Post));
        assert_eq!(confidential.choose_method(&[Public], false), None);
        let public = ClientCredentials { id: "c".into(), secret: ClientSecret::new("") };
        assert_eq!(public.choose_method(&[Basic, Public], false), Some(Public));
        assert_eq!(public.choose_method(&[Basic], false), None);
    }

    #[test]
    fn a_key_comes_before_a_secret_and_is_never_replaced_by_nothing() {
        let both = ClientCredentials { id: "c".into(), secret: ClientSecret::new("s") };
        assert_eq!(both.choose_method(&[Basic, PrivateKeyJwt], true), Some(PrivateKeyJwt));
        assert_eq!(both.choose_method(&[Basic], true), Some(Basic));
        let keyed = ClientCredentials { id: "c".into(), secret: None };
        assert_eq!(keyed.choose_method(&[Public, Basic], true), None);
    }

    #[test]
    fn an_assertion_goes_into_the_form_and_nothing_of_it_into_a_log() {
        let proof = ClientProof::Assertion("c", ClientAssertion("a.b.c".to_owned()));
        let mut form = form_urlencoded::Serializer::new(String::new());
        proof.add_to_form(&mut form);
        let expected = "client_id=c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A\
                        jwt-bearer&client_assertion=a.b.c";
        assert_eq!(form.finish(), expected);
        assert!(!format!("{proof:?}").contains("a.b.c"));
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
