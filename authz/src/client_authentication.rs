//! Who the client is (RFC 6749 §2.3, §3.2.1): credentials become an [`AuthenticatedClient`], the proof that the
//! endpoints ask for. One method at a time, and only the ones registered.

#[cfg(test)]
mod tests;

use crate::{
    domain::{ClientAuthentication, ClientStanding, RegisteredClient},
    form::{self, Form},
    protocol::{AuthenticationMethod, ClientId, ClientSecret, ErrorCode, MalformedParameters, Parameters},
    store::{Store, StoreError},
};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};

/// A client that proved who it is, or a public one that said so. Made only by [`authenticate`].
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(RegisteredClient);

/// Client authentication failed.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct AuthenticationFailed {
    #[source]
    cause: Cause,
    /// RFC 6749 §5.2: a client that tried the header gets a challenge for it.
    by_header: bool,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// More than one method, or two different clients.
    #[error("more than one client authentication method")]
    MultipleMethods,
    /// A parameter is repeated.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    /// Nobody said who the client is.
    #[error("no client credentials")]
    Missing,
    /// The header or a parameter cannot be credentials.
    #[error("malformed client credentials")]
    Unreadable,
    /// A method that is not supported here.
    #[error("unsupported client authentication method")]
    UnsupportedMethod,
    /// Nobody has this identifier.
    #[error("unknown client")]
    UnknownClient,
    /// The client is registered for another method.
    #[error("another method is registered for this client")]
    MethodNotRegistered,
    /// The secret is wrong.
    #[error("wrong client secret")]
    WrongSecret,
    /// The operator has not approved it yet.
    #[error("the client awaits approval")]
    AwaitingApproval,
    /// The operator switched it off.
    #[error("the client is disabled")]
    Disabled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds out which client sent `form`.
///
/// # Errors
/// Says why it is not known.
pub async fn authenticate(store: &dyn Store, form: &Form) -> Result<AuthenticatedClient, AuthenticationFailed> {
    let by_header = form.headers.contains_key(header::AUTHORIZATION);
    let result = async {
        let credentials = Credentials::read(&form.headers, &form.parameters)?;
        let client = store.client(&credentials.client_id).await?.ok_or(Cause::UnknownClient)?;
        let client = check(client, &credentials).inspect(|client| form.notes.client(client.id()))?;
        check_standing(client)
    };
    result.await.map_err(|cause| AuthenticationFailed { cause, by_header })
}

/// What a client presented.
#[derive(Debug)]
struct Credentials {
    client_id: ClientId,
    secret: Option<ClientSecret>,
    method: AuthenticationMethod,
}

/// Decides whether the credentials prove that this is `client`. Pure.
fn check(client: RegisteredClient, credentials: &Credentials) -> Result<AuthenticatedClient, Cause> {
    match (&client.authentication, &credentials.secret) {
        (ClientAuthentication::Public, None) => Ok(AuthenticatedClient(client)),
        (ClientAuthentication::Public, Some(_)) | (ClientAuthentication::Secret { .. }, None) => {
            Err(Cause::MethodNotRegistered)
        }
        (ClientAuthentication::Secret { hash, methods }, Some(secret)) => {
            if !methods.contains(&credentials.method) {
                return Err(Cause::MethodNotRegistered);
            }
            if hash.matches(secret) { Ok(AuthenticatedClient(client)) } else { Err(Cause::WrongSecret) }
        }
    }
}

/// Nobody but the client itself learns its standing: who it is comes first.
fn check_standing(client: AuthenticatedClient) -> Result<AuthenticatedClient, Cause> {
    match client.0.standing {
        ClientStanding::Active => Ok(client),
        ClientStanding::AwaitingApproval => Err(Cause::AwaitingApproval),
        ClientStanding::Disabled => Err(Cause::Disabled),
    }
}

impl AuthenticatedClient {
    /// The client.
    #[must_use]
    pub const fn registration(&self) -> &RegisteredClient {
        &self.0
    }

    /// Its identifier.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.0.id
    }
}

impl Credentials {
    fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Self, Cause> {
        let in_header = Self::in_header(headers)?;
        let in_body = parameters.once("client_secret")?;
        let assertion = parameters.once("client_assertion")?.or(parameters.once("client_assertion_type")?);
        // RFC 6749 §2.3: MUST NOT use more than one method in each request.
        if usize::from(in_header.is_some()) + usize::from(in_body.is_some()) + usize::from(assertion.is_some()) > 1 {
            return Err(Cause::MultipleMethods);
        }
        if assertion.is_some() {
            return Err(Cause::UnsupportedMethod);
        }
        let client_id =
            parameters.once("client_id")?.map(ClientId::parse).transpose().map_err(|_| Cause::Unreadable)?;
        match (in_header, client_id, in_body) {
            (Some(basic), None, _) => Ok(basic),
            (Some(basic), Some(id), _) if basic.client_id == id => Ok(basic),
            (Some(_), Some(_), _) => Err(Cause::MultipleMethods),
            (None, None, _) => Err(Cause::Missing),
            (None, Some(client_id), None) => Ok(Self { client_id, secret: None, method: AuthenticationMethod::None }),
            (None, Some(client_id), Some(raw)) => {
                let secret = ClientSecret::presented(raw.to_owned()).ok_or(Cause::Unreadable)?;
                Ok(Self { client_id, secret: Some(secret), method: AuthenticationMethod::ClientSecretPost })
            }
        }
    }

    fn in_header(headers: &HeaderMap) -> Result<Option<Self>, Cause> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Cause::MultipleMethods);
        }
        let (scheme, encoded) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Cause::Unreadable)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Cause::UnsupportedMethod);
        }
        let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (id, secret) = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(Cause::Unreadable)?;
        let client_id = form_decoded(id).and_then(|id| ClientId::parse(&id).ok()).ok_or(Cause::Unreadable)?;
        let secret = form_decoded(secret).and_then(ClientSecret::presented).ok_or(Cause::Unreadable)?;
        Ok(Some(Self { client_id, secret: Some(secret), method: AuthenticationMethod::ClientSecretBasic }))
    }
}

/// RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined.
fn form_decoded(encoded: &str) -> Option<String> {
    let pair = format!("v={}", encoded.replace('&', "%26"));
    Parameters::parse(pair.as_bytes()).ok()?.once("v").ok()?.map(str::to_owned)
}

impl AuthenticationFailed {
    const fn code(&self) -> ErrorCode {
        match self.cause {
            Cause::MultipleMethods | Cause::Malformed(_) => ErrorCode::InvalidRequest,
            Cause::Missing
            | Cause::Unreadable
            | Cause::UnsupportedMethod
            | Cause::UnknownClient
            | Cause::MethodNotRegistered
            | Cause::WrongSecret
            | Cause::Disabled => ErrorCode::InvalidClient,
            Cause::AwaitingApproval => ErrorCode::UnauthorizedClient,
            Cause::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// Whether the fault is ours.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self.cause, Cause::Store(_))
    }
}

impl IntoResponse for AuthenticationFailed {
    fn into_response(self) -> Response {
        let code = self.code();
        if self.is_ours() {
            tracing::error!(error = ?self, "client authentication failed");
        } else {
            tracing::info!(cause = %self, error = code.as_str(), "client authentication refused");
        }
        let description = match code {
            ErrorCode::InvalidRequest => "use one client authentication method",
            ErrorCode::InvalidClient => "client authentication failed",
            ErrorCode::UnauthorizedClient => "the people who run this server have not approved the client yet",
            _ => "try again later",
        };
        let mut response = form::error(code, description);
        if code == ErrorCode::InvalidClient && self.by_header {
            let challenge = HeaderValue::from_static("Basic realm=\"portcullis\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
