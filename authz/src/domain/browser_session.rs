//! The session of one browser with this server: who sits in front of it, if we know.

use super::{AuthenticatedPerson, SessionHash, Subject};
use jiff::{SignedDuration, Timestamp};

/// How long a session lasts in which somebody has signed in.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// How long a session lasts in which nobody has: anybody can begin one, so they go sooner.
const ANONYMOUS_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// A browser session. The cookie holds the secret, the store its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// SHA-256 of the cookie's value.
    pub hash: SessionHash,
    /// Who it is.
    pub stage: SessionStage,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The life of a session. Signing in makes a new session with a new secret, so a session never changes its stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStage {
    /// Nobody has signed in.
    Anonymous,
    /// Somebody has.
    SignedIn(AuthenticatedPerson),
}

impl BrowserSession {
    /// A session in which nobody has signed in.
    #[must_use]
    pub fn anonymous(hash: SessionHash, now: Timestamp) -> Self {
        Self { hash, stage: SessionStage::Anonymous, expires_at: now + ANONYMOUS_LIFETIME }
    }

    /// A session of somebody whose password was just checked. `hash` has to be of a new secret.
    #[must_use]
    pub fn signed_in(hash: SessionHash, subject: Subject, now: Timestamp) -> Self {
        Self {
            hash,
            stage: SessionStage::SignedIn(AuthenticatedPerson::by_password(subject, now)),
            expires_at: now + SESSION_LIFETIME,
        }
    }

    /// Who is signed in.
    #[must_use]
    pub const fn subject(&self) -> Option<&Subject> {
        match &self.stage {
            SessionStage::Anonymous => None,
            SessionStage::SignedIn(person) => Some(&person.subject),
        }
    }

    /// Who is signed in, how and since when.
    #[must_use]
    pub const fn person(&self) -> Option<&AuthenticatedPerson> {
        match &self.stage {
            SessionStage::Anonymous => None,
            SessionStage::SignedIn(person) => Some(person),
        }
    }
}
