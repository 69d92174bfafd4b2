//! Where secrets are kept: in private files, or in the keyring of the system (feature `keyring`), each under a name that
//! says nothing about them; or in memory, to end with the process. Locks and the history stay files.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Files, or the keyring.
#[derive(Clone, Debug, Default)]
pub enum Vault {
    /// Files of 0600 in a folder of 0700.
    #[default]
    Files,
    /// The keyring of the system.
    #[cfg(any(test, feature = "keyring"))]
    Keyring(Keyring),
    /// Nowhere but here.
    Memory(Memory),
}

/// What ends with its last handle; never shown.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Memory {
    /// What is there, by name.
    pub(super) fn entries(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(***)")
    }
}

/// A choice between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Files.
    #[default]
    Files,
    /// The keyring of the system.
    Keyring,
}

impl Store {
    /// Whether this program can use the keyring.
    pub const HAS_KEYRING: bool = cfg!(feature = "keyring");

    /// As it is set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Keyring => "keyring",
        }
    }

    /// The store of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Files, Self::Keyring].into_iter().find(|store| store.as_str() == name)
    }
}

impl Vault {
    /// Opens what was chosen.
    ///
    /// # Errors
    /// When the system has no keyring, or this program was built without it.
    pub fn open(store: Store) -> Result<Self, KeyringError> {
        match store {
            Store::Files => Ok(Self::Files),
            #[cfg(feature = "keyring")]
            Store::Keyring => Keyring::of_the_system().map(Self::Keyring),
            #[cfg(not(feature = "keyring"))]
            Store::Keyring => Err(KeyringError("this program was built without it".to_owned())),
        }
    }
}

/// The keyring cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyring of this system cannot be used ({0}). Unlock it, or set MCP_CLIENT_STORE=files")]
pub struct KeyringError(String);

#[cfg(any(test, feature = "keyring"))]
pub use keyring_of_the_system::Keyring;

#[cfg(any(test, feature = "keyring"))]
mod keyring_of_the_system {
    use super::KeyringError;
    use keyring_core::{CredentialStore, Entry, Error};
    use std::sync::Arc;

    /// What the entries are called where a person sees them.
    const SERVICE: &str = "portcullis";

    /// A store of credentials: that of the system, or of a test.
    #[derive(Clone, Debug)]
    pub struct Keyring(Arc<CredentialStore>);

    impl Keyring {
        /// That of the system: Keychain, Credential Manager, or the Secret Service.
        ///
        /// # Errors
        /// When there is none, or none that answers.
        #[cfg(feature = "keyring")]
        pub fn of_the_system() -> Result<Self, KeyringError> {
            if let Err(error) = keyring::Entry::store_status() {
                return Err(KeyringError(error.to_string()));
            }
            keyring_core::get_default_store().map(Self).ok_or_else(|| KeyringError("there is none".to_owned()))
        }

        pub(in crate::oauth) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeyringError> {
            match self.entry(name)?.get_secret() {
                Ok(secret) => Ok(Some(secret)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(failed(&error)),
            }
        }

        pub(in crate::oauth) fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeyringError> {
            self.entry(name)?.set_secret(secret).map_err(|error| failed(&error))
        }

        pub(in crate::oauth) fn remove(&self, name: &str) -> Result<(), KeyringError> {
            match self.entry(name)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(failed(&error)),
            }
        }

        fn entry(&self, name: &str) -> Result<Entry, KeyringError> {
            self.0.build(SERVICE, name, None).map_err(|error| failed(&error))
        }
    }

    /// Some variants hold the secret, and show it to a debugger only.
    fn failed(error: &Error) -> KeyringError {
        KeyringError(error.to_string())
    }

    #[cfg(test)]
    impl Keyring {
        /// One that is gone with the test.
        pub(crate) fn mock() -> Self {
            Self(keyring_core::mock::Store::new().unwrap())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{
        client_store::ClientStore,
        testing::stored_token,
        token_store::{StoredToken, TokenStore},
    };

    fn find(store: &TokenStore) -> Option<StoredToken> {
        store.find("https://auth.example", "https://mcp.example/mcp").unwrap()
    }

    #[tokio::test]
    async fn a_token_in_the_keyring_is_found_again_and_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::Keyring(Keyring::mock());
        let store = TokenStore::open_in(folder.path(), &vault).unwrap();
        assert_eq!(find(&store), None);
        store.keep(&stored_token()).unwrap();
        let _lock = store.lock("https://auth.example", "https://mcp.example/mcp").await.unwrap();
        assert_eq!(find(&store), Some(stored_token()));
        assert_eq!(find(&TokenStore::open_in(folder.path(), &vault).unwrap()), Some(stored_token()));
        for file in std::fs::read_dir(folder.path().join("tokens")).unwrap() {
            assert!(std::fs::read(file.unwrap().path()).unwrap().is_empty(), "a lock, and nothing else");
        }
        store.forget("https://auth.example", "https://mcp.example/mcp").unwrap();
        store.forget("https://auth.example", "https://mcp.example/mcp").unwrap();
        assert_eq!(find(&store), None);
    }

    #[test]
    fn one_keyring_holds_the_secrets_of_several_folders_apart() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = Vault::Keyring(Keyring::mock());
        TokenStore::open_in(one.path(), &vault).unwrap().keep(&stored_token()).unwrap();
        assert_eq!(find(&TokenStore::open_in(other.path(), &vault).unwrap()), None);
        let clients = ClientStore::open_in(one.path(), &vault).unwrap();
        assert_eq!(clients.bind("mine", "https://auth.example").unwrap(), "https://auth.example");
        assert_eq!(clients.bind("mine", "https://other.example").unwrap(), "https://auth.example");
        assert!(find(&TokenStore::open_in(one.path(), &vault).unwrap()).is_some());
    }

    #[test]
    fn a_keyring_that_fails_says_what_to_do() {
        let error = KeyringError("it is locked".to_owned()).to_string();
        assert!(error.contains("it is locked") && error.contains("MCP_CLIENT_STORE=files"));
    }
}
