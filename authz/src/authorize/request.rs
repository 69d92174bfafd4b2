//! From parameters to an authorization request that keeps every rule. Pure. What is wrong before the redirect URI is
//! known to be the client's is [`Untrusted`] and stays here; what is wrong after is a [`Refusal`] for the client.

use super::prompt::Prompt;
use crate::{
    domain::{PENDING_LIFETIME, PendingAuthorization, RegisteredClient, RequestHash, ServedResource, SessionHash},
    openid,
    pages::{ErrorPage, Turn, see_other},
    protocol::{
        ClientId, CodeChallenge, ErrorCode, GrantType, MalformedParameters, Nonce, Parameters, RedirectRules,
        RedirectUri, Resource, ResponseType, Scope, State,
    },
    resources::ResourceList,
};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::Timestamp;

/// An authorization request (OAuth 2.1 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// What is asked for: the client's default if nothing was.
    pub scope: Scope,
    /// The client's own value.
    pub state: Option<State>,
    /// The PKCE challenge.
    pub challenge: CodeChallenge,
    /// The client's own value for the ID token.
    pub nonce: Option<Nonce>,
    /// The resource: the only one there is if none was named.
    pub resource: Resource,
    /// Which pages the client wants shown.
    pub prompt: Prompt,
    issuer: String,
}

/// There is nowhere to send the answer to: the person sees a page, and the browser goes nowhere (OAuth 2.1 §7.12.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No `client_id`.
    #[error("client_id is missing")]
    ClientMissing,
    /// Nobody has this `client_id`.
    #[error("client_id is unknown")]
    ClientUnknown,
    /// The client registered itself, and the operator has not approved it yet.
    #[error("the client {0} awaits approval")]
    AwaitingApproval(ClientId),
    /// The operator switched the client off.
    #[error("the client is disabled")]
    ClientDisabled,
    /// The client has several redirect URIs, and the request names none.
    #[error("redirect_uri is missing")]
    RedirectUriMissing,
    /// The redirect URI is not one of the client's.
    #[error("redirect_uri is not registered")]
    RedirectUriNotRegistered,
    /// The redirect URI is the client's, and the settings do not allow its scheme any more.
    #[error("redirect_uri is of a kind that the settings do not allow")]
    RedirectUriOff,
}

/// The client is told at its redirect URI (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", code.as_str())]
pub struct Refusal {
    /// What is wrong.
    pub code: ErrorCode,
    description: String,
    /// What could have been asked for, where the request named a resource that nobody knows.
    known: Vec<String>,
    redirect_uri: RedirectUri,
    state: Option<State>,
    issuer: String,
}

impl AuthorizationRequest {
    /// Checks the parameters of a request by `client`.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn parse(
        parameters: &Parameters,
        client: &RegisteredClient,
        resources: &ResourceList,
        (redirects, issuer): (&RedirectRules, &str),
    ) -> Result<Self, super::AuthorizeError> {
        let redirect_uri = redirect_uri(parameters, client, redirects)?;
        let state = parameters.once("state").ok().flatten().map(State::parse);
        let (state, state_fits) = match state {
            Some(Ok(state)) => (Some(state), true),
            Some(Err(_)) => (None, false),
            None => (None, true),
        };
        let refuse = |(code, description): Wrong| {
            let (redirect_uri, state) = (redirect_uri.clone(), state.clone());
            Box::new(Refusal { code, description, known: Vec::new(), redirect_uri, state, issuer: issuer.to_owned() })
        };
        if !state_fits {
            return Err(refuse(wrong(ErrorCode::InvalidRequest, "state is too long or has a NUL character")).into());
        }
        check_kind(parameters, client).map_err(refuse)?;
        let requested = resources.requested(parameters.all("resource"));
        let unknown = || {
            let known = resources.ids().map(ToString::to_string).collect();
            Box::new(Refusal { known, ..*refuse((ErrorCode::InvalidTarget, resources.advice())) })
        };
        let resource = requested.ok_or_else(unknown)?;
        Ok(Self {
            challenge: challenge(parameters).map_err(refuse)?,
            nonce: nonce(parameters).map_err(refuse)?,
            scope: scope(parameters, client, resource).map_err(refuse)?,
            resource: resource.id.clone(),
            prompt: Prompt::parse(parameters).map_err(refuse)?,
            redirect_uri,
            state,
            issuer: issuer.to_owned(),
        })
    }

    /// The request as it waits for a decision in a session.
    pub(super) fn pending(
        &self,
        client: &RegisteredClient,
        session: &SessionHash,
        hash: RequestHash,
        now: Timestamp,
    ) -> PendingAuthorization {
        PendingAuthorization {
            hash,
            session: session.clone(),
            client_id: client.id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scope: self.scope.clone(),
            state: self.state.clone(),
            challenge: self.challenge.clone(),
            nonce: self.nonce.clone(),
            must_sign_in: self.prompt.login,
            must_ask: self.prompt.consent,
            login_hint: self.prompt.login_hint.clone(),
            resource: self.resource.clone(),
            created_at: now,
            expires_at: now + PENDING_LIFETIME,
        }
    }

    /// OIDC Core §3.1.2.1: with `prompt=none` no page may be shown; this is asked where one would have to be.
    pub(super) fn check_silent(&self, signed_in: bool) -> Result<(), Box<Refusal>> {
        let code = match (self.prompt.silent, signed_in) {
            (false, _) => return Ok(()),
            (true, false) => ErrorCode::LoginRequired,
            (true, true) => ErrorCode::ConsentRequired,
        };
        Err(Box::new(Refusal {
            code,
            description: "a page has to be shown".to_owned(),
            known: Vec::new(),
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            issuer: self.issuer.clone(),
        }))
    }
}

/// The code and the words of a refusal; the words are constants and our own settings.
pub(super) type Wrong = (ErrorCode, String);

fn wrong(code: ErrorCode, description: &str) -> Wrong {
    (code, description.to_owned())
}

fn once<'a>(parameters: &'a Parameters, name: &str) -> Result<Option<&'a str>, Wrong> {
    parameters.once(name).map_err(|_| wrong(ErrorCode::InvalidRequest, "a parameter is repeated"))
}

/// OAuth 2.1 §4.1.1: the redirect URI may be left out if only one is registered.
fn redirect_uri(
    parameters: &Parameters,
    client: &RegisteredClient,
    rules: &RedirectRules,
) -> Result<RedirectUri, Untrusted> {
    let requested =
        parameters.once("redirect_uri").map_err(|_: MalformedParameters| Untrusted::RedirectUriNotRegistered)?;
    let known = match (requested, client.redirect_uris.as_slice()) {
        (None, [only]) => only.clone(),
        (None, _) => return Err(Untrusted::RedirectUriMissing),
        (Some(raw), _) => {
            let requested = RedirectUri::from_store(raw).ok().filter(|requested| client.allows_redirect(requested));
            requested.ok_or(Untrusted::RedirectUriNotRegistered)?
        }
    };
    // The client may be older than the settings.
    if rules.allow(&known) { Ok(known) } else { Err(Untrusted::RedirectUriOff) }
}

fn check_kind(parameters: &Parameters, client: &RegisteredClient) -> Result<(), Wrong> {
    let repeated = |_| wrong(ErrorCode::InvalidRequest, "a parameter is repeated");
    parameters.refuse_repeated(&["resource"]).map_err(repeated)?;
    if once(parameters, "request")?.is_some() {
        return Err(wrong(ErrorCode::RequestNotSupported, "the request parameter is not supported"));
    }
    if once(parameters, "request_uri")?.is_some() {
        return Err(wrong(ErrorCode::RequestUriNotSupported, "the request_uri parameter is not supported"));
    }
    let response_type = once(parameters, "response_type")?
        .ok_or_else(|| wrong(ErrorCode::InvalidRequest, "response_type is missing"))?;
    if ResponseType::parse(response_type).is_err() {
        return Err(wrong(ErrorCode::UnsupportedResponseType, "the response type is code"));
    }
    if once(parameters, "response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(wrong(ErrorCode::InvalidRequest, "the response mode is query"));
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(wrong(ErrorCode::UnauthorizedClient, "the client may not use this grant type"));
    }
    Ok(())
}

/// RFC 7636 §4.4.1; a missing method means `plain`, which is refused like any other.
fn challenge(parameters: &Parameters) -> Result<CodeChallenge, Wrong> {
    let invalid = || wrong(ErrorCode::InvalidRequest, "PKCE with code_challenge_method S256 is required");
    let (raw, method) = (once(parameters, "code_challenge")?, once(parameters, "code_challenge_method")?);
    if method != Some("S256") {
        return Err(invalid());
    }
    CodeChallenge::parse(raw.ok_or_else(invalid)?).map_err(|_| invalid())
}

/// OIDC Core §3.1.2.1.
fn nonce(parameters: &Parameters) -> Result<Option<Nonce>, Wrong> {
    let nonce = once(parameters, "nonce")?.map(Nonce::parse).transpose();
    nonce.map_err(|_| wrong(ErrorCode::InvalidRequest, "nonce is too long or has a NUL character"))
}

fn scope(parameters: &Parameters, client: &RegisteredClient, resource: &ServedResource) -> Result<Scope, Wrong> {
    resource.grantable_by_person(&client.scope, once(parameters, "scope")?).ok_or_else(|| {
        let default = client.scope.intersection(resource.scopes.all());
        let words = format!("the client may ask for: {default} {}", openid::SCOPES.join(" "));
        (ErrorCode::InvalidScope, words)
    })
}

impl Untrusted {
    /// The page that the person sees. Nothing of the request is in it.
    pub(super) fn page(&self) -> ErrorPage {
        let cannot = |message| {
            ErrorPage::new(StatusCode::BAD_REQUEST, Turn::Application, "This request cannot be answered", message)
        };
        match self {
            Self::ClientMissing => cannot("The request does not say which application it comes from."),
            Self::ClientUnknown => cannot(
                "The application that sent you here is not known to this server. If it worked before, its registration \
                 has ended since: remove this connection from the application and add it again.",
            ),
            Self::RedirectUriMissing => cannot("The application did not say where to send you back to."),
            Self::RedirectUriNotRegistered => {
                cannot("The address that the application wants you to be sent back to is not registered for it.")
            }
            Self::RedirectUriOff => ErrorPage::new(
                StatusCode::BAD_REQUEST,
                Turn::Operator,
                "This application cannot be answered",
                "It is registered, but the kind of address that it wants you to be sent back to is switched off here.",
            )
            .listing(
                "The settings for it:",
                ["MCP_AUTH_REDIRECT_SCHEMES".to_owned(), "MCP_AUTH_OUT_OF_BAND".to_owned()],
            ),
            Self::AwaitingApproval(id) => ErrorPage::new(
                StatusCode::FORBIDDEN,
                Turn::Operator,
                "This application is not approved yet",
                "It registered itself, and here the people who run the server look at an application before anybody \
                 can sign in to it.",
            )
            .listing("To approve it, they run:", [format!("authz clients approve {id}")]),
            Self::ClientDisabled => ErrorPage::new(
                StatusCode::FORBIDDEN,
                Turn::Operator,
                "This application is switched off",
                "The people who run this server have switched it off.",
            ),
        }
    }
}

impl Refusal {
    /// What is wrong, in words: constants and our own settings.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// Tells the client at its redirect URI (RFC 6749 §4.1.2.1, RFC 8707 §2); where it has none that can be reached, tells
    /// the person.
    pub(super) fn respond(&self) -> Response {
        if !self.redirect_uri.is_out_of_band() {
            return see_other(&self.location());
        }
        let title = "This request cannot be answered";
        let page = |message| ErrorPage::new(StatusCode::BAD_REQUEST, Turn::Application, title, message);
        if self.known.is_empty() {
            let words = [self.code.as_str().to_owned(), self.description.clone()];
            page("The application asked for something that is not possible here.")
                .listing("What its people have to know:", words)
                .into_response()
        } else {
            page("The application wants to reach a server that this one gives no access to (invalid_target).")
                .listing("It can ask for these (setting MCP_AUTH_RESOURCES):", self.known.iter().cloned())
                .into_response()
        }
    }

    /// Where to send the browser: `error`, `state` and `iss` (RFC 9207 §2: errors too).
    fn location(&self) -> String {
        let mut parameters = vec![("error", self.code.as_str()), ("error_description", self.description.as_str())];
        parameters.extend(self.state.iter().map(|state| ("state", state.as_str())));
        parameters.push(("iss", &self.issuer));
        self.redirect_uri.with_query(&parameters)
    }
}
