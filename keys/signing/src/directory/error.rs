//! What is wrong with a key folder, and the line that repairs it.

use crate::{InvalidKey, InvalidKeyPolicy, KeyId};
use std::{io, path::PathBuf};

/// Why the keys of a folder cannot be used. Names the files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum KeyDirectoryError {
    /// The times or sizes asked for do not work.
    #[error(transparent)]
    Policy(#[from] InvalidKeyPolicy),
    /// The folder cannot be made, read, locked or written.
    #[error("the key folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others than the owner may read these.
    #[error("others may read {}", list(.0))]
    Permissions(Vec<PathBuf>),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not a signing key.
    #[error("{} {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        source: InvalidKey,
    },
    /// The name of a file tells of another key than the one in it.
    #[error("{} holds the key {key_id}, not the one it is named after", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The key in it.
        key_id: KeyId,
    },
    /// The key of a file dropped in is in the folder already.
    #[error("{} holds the key {key_id}, which is here already", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The key in it.
        key_id: KeyId,
    },
    /// A file dropped in cannot be given its own name, as in a folder that is read-only.
    #[error("{} cannot be renamed: {source}", path.display())]
    Adopt {
        /// The file.
        path: PathBuf,
        /// The name that it should have.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// No key could be made.
    #[error("no key could be made: a new one {0}")]
    Generate(#[source] InvalidKey),
    /// All keys of a running service have gone.
    #[error("the key folder {} holds no key any more", .0.display())]
    Emptied(PathBuf),
}

impl KeyDirectoryError {
    /// What to do about it, as a half sentence; for permissions the `chmod` line.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Policy(_) => "change the setting".to_owned(),
            Self::Folder { .. } => "name a folder that this user can read and write".to_owned(),
            Self::Permissions(paths) => format!("run: {}", chmod(paths)),
            Self::Unreadable { .. } => "make it a file that this user can read, or remove it".to_owned(),
            Self::Key { source, .. } => source.fix().to_owned(),
            Self::Name { .. } => {
                "restore the file from a backup, or rename it to key.pem to have it adopted as new".to_owned()
            }
            Self::Duplicate { path, .. } => format!("remove {}", path.display()),
            Self::Adopt { name, .. } => format!("name it {name}"),
            Self::Generate(_) => "try again, and report it if it stays".to_owned(),
            Self::Emptied(_) => "restore the keys from a backup".to_owned(),
        }
    }
}

/// One line for everything; folders need the bit to enter them.
fn chmod(paths: &[PathBuf]) -> String {
    let quoted = |path: &PathBuf| format!("'{}'", path.display());
    let line =
        |mode: &str, paths: Vec<String>| (!paths.is_empty()).then(|| format!("chmod {mode} {}", paths.join(" ")));
    let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_dir());
    let folders = line("700", folders.into_iter().map(quoted).collect());
    let files = line("600", files.into_iter().map(quoted).collect());
    folders.into_iter().chain(files).collect::<Vec<_>>().join(" && ")
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
