//! Whether the file of a database is still the one with its name. SQLite goes on with the file that it has open, and
//! what is written to a file without a name is lost at the next start.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The name of a database file, and which file that was when it was opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    opened: Option<Identity>,
    told: Arc<AtomicBool>,
}

/// Which file it is, whatever its name.
type Identity = (u64, u64);

impl Place {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), opened: identity(file), told: Arc::default() }
    }

    /// Whether the name still means that file. A change is logged once.
    pub(super) fn is_there(&self) -> bool {
        let found = identity(&self.file);
        let is_there = found.is_some() && found == self.opened;
        if self.told.swap(!is_there, Ordering::Relaxed) == is_there {
            let file = self.file.display();
            match (is_there, found) {
                (true, _) => tracing::info!(%file, "the database is back"),
                (false, None) => tracing::error!(%file, "the database was removed: nothing is done until it is back"),
                (false, Some(_)) => tracing::error!(%file, "the database was replaced: restart this server"),
            }
        }
        is_there
    }
}

#[cfg(unix)]
fn identity(file: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(file).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn identity(file: &Path) -> Option<Identity> {
    fs::metadata(file).ok().map(|_| (0, 0))
}
