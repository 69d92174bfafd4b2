//! Tokens found good, by their SHA-256: the known-token path is one hash, one lookup and a look at the
//! clock. The token itself is never a key here. Only good verdicts are kept, never past `exp`.

use std::sync::Arc;

use jiff::Timestamp;
use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use verification_keys::jwk_set::VerificationKey;

use super::access_token::AccessToken;

/// How many tokens are kept.
pub const DEFAULT_CAPACITY: u64 = 50_000;

/// SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }
}

/// A good token, and for how long it stays good.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) token: AccessToken,
    /// Which of the verifier's issuers.
    pub(super) issuer: usize,
    pub(super) not_before: Option<Timestamp>,
    /// `exp`, or earlier when an introspection answer is to be asked for again.
    pub(super) until: Timestamp,
    /// The key under which it verified; none for an introspected token.
    pub(super) key: Option<Arc<VerificationKey>>,
}

/// The bounded cache of verdicts.
#[derive(Debug)]
pub(super) struct Verdicts(Cache<TokenHash, Arc<Verdict>>);

impl Verdicts {
    pub(super) fn new(capacity: u64) -> Self {
        Self(Cache::new(capacity))
    }

    /// The verdict, if it still holds at `now`. Whether its key still does is for the caller to ask.
    pub(super) fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<Arc<Verdict>> {
        let verdict = self.0.get(hash)?;
        let begun = verdict.not_before.is_none_or(|not_before| not_before <= now);
        (begun && now < verdict.until).then_some(verdict)
    }

    pub(super) fn insert(&self, hash: TokenHash, verdict: Verdict) {
        self.0.insert(hash, Arc::new(verdict));
    }

    /// How many are kept.
    pub(super) fn len(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }

    pub(super) fn forget(&self, hash: &TokenHash) {
        self.0.invalidate(hash);
    }
}
