//! The keys of a running issuer: a folder, what was last read of it, and the ring that says who signs.

#[cfg(test)]
mod tests;

use crate::{
    JwkSetDocument, KeyDirectory, KeyDirectoryError, KeyId, KeyPolicy, KeyRing, Replacement, RingKey, Rotation,
    SealError, SignError, directory::Contents, signer::SigningKey,
};
use jiff::Timestamp;
use ring::rand::SecureRandom;
use serde::Serialize;
use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// Signs, publishes and rotates. Shared by all threads; no lock is held while a signature is made.
pub struct SigningKeys {
    directory: KeyDirectory,
    policy: KeyPolicy,
    /// What was last read of the folder; held while it is read again.
    contents: Mutex<Contents>,
    current: RwLock<Arc<Current>>,
}

/// The keys that were usable when the folder was last read.
#[derive(Debug)]
struct Current {
    ring: KeyRing,
    keys: HashMap<KeyId, Arc<SigningKey>>,
}

impl SigningKeys {
    /// Opens the folder, and makes it and its first key if they are not there. Blocks: reads files, and
    /// makes a key for up to some seconds.
    ///
    /// # Errors
    /// [`KeyDirectoryError`] for the first file or rule in the way; nothing unusable is skipped at start.
    pub fn open(path: &Path, policy: &KeyPolicy, now: Timestamp) -> Result<Self, KeyDirectoryError> {
        policy.check()?;
        let directory = KeyDirectory::open(path)?;
        let mut contents = directory.read(&Contents::default(), now)?;
        if contents.keys.is_empty() && contents.refused.is_empty() {
            directory.rotate(None, policy.size, now)?;
            contents = directory.read(&contents, now)?;
        }
        if let Some(problem) = contents.problems.pop() {
            return Err(problem);
        }
        let current = RwLock::new(Arc::new(Current::new(&contents, policy)));
        Ok(Self { directory, policy: *policy, contents: Mutex::new(contents), current })
    }

    /// Signs `claims` with the key that is active at `now`; the header has `alg` RS256, `typ` and `kid`.
    ///
    /// # Errors
    /// [`SignError`]
    pub fn sign(&self, typ: &str, claims: &impl Serialize, now: Timestamp) -> Result<String, SignError> {
        let current = self.current();
        current.signing(now).ok_or(SignError::NoKey)?.sign(typ, claims)
    }

    /// Seals `content` for [`Self::open_sealed`], with what the key that is active at `now` says: whoever gets it can
    /// neither read it nor change it. 28 bytes longer.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn seal(
        &self,
        purpose: &str,
        content: &[u8],
        random: &dyn SecureRandom,
        now: Timestamp,
    ) -> Result<Vec<u8>, SealError> {
        let current = self.current();
        let key = current.signing(now).ok_or(SealError::NoKey)?;
        Ok(key.sealing().seal(purpose, content, random)?)
    }

    /// What was sealed for this purpose, by this process or another with the same folder, as long as the key that it was
    /// sealed with is published. `None` for everything else.
    #[must_use]
    pub fn open_sealed(&self, purpose: &str, sealed: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let current = self.current();
        current.published(now).find_map(|key| key.sealing().open(purpose, sealed))
    }

    /// The public halves to publish at `now`, to be cached for [`crate::JWK_SET_MAX_AGE`].
    #[must_use]
    pub fn jwk_set(&self, now: Timestamp) -> JwkSetDocument {
        let current = self.current();
        JwkSetDocument::new(current.published(now).map(|key| key.public().clone()).collect())
    }

    /// The ring as it is now.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        self.current().ring.clone()
    }

    /// Reads the folder again; true if the keys have changed. Blocks on files. A file that is not usable is
    /// logged once and left aside, and a known key whose file has become unusable is kept.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no key any more; the known keys stay in use.
    pub fn reload(&self, now: Timestamp) -> Result<bool, KeyDirectoryError> {
        let mut known = self.contents();
        let mut contents = self.directory.read(&known, now)?;
        for problem in contents.problems.drain(..) {
            tracing::error!(%problem, fix = problem.fix(), "left a signing key aside");
        }
        for name in contents.refused.keys() {
            if let Some((name, key)) = known.keys.remove_entry(name) {
                contents.keys.insert(name, key);
            }
        }
        if contents.keys.is_empty() {
            return Err(self.directory.emptied());
        }
        *known = contents;
        Ok(self.replace(Current::new(&known, &self.policy)))
    }

    /// Publishes a new key, which signs after the activation delay. Blocks: makes a key.
    ///
    /// # Errors
    /// The folder cannot be written or read.
    pub fn rotate(&self, now: Timestamp) -> Result<Rotation, KeyDirectoryError> {
        let newest = self.ring().newest().map(|key| key.key_id.clone());
        let rotation = self.directory.rotate(newest.as_ref(), self.policy.size, now)?;
        self.reload(now)?;
        Ok(rotation)
    }

    /// Signs with a new key at once, and withdraws every other one: for keys that others know. Blocks: makes a key.
    ///
    /// # Errors
    /// The folder cannot be written or read.
    pub fn rotate_now(&self, now: Timestamp) -> Result<Replacement, KeyDirectoryError> {
        let replacement = self.directory.replace(&self.policy, now)?;
        self.reload(now)?;
        Ok(replacement)
    }

    /// Removes the keys past their last stage. Says which. Blocks on files.
    ///
    /// # Errors
    /// The folder cannot be written or read.
    pub fn prune(&self, now: Timestamp) -> Result<Vec<RingKey>, KeyDirectoryError> {
        self.reload(now)?;
        let past: Vec<_> = self.ring().past(now).cloned().collect();
        self.directory.remove_keys(&past)?;
        self.reload(now)?;
        Ok(past)
    }

    /// What a service does every minute: reads the folder again, and rotates when the newest key has its
    /// age. Blocks: run it where blocking is allowed.
    ///
    /// # Errors
    /// As [`Self::reload`] and [`Self::rotate`]; the known keys stay in use.
    pub fn maintain(&self, now: Timestamp) -> Result<(), KeyDirectoryError> {
        self.reload(now)?;
        if self.ring().next_rotation(now).is_some_and(|due| due <= now)
            && let Rotation::Added(key_id) = self.rotate(now)?
        {
            tracing::info!(%key_id, "published a new signing key");
        }
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, next: Current) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.ring != next.ring;
        *current = Arc::new(next);
        changed
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKeys").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Current {
    /// A key that is in two files counts from the older one.
    fn new(contents: &Contents, policy: &KeyPolicy) -> Self {
        let mut ring_keys = Vec::new();
        let mut keys = HashMap::new();
        // By file name, so oldest first.
        for file in contents.keys.values() {
            if keys.insert(file.ring_key.key_id.clone(), file.key.clone()).is_none() {
                ring_keys.push(file.ring_key.clone());
            }
        }
        Self { ring: KeyRing::new(ring_keys, *policy), keys }
    }

    fn signing(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.get(self.ring.signing(now)?).map(AsRef::as_ref)
    }

    fn published(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.ring.published(now).filter_map(|key_id| self.keys.get(key_id)).map(AsRef::as_ref)
    }
}
