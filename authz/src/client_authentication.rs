//! Who the client is (RFC 6749 §2.3, §3.2.1): credentials become an [`AuthenticatedClient`], the proof that the
//! endpoints ask for. One method at a time, and only the ones registered.

mod assertion;
mod key_sets;
#[cfg(test)]
mod tests;

pub use assertion::InvalidAssertion;
pub use key_sets::{ClientKeySets, KeysUnavailable};

use crate::{
    client_metadata_documents::{LookupError, UnusableDocument, find_client},
    domain::{ClientAuthentication, ClientStanding, RegisteredClient},
    form::{self, Form},
    operations::CallerAddress,
    protocol::{AuthenticationMethod, ClientId, ClientSecret, ErrorCode, MalformedParameters, Parameters},
    services::Services,
    store::StoreError,
};
use assertion::{ASSERTION_TYPE, Assertion};
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
    /// The client's metadata document cannot be used.
    #[error(transparent)]
    Document(UnusableDocument),
    /// The client is registered for another method.
    #[error("another method is registered for this client")]
    MethodNotRegistered,
    /// The secret is wrong.
    #[error("wrong client secret")]
    WrongSecret,
    /// The assertion proves nothing.
    #[error(transparent)]
    Assertion(#[from] InvalidAssertion),
    /// The assertion cannot be judged now.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
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

impl From<LookupError> for Cause {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Document(error) => Self::Document(error),
            LookupError::Store(error) => Self::Store(error),
        }
    }
}

/// Finds out which client sent `form`.
///
/// # Errors
/// Says why it is not known.
pub async fn authenticate(services: &Services, form: &Form) -> Result<AuthenticatedClient, AuthenticationFailed> {
    let by_header = form.headers.contains_key(header::AUTHORIZATION);
    let result = async {
        let credentials = Credentials::read(&form.headers, &form.parameters)?;
        let client = find_client(services, &credentials.client_id, form.caller).await?.ok_or(Cause::UnknownClient)?;
        let client = check(client, &credentials, (services, form.caller)).await?;
        form.notes.client(client.id());
        check_standing(client)
    };
    result.await.map_err(|cause| AuthenticationFailed { cause, by_header })
}

/// What a client presented.
#[derive(Debug)]
struct Credentials<'f> {
    client_id: ClientId,
    proof: Proof<'f>,
}

/// What is to prove who the client is.
#[derive(Debug)]
enum Proof<'f> {
    Nothing,
    Secret(ClientSecret, AuthenticationMethod),
    Assertion(Box<Assertion<'f>>),
}

/// Decides whether the credentials prove that this is `client`.
async fn check(
    client: RegisteredClient,
    credentials: &Credentials<'_>,
    (services, caller): (&Services, Option<CallerAddress>),
) -> Result<AuthenticatedClient, Cause> {
    match (&client.authentication, &credentials.proof) {
        (ClientAuthentication::Public, Proof::Nothing) => {}
        (ClientAuthentication::Secret { hash, methods }, Proof::Secret(secret, method)) => {
            if !methods.contains(method) {
                return Err(Cause::MethodNotRegistered);
            }
            if !hash.matches(secret) {
                return Err(Cause::WrongSecret);
            }
        }
        (ClientAuthentication::PrivateKey { keys }, Proof::Assertion(assertion)) => {
            assertion.prove((&client.id, keys), services, caller).await?;
        }
        (ClientAuthentication::Public, Proof::Secret(..) | Proof::Assertion(_))
        | (ClientAuthentication::Secret { .. }, Proof::Nothing | Proof::Assertion(_))
        | (ClientAuthentication::PrivateKey { .. }, Proof::Nothing | Proof::Secret(..)) => {
            return Err(Cause::MethodNotRegistered);
        }
    }
    Ok(AuthenticatedClient(client))
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

impl<'f> Credentials<'f> {
    fn read(headers: &HeaderMap, parameters: &'f Parameters) -> Result<Self, Cause> {
        let in_header = Self::in_header(headers)?;
        let in_body = parameters.once("client_secret")?;
        let assertion = (parameters.once("client_assertion")?, parameters.once("client_assertion_type")?);
        let has_assertion = assertion.0.is_some() || assertion.1.is_some();
        // RFC 6749 §2.3: MUST NOT use more than one method in each request.
        if usize::from(in_header.is_some()) + usize::from(in_body.is_some()) + usize::from(has_assertion) > 1 {
            return Err(Cause::MultipleMethods);
        }
        let client_id =
            parameters.once("client_id")?.map(ClientId::parse).transpose().map_err(|_| Cause::Unreadable)?;
        let named = if has_assertion { Some(Self::in_assertion(assertion)?) } else { in_header };
        match (named, client_id, in_body) {
            (Some(named), None, _) => Ok(named),
            (Some(named), Some(id), _) if named.client_id == id => Ok(named),
            (Some(_), Some(_), _) => Err(Cause::MultipleMethods),
            (None, None, _) => Err(Cause::Missing),
            (None, Some(client_id), None) => Ok(Self { client_id, proof: Proof::Nothing }),
            (None, Some(client_id), Some(raw)) => {
                let secret = ClientSecret::presented(raw.to_owned()).ok_or(Cause::Unreadable)?;
                Ok(Self { client_id, proof: Proof::Secret(secret, AuthenticationMethod::ClientSecretPost) })
            }
        }
    }

    /// RFC 7523 §2.2; `client_id` may be left out, because `sub` is the client.
    fn in_assertion((raw, kind): (Option<&'f str>, Option<&str>)) -> Result<Self, Cause> {
        if kind != Some(ASSERTION_TYPE) {
            return Err(Cause::UnsupportedMethod);
        }
        let assertion = Box::new(Assertion::read(raw.ok_or(Cause::Missing)?)?);
        Ok(Self { client_id: assertion.client_id()?, proof: Proof::Assertion(assertion) })
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
        Ok(Some(Self { client_id, proof: Proof::Secret(secret, AuthenticationMethod::ClientSecretBasic) }))
    }
}

/// RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined.
fn form_decoded(encoded: &str) -> Option<String> {
    let pair = format!("v={}", encoded.replace('&', "%26"));
    Parameters::parse(pair.as_bytes()).ok()?.once("v").ok()?.map(str::to_owned)
}

impl AuthenticationFailed {
    fn code(&self) -> ErrorCode {
        match &self.cause {
            Cause::Document(document) => document.code(),
            Cause::MultipleMethods | Cause::Malformed(_) => ErrorCode::InvalidRequest,
            Cause::Missing
            | Cause::Unreadable
            | Cause::UnsupportedMethod
            | Cause::UnknownClient
            | Cause::MethodNotRegistered
            | Cause::WrongSecret
            | Cause::Assertion(_)
            | Cause::Disabled => ErrorCode::InvalidClient,
            Cause::AwaitingApproval => ErrorCode::UnauthorizedClient,
            Cause::Keys(_) | Cause::Store(_) => ErrorCode::TemporarilyUnavailable,
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
