//! What each step of the flow is for, in a sentence, and where it is written down.

use serde::Serialize;

/// Somebody who takes part: a lane of the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The person's browser.
    Browser,
    /// This program.
    Client,
    /// The MCP server.
    ResourceServer,
    /// The issuer of the tokens.
    AuthorizationServer,
}

impl Party {
    /// All of them, from left to right.
    pub const ALL: [Self; 4] = [Self::Browser, Self::Client, Self::ResourceServer, Self::AuthorizationServer];

    /// The name as the RFCs have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Client => "client",
            Self::ResourceServer => "resource server",
            Self::AuthorizationServer => "authorization server",
        }
    }
}

/// The step of the flow that a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// A request without a token.
    UnauthenticatedRequest,
    /// The metadata of the resource server.
    ResourceMetadata,
    /// The metadata of the authorization server.
    IssuerMetadata,
    /// The client introduces itself.
    Registration,
    /// The browser is sent to the authorization server.
    AuthorizationRequest,
    /// The browser comes back.
    Callback,
    /// A code becomes a token.
    TokenRequest,
    /// A refresh token becomes a token.
    Refresh,
    /// A token for the client itself.
    ClientGrant,
    /// A device without a browser asks for a code to show.
    DeviceAuthorization,
    /// The device asks whether the person has decided.
    DeviceToken,
    /// The person's identity provider vouches for the person.
    TokenExchange,
    /// What somebody vouched for becomes a token.
    AssertionGrant,
    /// A token is given back.
    Revocation,
    /// The handshake of protocol versions before 2026-07-28.
    Initialize,
    /// What the server is and can do, from 2026-07-28 on.
    Discover,
    /// The server's own number for proofs of possession.
    NonceRequest,
    /// The list of tools.
    ListTools,
    /// A tool does its work.
    CallTool,
    /// The list of resources.
    ListResources,
    /// A resource is read.
    ReadResource,
    /// The list of prompts.
    ListPrompts,
    /// A prompt is filled in.
    GetPrompt,
    /// Any other message of the protocol.
    OtherMessage,
    /// The token does not go far enough.
    ScopeChallenge,
    /// The token is not accepted.
    TokenRefused,
    /// A token with something wrong about it, to show what then happens.
    FlawedToken,
}

impl StepKind {
    /// The step that a message with this JSON-RPC method is.
    #[must_use]
    pub fn of_method(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "server/discover" => Self::Discover,
            "tools/list" => Self::ListTools,
            "tools/call" => Self::CallTool,
            "resources/list" | "resources/templates/list" => Self::ListResources,
            "resources/read" => Self::ReadResource,
            "prompts/list" => Self::ListPrompts,
            "prompts/get" => Self::GetPrompt,
            _ => Self::OtherMessage,
        }
    }

    /// What a request of this kind turned out to be, once the resource server refused it with `status`.
    #[must_use]
    pub(super) const fn refused(self, status: u16, with_token: bool) -> Self {
        match (self.between().1, status) {
            _ if matches!(self, Self::NonceRequest) => self,
            (Party::ResourceServer, 401) if with_token => Self::TokenRefused,
            (Party::ResourceServer, 403) if with_token => Self::ScopeChallenge,
            _ => self,
        }
    }

    /// Who asks, and who answers.
    #[must_use]
    pub const fn between(self) -> (Party, Party) {
        match self {
            Self::AuthorizationRequest => (Party::Browser, Party::AuthorizationServer),
            Self::Callback => (Party::Browser, Party::Client),
            Self::IssuerMetadata
            | Self::Registration
            | Self::TokenRequest
            | Self::Refresh
            | Self::ClientGrant
            | Self::DeviceAuthorization
            | Self::DeviceToken
            | Self::TokenExchange
            | Self::AssertionGrant
            | Self::FlawedToken
            | Self::Revocation => (Party::Client, Party::AuthorizationServer),
            Self::UnauthenticatedRequest
            | Self::ResourceMetadata
            | Self::Initialize
            | Self::Discover
            | Self::NonceRequest
            | Self::ListTools
            | Self::CallTool
            | Self::ListResources
            | Self::ReadResource
            | Self::ListPrompts
            | Self::GetPrompt
            | Self::OtherMessage
            | Self::ScopeChallenge
            | Self::TokenRefused => (Party::Client, Party::ResourceServer),
        }
    }

    /// Why this step exists.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table, one row a step")]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnauthenticatedRequest => {
                "The client asks without a token, and the refusal tells it where to learn what is needed."
            }
            Self::ResourceMetadata => "The server's own page says which authorization server it trusts.",
            Self::IssuerMetadata => {
                "The authorization server's page says where its endpoints are and that it checks PKCE."
            }
            Self::Registration => "The client introduces itself, because nobody registered it here before.",
            Self::AuthorizationRequest => {
                "The browser takes the question to the authorization server, where the person signs in and allows; \
                 the password never passes the client."
            }
            Self::Callback => {
                "The browser brings back a code, with the state that the client made up and the name of the issuer, \
                 so that an answer to somebody else's question is noticed."
            }
            Self::TokenRequest => {
                "The code becomes a token for this one server; the code verifier proves that the one who redeems is \
                 the one who asked."
            }
            Self::Refresh => "The token is about to end, or a smaller one will do: the refresh token gets another one.",
            Self::ClientGrant => "The client asks for itself: nobody signs in, and its own proof is all there is.",
            Self::DeviceAuthorization => {
                "There is no browser here: the client gets a short code, which the person takes to a browser elsewhere."
            }
            Self::DeviceToken => "The client asks whether the person has decided, at the pace that it was told.",
            Self::TokenExchange => {
                "The organisation's identity provider, where the person signed in before, vouches for the person to one \
                 authorization server."
            }
            Self::AssertionGrant => {
                "What somebody signed whom the authorization server trusts becomes a token for this one server."
            }
            Self::Revocation => "The person signs out: the token is given back, and is good for nothing from now on.",
            Self::Initialize => "The older handshake: both sides say which protocol version they speak.",
            Self::Discover => "With the token, the client asks what the server is and which protocol it speaks.",
            Self::NonceRequest => {
                "The server wants proofs of possession with a number that it made up; its refusal brings the number."
            }
            Self::ListTools => "The client asks what the server can do.",
            Self::CallTool => "The server checks the token and its scope, then the tool does its work.",
            Self::ListResources => "The client asks what there is to read.",
            Self::ReadResource => "The server checks the token and its scope, then hands out the resource.",
            Self::ListPrompts => "The client asks for the prepared questions of the server.",
            Self::GetPrompt => "The server fills in a prepared question.",
            Self::OtherMessage => "A message of the protocol that needs no answer of its own.",
            Self::ScopeChallenge => {
                "The token is good but does not allow this; the server names the scope that would, and the client may \
                 ask the person for it."
            }
            Self::TokenRefused => "The server does not accept this token, and says why.",
            Self::FlawedToken => {
                "For showing what goes wrong: the issuer of the demo signs a token with one flaw, good for nothing."
            }
        }
    }

    /// The document and section that define this step.
    #[must_use]
    pub const fn reference(self) -> &'static str {
        match self {
            Self::UnauthenticatedRequest => "RFC 9728 §5.1",
            Self::ResourceMetadata => "RFC 9728 §3",
            Self::IssuerMetadata => "RFC 8414 §3",
            Self::Registration => "RFC 7591 §3",
            Self::AuthorizationRequest => "OAuth 2.1 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1",
            Self::Callback => "OAuth 2.1 §4.1.2, RFC 9207 §2",
            Self::TokenRequest => "OAuth 2.1 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2",
            Self::Refresh => "OAuth 2.1 §4.3.1",
            Self::ClientGrant => "OAuth 2.1 §4.2, RFC 8707 §2.2",
            Self::DeviceAuthorization => "RFC 8628 §3.1, RFC 8707 §2",
            Self::DeviceToken => "RFC 8628 §3.4, RFC 8707 §2.2",
            Self::TokenExchange => "RFC 8693 §2.1, MCP Enterprise-managed authorization",
            Self::AssertionGrant => "RFC 7523 §2.1, RFC 8707 §2.2",
            Self::Revocation => "RFC 7009 §2.1",
            Self::Initialize => "MCP 2025-11-25 lifecycle, RFC 6750 §2.1",
            Self::Discover => "MCP 2026-07-28 server/discover, RFC 6750 §2.1",
            Self::NonceRequest => "RFC 9449 §9",
            Self::ListTools | Self::CallTool => "MCP tools, RFC 6750 §2.1",
            Self::ListResources | Self::ReadResource => "MCP resources, RFC 6750 §2.1",
            Self::ListPrompts | Self::GetPrompt => "MCP prompts, RFC 6750 §2.1",
            Self::OtherMessage => "MCP transports, RFC 6750 §2.1",
            Self::ScopeChallenge => "RFC 6750 §3.1 insufficient_scope, MCP scope challenge handling",
            Self::TokenRefused => "RFC 6750 §3.1 invalid_token",
            Self::FlawedToken => "no RFC: this is for demonstrations",
        }
    }
}
