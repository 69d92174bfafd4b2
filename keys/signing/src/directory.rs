//! The folder of PEM files ⇄ keys. A file is named `<creation time>-<kid>.pem`; one dropped in under another
//! name is adopted. All changes happen under the folder's lock, are exclusive and survive a crash.

mod error;
mod file_name;
mod permissions;
mod write;

#[cfg(test)]
mod tests;

pub use error::KeyDirectoryError;

use crate::{KeyId, KeyPolicy, KeySize, RingKey, signer::SigningKey};
use file_name::KeyFileName;
use jiff::{SignedDuration, Timestamp};
use permissions::Access;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// A folder of signing keys.
#[derive(Clone, Debug)]
pub struct KeyDirectory {
    path: PathBuf,
}

/// What came of the wish for a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A new key is published.
    Added(KeyId),
    /// Another process has added this key since.
    AlreadyAdded(KeyId),
}

/// What came of a replacement of all keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The key that signs from now on.
    pub added: KeyId,
    /// The keys that were there before, oldest first. No token that they signed is good any more.
    pub withdrawn: Vec<KeyId>,
}

/// A file with a key, as it was read.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile {
    pub(crate) ring_key: RingKey,
    pub(crate) key: Arc<SigningKey>,
    stamp: Stamp,
}

/// What the folder holds: usable keys by file name, and the files that are no keys.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) keys: BTreeMap<String, KeyFile>,
    pub(crate) refused: BTreeMap<String, Stamp>,
    /// Why files were refused, as far as this reading found out.
    pub(crate) problems: Vec<KeyDirectoryError>,
}

/// Changes when the file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    access: Access,
}

impl KeyDirectory {
    /// Opens the folder, and makes it (0700) if it is not there.
    ///
    /// # Errors
    /// It cannot be made or read, or others than its owner may look into it or into a key; the error names
    /// everything to change.
    pub fn open(path: &Path) -> Result<Self, KeyDirectoryError> {
        let directory = Self { path: path.to_owned() };
        if !path.is_dir() {
            write::create_folder(path).map_err(|error| directory.folder_error(error))?;
        }
        let folder = fs::metadata(path).map_err(|error| directory.folder_error(error))?;
        let mut open_to_others = Vec::new();
        if !Access::of(&folder).is_private_folder() {
            open_to_others.push(path.to_owned());
        }
        let files = directory.list()?;
        open_to_others
            .extend(files.iter().filter(|(_, stamp)| !stamp.access.is_private_file()).map(|(name, _)| path.join(name)));
        if open_to_others.is_empty() { Ok(directory) } else { Err(KeyDirectoryError::Permissions(open_to_others)) }
    }

    /// Publishes a new key after `newest`, the key that this wish was based on. Of several processes with
    /// the same wish, one adds a key.
    ///
    /// # Errors
    /// The folder cannot be written, or no key can be made.
    pub fn rotate(&self, newest: Option<&KeyId>, size: KeySize, now: Timestamp) -> Result<Rotation, KeyDirectoryError> {
        self.locked(|| {
            let last = self.last_key()?;
            match last {
                Some(last) if Some(&last.key_id) != newest => Ok(Rotation::AlreadyAdded(last.key_id)),
                last => {
                    let (key, pem) = SigningKey::generate(size).map_err(KeyDirectoryError::Generate)?;
                    let name = KeyFileName { created_at: creation_time(last, now), key_id: key.key_id().clone() };
                    write::publish(&self.path, &name.to_string(), &pem).map_err(|error| self.folder_error(error))?;
                    Ok(Rotation::Added(name.key_id))
                }
            }
        })
    }

    /// Publishes a new key that is active at once, and then withdraws every other one. The new key's name tells a
    /// time as far back as the activation delay, so that it signs before the others have gone; only where the newest
    /// of them is younger than that, it signs when they have.
    ///
    /// # Errors
    /// The folder cannot be written, or no key can be made. After an error between the two steps nothing is lost: the
    /// next attempt withdraws what this one left.
    pub fn replace(&self, policy: &KeyPolicy, now: Timestamp) -> Result<Replacement, KeyDirectoryError> {
        self.locked(|| {
            let others: Vec<_> = self.names()?.collect();
            let (key, pem) = SigningKey::generate(policy.size).map_err(KeyDirectoryError::Generate)?;
            let since = now.checked_sub(policy.activation_delay).unwrap_or(now);
            let name = KeyFileName { created_at: creation_time(self.last_key()?, since), key_id: key.key_id().clone() };
            write::publish(&self.path, &name.to_string(), &pem).map_err(|error| self.folder_error(error))?;
            self.remove(&others)?;
            Ok(Replacement { added: name.key_id, withdrawn: others.into_iter().map(|other| other.key_id).collect() })
        })
    }

    /// Removes the files of these keys.
    pub(crate) fn remove_keys(&self, keys: &[RingKey]) -> Result<(), KeyDirectoryError> {
        let name = |key: &RingKey| KeyFileName { created_at: key.created_at, key_id: key.key_id.clone() };
        self.locked(|| self.remove(&keys.iter().map(name).collect::<Vec<_>>()))
    }

    fn remove(&self, names: &[KeyFileName]) -> Result<(), KeyDirectoryError> {
        write::remove(&self.path, names.iter().map(ToString::to_string)).map_err(|error| self.folder_error(error))
    }

    /// Reads the folder. Files unchanged since `known` are not read again. Files under another name are
    /// adopted as made at `now`.
    pub(crate) fn read(&self, known: &Contents, now: Timestamp) -> Result<Contents, KeyDirectoryError> {
        let listed = self.list()?;
        let is_new = |(name, stamp): &(String, Stamp)| {
            KeyFileName::parse(name).is_none() && known.refused.get(name) != Some(stamp)
        };
        let has_new = listed.iter().any(is_new);
        let mut contents = Contents::default();
        if has_new {
            self.locked(|| self.adopt_all(&mut contents, now))?;
        }
        for (name, stamp) in if has_new { self.list()? } else { listed } {
            self.read_listed(name, stamp, known, &mut contents);
        }
        Ok(contents)
    }

    fn read_listed(&self, name: String, stamp: Stamp, known: &Contents, contents: &mut Contents) {
        if contents.refused.contains_key(&name) {
            return;
        }
        if let Some(file) = known.keys.get(&name).filter(|file| file.stamp == stamp) {
            contents.keys.insert(name, file.clone());
        } else if known.refused.get(&name) == Some(&stamp) {
            contents.refused.insert(name, stamp);
        } else {
            match self.read_named(&name, stamp) {
                Ok(file) => drop(contents.keys.insert(name, file)),
                Err(problem) => contents.refuse(name, stamp, problem),
            }
        }
    }

    fn read_named(&self, name: &str, stamp: Stamp) -> Result<KeyFile, KeyDirectoryError> {
        let path = self.path.join(name);
        let key = read_key(&path, stamp)?;
        match KeyFileName::parse(name) {
            Some(KeyFileName { created_at, key_id }) if key_id == *key.key_id() => {
                Ok(KeyFile { ring_key: RingKey { created_at, key_id }, key: Arc::new(key), stamp })
            }
            _ => Err(KeyDirectoryError::Name { path, key_id: key.key_id().clone() }),
        }
    }

    /// Gives every key under another name its own one. What is no key is remembered as refused.
    fn adopt_all(&self, contents: &mut Contents, now: Timestamp) -> Result<(), KeyDirectoryError> {
        for (name, stamp) in self.list()?.into_iter().filter(|(name, _)| KeyFileName::parse(name).is_none()) {
            if let Err(problem) = self.adopt(&name, stamp, now) {
                contents.refuse(name, stamp, problem);
            }
        }
        Ok(())
    }

    fn adopt(&self, name: &str, stamp: Stamp, now: Timestamp) -> Result<(), KeyDirectoryError> {
        let path = self.path.join(name);
        let key_id = read_key(&path, stamp)?.key_id().clone();
        if self.names()?.any(|existing| existing.key_id == key_id) {
            return Err(KeyDirectoryError::Duplicate { path, key_id });
        }
        let adopted = KeyFileName { created_at: creation_time(self.last_key()?, now), key_id };
        write::rename(&self.path, name, &adopted.to_string()).map_err(|source| KeyDirectoryError::Adopt {
            path,
            name: adopted.to_string(),
            source,
        })?;
        tracing::info!(file = name, key_id = %adopted.key_id, "adopted a signing key");
        Ok(())
    }

    /// The error of a folder whose keys have gone.
    pub(crate) fn emptied(&self) -> KeyDirectoryError {
        KeyDirectoryError::Emptied(self.path.clone())
    }

    fn last_key(&self) -> Result<Option<RingKey>, KeyDirectoryError> {
        let keys = self.names()?.map(|KeyFileName { created_at, key_id }| RingKey { created_at, key_id });
        Ok(keys.max_by(|one, other| (one.created_at, &one.key_id).cmp(&(other.created_at, &other.key_id))))
    }

    fn names(&self) -> Result<impl Iterator<Item = KeyFileName>, KeyDirectoryError> {
        Ok(self.list()?.into_iter().filter_map(|(name, _)| KeyFileName::parse(&name)))
    }

    /// The PEM files by name, in order. Hidden files are not listed: drafts, the lock, the links of a volume.
    fn list(&self) -> Result<Vec<(String, Stamp)>, KeyDirectoryError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| self.folder_error(error))? {
            let entry = entry.map_err(|error| self.folder_error(error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_pem = Path::new(&name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem"));
            if name.starts_with('.') || !is_pem {
                continue;
            }
            match fs::metadata(entry.path()) {
                Ok(metadata) => files.push((name, Stamp::of(&metadata))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.folder_error(error)),
            }
        }
        files.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(files)
    }

    fn locked<T>(&self, change: impl FnOnce() -> Result<T, KeyDirectoryError>) -> Result<T, KeyDirectoryError> {
        let _lock = write::lock(&self.path).map_err(|error| self.folder_error(error))?;
        change()
    }

    fn folder_error(&self, source: io::Error) -> KeyDirectoryError {
        KeyDirectoryError::Folder { path: self.path.clone(), source }
    }
}

impl Contents {
    fn refuse(&mut self, name: String, stamp: Stamp, problem: KeyDirectoryError) {
        self.refused.insert(name, stamp);
        self.problems.push(problem);
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len(), access: Access::of(metadata) }
    }
}

/// Reads a key that its owner alone can read. The size is bounded, whatever was dropped in.
fn read_key(path: &Path, stamp: Stamp) -> Result<SigningKey, KeyDirectoryError> {
    const LARGEST: u64 = 64 * 1024;
    let unreadable = |source| KeyDirectoryError::Unreadable { path: path.to_owned(), source };
    if !stamp.access.is_file() {
        // Opening a named pipe would wait for a writer.
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    if !stamp.access.is_private_file() {
        return Err(KeyDirectoryError::Permissions(vec![path.to_owned()]));
    }
    let mut text = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut text)).map_err(unreadable)?;
    SigningKey::from_pem(&text).map_err(|source| KeyDirectoryError::Key { path: path.to_owned(), source })
}

/// Whole seconds, and later than the last key, so that the order of the keys is the order of their making
/// even when clocks differ.
fn creation_time(last: Option<RingKey>, now: Timestamp) -> Timestamp {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let after = last.and_then(|last| last.created_at.checked_add(SignedDuration::from_secs(1)).ok());
    after.map_or(now, |after| after.max(now))
}
