//! Changes to the folder: under its lock, never over an existing file, and on the disk before they count.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Held while the folder changes; the operating system releases it when its process dies.
pub(super) struct Lock {
    _file: File,
}

/// Waits until no other thread or process changes the folder.
pub(super) fn lock(folder: &Path) -> io::Result<Lock> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = private(&mut options).open(folder.join(".lock"))?;
    file.lock()?;
    Ok(Lock { _file: file })
}

/// Makes the folder, for its owner alone.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Writes a file that is there as a whole or not at all. The lock must be held.
pub(super) fn publish(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    const DRAFT: &str = ".draft";
    let draft = folder.join(DRAFT);
    // Left by a process that died here; the lock says that nobody is at it.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    // A link, unlike a rename, never replaces what is there.
    fs::hard_link(&draft, folder.join(name))?;
    fs::remove_file(&draft)?;
    sync(folder)
}

/// Renames a file to a name that is free, in one step. The lock must be held.
pub(super) fn rename(folder: &Path, from: &str, to: &str) -> io::Result<()> {
    let target = folder.join(to);
    if fs::exists(&target)? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(folder.join(from), target)?;
    sync(folder)
}

/// Removes files; those that are gone already do no harm. The lock must be held.
pub(super) fn remove(folder: &Path, names: impl IntoIterator<Item = String>) -> io::Result<()> {
    for name in names {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
