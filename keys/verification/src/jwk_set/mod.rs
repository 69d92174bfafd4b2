//! A JWK Set (RFC 7517 §5) reduced to the public keys that may verify a signature. What is no such key is passed over,
//! one by one: a bad key never takes the good ones with it.

mod key;
mod remote;
mod roca;
mod rsa;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use key::{UnusableKey, VerificationKey};
pub use remote::{FetchError, Fetches, JwkSetSource, KeyLookup, RemoteJwkSet, RemoteOptions};

use crate::algorithm::SigningAlgorithm;

/// The most keys that a set may have.
pub const MAX_KEYS: usize = 100;

/// The usable keys of a JWK Set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Arc<VerificationKey>>,
    passed_over: Vec<UnusableKey>,
}

/// Why a document is not taken as a JWK Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// Not a JSON object with an array `keys`.
    #[error("not a JSON object with an array of keys")]
    NotAJwkSet,
    /// More than [`MAX_KEYS`] keys.
    #[error("more than {MAX_KEYS} keys")]
    TooManyKeys,
}

impl JwkSet {
    /// Reads a JWK Set. A set without one usable key is a set too: the issuer may have withdrawn them all.
    ///
    /// # Errors
    /// When the document as a whole is none.
    pub fn parse(document: &[u8]) -> Result<Self, JwkSetError> {
        let mut set = Self::default();
        for entry in entries(document)? {
            match VerificationKey::from_jwk(entry.get().as_bytes()) {
                Ok(key) => set.add(key),
                Err(reason) => set.passed_over.push(reason),
            }
        }
        Ok(set)
    }

    /// The key that a token names by `kid`, preferably one for `algorithm`: if there is none, a key of that name for
    /// another algorithm, with which the token will not verify. Without a `kid`, the one key that is for `algorithm`.
    #[must_use]
    pub fn key(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Option<&Arc<VerificationKey>> {
        let Some(kid) = kid else {
            let mut fitting = self.keys.iter().filter(|key| key.is_for(algorithm));
            let first = fitting.next();
            return if fitting.next().is_none() { first } else { None };
        };
        let mut named = self.keys.iter().filter(|key| key.key_id() == Some(kid));
        let first = named.clone().next();
        named.find(|key| key.is_for(algorithm)).or(first)
    }

    /// Whether exactly this key is in the set.
    #[must_use]
    pub fn holds(&self, key: &VerificationKey) -> bool {
        self.keys.iter().any(|held| **held == *key)
    }

    pub(crate) fn has_the_keys_of(&self, other: &Self) -> bool {
        self.keys == other.keys
    }

    /// The usable keys, in the document's order.
    pub fn iter(&self) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter().map(Arc::as_ref)
    }

    /// Why the other keys of the document are not used.
    #[must_use]
    pub fn passed_over(&self) -> &[UnusableKey] {
        &self.passed_over
    }

    // RFC 7517 §4.5: distinct `kid`s are a SHOULD. Keys that share one are all tried, so that none shadows another.
    fn add(&mut self, key: VerificationKey) {
        let key = Arc::new(key);
        for namesake in self.keys.iter_mut().filter(|held| held.key_id().is_some() && held.key_id() == key.key_id()) {
            Arc::make_mut(namesake).add_namesake(&key);
        }
        self.keys.push(key);
    }
}

/// The elements of `keys`, unread: a broken one must not stop the others from being read.
fn entries(document: &[u8]) -> Result<Vec<&RawValue>, JwkSetError> {
    #[derive(Deserialize)]
    struct Document<'d> {
        #[serde(borrow)]
        keys: Vec<&'d RawValue>,
    }
    let text = std::str::from_utf8(document).map_err(|_| JwkSetError::NotAJwkSet)?;
    // A derived struct would be read from an array too.
    if !text.trim_start().starts_with('{') {
        return Err(JwkSetError::NotAJwkSet);
    }
    let keys = serde_json::from_str::<Document<'_>>(text).map_err(|_| JwkSetError::NotAJwkSet)?.keys;
    if keys.len() > MAX_KEYS { Err(JwkSetError::TooManyKeys) } else { Ok(keys) }
}

#[cfg(test)]
mod tests;
