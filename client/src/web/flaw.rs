//! What can be wrong with a token, for showing: each is tried on the real server, with a real request.

use super::errand::Catalog;
use crate::{
    app::{App, AppError},
    oauth::token::AccessToken,
};

/// The one thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Expired,
    Audience,
    Signature,
    Scope,
}

impl Flaw {
    pub(super) const ALL: [Self; 4] = [Self::Expired, Self::Audience, Self::Signature, Self::Scope];

    pub(super) fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.as_str() == raw)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Audience => "audience",
            Self::Signature => "signature",
            Self::Scope => "scope",
        }
    }

    /// The words on the button.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Expired => "Expired token",
            Self::Audience => "Wrong audience",
            Self::Signature => "Forged signature",
            Self::Scope => "Missing scope",
        }
    }

    /// What is sent.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Expired => "A token that the issuer signed, and that ended two minutes ago.",
            Self::Audience => "A token that the issuer signed for another server, in time and with every scope.",
            Self::Signature => "Your token with one bit of its signature turned over.",
            Self::Scope => "A token of your own that may only read, renewed with less scope.",
        }
    }

    /// Why it may be impossible here.
    pub(super) const fn impossible(self) -> &'static str {
        match self {
            Self::Expired | Self::Audience => {
                "This issuer hands out no such tokens. The authz of cargo demo does, on this computer alone."
            }
            Self::Signature => "Your token has no signature that could be forged: only its issuer can read it.",
            Self::Scope => "There is no refresh token, so no token with less scope can be had.",
        }
    }

    /// A tool to try it with: one that writes where reading is not enough.
    pub(super) fn fitting_tool(self, catalog: Option<&Catalog>) -> String {
        let known = match self {
            Self::Scope => "create_secure_note",
            Self::Expired | Self::Audience | Self::Signature => "get_time",
        };
        let tools = catalog.map(|catalog| catalog.tools.as_slice()).unwrap_or_default();
        let other = tools.first().filter(|_| tools.iter().all(|tool| tool.name != known));
        other.map_or_else(|| known.to_owned(), |tool| tool.name.to_string())
    }

    /// A token with this flaw; `None` when none can be had here.
    pub(super) async fn token(self, app: &App) -> Result<Option<AccessToken>, AppError> {
        match self {
            Self::Expired | Self::Audience => app.flawed_token(self.as_str()).await,
            Self::Signature => Ok(app.forged_token()),
            Self::Scope => app.lesser_token().await,
        }
    }
}
