//! Small files that only their owner may read: 0600 in a folder of 0700, replaced whole or not at all; or what stands in for
//! them in a [`Vault`].

use ring::digest;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::Write as _,
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::vault::{KeyringError, Memory, Vault};

/// Largest file read, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// How long a lock is waited for: longer than the exchange that is made under it.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A folder for private files.
#[derive(Clone, Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    vault: Vault,
}

/// Why a private file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Others may read it.
    #[error("{} can be read by others; it is not used. Fix it with: chmod {} {}", .path.display(), .mode, .path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// What it should be.
        mode: &'static str,
    },
    /// The operating system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The keyring that stands in for the files.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Larger than any file we write.
    #[error("{} is too large to be one of ours", .0.display())]
    TooLarge(PathBuf),
}

/// A lock that ends when this is dropped, or its process is.
#[derive(Debug)]
pub struct FileLock {
    _file: Option<fs::File>,
}

impl PrivateFolder {
    /// Opens the folder, and makes it (and what is missing above it) with 0700.
    ///
    /// # Errors
    /// When it cannot be made, or others may read it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PrivateFileError> {
        Self::open_in(path, &Vault::Files)
    }

    /// As [`Self::open`], with what is kept under a key in `vault`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in(path: impl Into<PathBuf>, vault: &Vault) -> Result<Self, PrivateFileError> {
        let path = path.into();
        let made = folder_builder().recursive(true).create(&path);
        let metadata = made.and_then(|()| fs::metadata(&path)).map_err(|source| io_error(&path, source))?;
        if is_exposed(&metadata) {
            return Err(PrivateFileError::Exposed { path, mode: "700" });
        }
        Ok(Self { path, vault: vault.clone() })
    }

    /// A folder that is nowhere, and ends with its last handle.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { path: PathBuf::new(), vault: Vault::Memory(Memory::default()) }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content of `name`, or `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or others may read it.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PrivateFileError> {
        let path = self.path.join(name);
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|source| io_error(&path, source))?,
        };
        if file.metadata().is_ok_and(|metadata| is_exposed(&metadata)) {
            return Err(PrivateFileError::Exposed { path, mode: "600" });
        }
        let mut content = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(|source| io_error(&path, source))?;
        if content.len() as u64 > MAX_FILE_BYTES { Err(PrivateFileError::TooLarge(path)) } else { Ok(Some(content)) }
    }

    /// Replaces `name` at once: readers see the old content or the new one, also after a crash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), PrivateFileError> {
        let path = self.path.join(name);
        let written = || {
            // Made with 0600, beside the file it replaces.
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|failed| failed.error).map(drop)
        };
        written().map_err(|source| io_error(&path, source))
    }

    /// What [`Self::write_json`] wrote under `key`; a file that is not ours, or from another version, counts as absent.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_json<T: DeserializeOwned>(&self, key: &[&str]) -> Result<Option<T>, PrivateFileError> {
        let content = match &self.vault {
            Vault::Files => self.read(&file_name(key))?,
            #[cfg(any(test, feature = "keyring"))]
            Vault::Keyring(keyring) => keyring.read(&self.entry_name(key))?,
            Vault::Memory(memory) => memory.entries().get(&file_name(key)).cloned(),
        };
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// Keeps `value` under `key`, which may hold anything.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_json<T: Serialize>(&self, key: &[&str], value: &T) -> Result<(), PrivateFileError> {
        let content = serde_json::to_vec(value).unwrap_or_default();
        match &self.vault {
            Vault::Files => self.write(&file_name(key), &content),
            #[cfg(any(test, feature = "keyring"))]
            Vault::Keyring(keyring) => Ok(keyring.write(&self.entry_name(key), &content)?),
            Vault::Memory(memory) => {
                memory.entries().insert(file_name(key), content);
                Ok(())
            }
        }
    }

    /// Removes what is kept under `key`.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn remove_json(&self, key: &[&str]) -> Result<(), PrivateFileError> {
        match &self.vault {
            Vault::Files => self.remove(&file_name(key)),
            #[cfg(any(test, feature = "keyring"))]
            Vault::Keyring(keyring) => Ok(keyring.remove(&self.entry_name(key))?),
            Vault::Memory(memory) => {
                memory.entries().remove(&file_name(key));
                Ok(())
            }
        }
    }

    /// What an entry of the keyring is called: the folder tells several clients of one person apart.
    #[cfg(any(test, feature = "keyring"))]
    fn entry_name(&self, key: &[&str]) -> String {
        let folder = self.path.to_string_lossy();
        let key: Vec<&str> = std::iter::once(folder.as_ref()).chain(key.iter().copied()).collect();
        file_name(&key)
    }

    /// Waits until nobody else holds the lock of `key`, in this process or another; it ends when it is dropped.
    ///
    /// # Errors
    /// When there can be no lock file, or somebody holds it for longer than [`LOCK_PATIENCE`].
    pub async fn lock(&self, key: &[&str]) -> Result<FileLock, PrivateFileError> {
        if matches!(self.vault, Vault::Memory(_)) {
            // One task at a time has it: its owner sees to that.
            return Ok(FileLock { _file: None });
        }
        let path = self.path.join(file_name(key)).with_extension("lock");
        let file = private_file_options().open(&path).map_err(|source| io_error(&path, source))?;
        let held = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                    Err(fs::TryLockError::Error(source)) => return Err(source),
                }
            }
        };
        let held = tokio::time::timeout(LOCK_PATIENCE, held).await;
        held.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into())).map_err(|source| io_error(&path, source))?;
        Ok(FileLock { _file: Some(file) })
    }

    /// Removes `name`; a missing file is fine.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), PrivateFileError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&path, error)),
            _ => Ok(()),
        }
    }
}

/// Opens the file at `path` to append to it, and makes it with 0600 if it is not there.
///
/// # Errors
/// When it cannot be written, or others may read it.
pub fn append_to(path: &Path) -> Result<fs::File, PrivateFileError> {
    let file = private_file_options().append(true).open(path).map_err(|source| io_error(path, source))?;
    if file.metadata().is_ok_and(|metadata| is_exposed(&metadata)) {
        return Err(PrivateFileError::Exposed { path: path.to_owned(), mode: "600" });
    }
    Ok(file)
}

/// Names made of hostile text are hashed, so that they cannot leave the folder; lengths keep the parts apart.
fn file_name(key: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in key {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut name = String::with_capacity(69);
    for byte in context.finish().as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ".json"
}

fn io_error(path: &Path, source: io::Error) -> PrivateFileError {
    PrivateFileError::Io { path: path.to_owned(), source }
}

fn folder_builder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes to set"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file_options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn is_exposed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_metadata: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_0600_in_a_folder_of_0700() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a/b")).unwrap();
        folder.write("x", b"secret").unwrap();
        assert_eq!(folder.read("x").unwrap().as_deref(), Some(&b"secret"[..]));
        assert_eq!(mode(&base.path().join("a")), 0o700);
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("x")), 0o600);
    }

    #[test]
    fn a_file_or_folder_that_others_can_read_is_refused_with_the_chmod_line() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a")).unwrap();
        folder.write("x", b"secret").unwrap();
        fs::set_permissions(folder.path().join("x"), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = folder.read("x").unwrap_err();
        assert!(matches!(refused, PrivateFileError::Exposed { mode: "600", .. }));
        assert!(refused.to_string().contains("chmod 600"));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let refused = PrivateFolder::open(folder.path()).unwrap_err();
        assert!(matches!(refused, PrivateFileError::Exposed { mode: "700", .. }));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a")).unwrap();
        folder.write("x", b"first, and longer").unwrap();
        folder.write("x", b"second").unwrap();
        assert_eq!(folder.read("x").unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        folder.remove("x").unwrap();
        folder.remove("x").unwrap();
        assert_eq!(folder.read("x").unwrap(), None);
    }

    #[test]
    fn a_key_of_hostile_text_is_a_file_in_the_folder_and_its_parts_stay_apart() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a")).unwrap();
        for (count, key) in [["../../x", ""], ["", "../../x"], ["a\0b", "/etc/passwd"]].iter().enumerate() {
            folder.write_json(key, &count).unwrap();
            assert_eq!(folder.read_json(key).unwrap(), Some(count));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), count + 1);
        }
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_ours_counts_as_absent() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a")).unwrap();
        folder.write(&file_name(&["k"]), b"{").unwrap();
        assert_eq!(folder.read_json::<u8>(&["k"]).unwrap(), None);
        folder.remove_json(&["k"]).unwrap();
        assert_eq!(folder.read(&file_name(&["k"])).unwrap(), None);
    }

    #[test]
    fn reading_is_bounded() {
        let base = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::open(base.path().join("a")).unwrap();
        folder.write("x", &vec![b'x'; 65 * 1024]).unwrap();
        assert!(matches!(folder.read("x"), Err(PrivateFileError::TooLarge(_))));
    }
}
