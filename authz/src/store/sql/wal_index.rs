//! Which state a SQLite database is in, told by reading 96 bytes: the index of the write-ahead log begins with a header,
//! twice, that every commit of every process changes (<https://sqlite.org/walformat.html>, section 2.1).

use std::{fs::File, path::Path};

/// The index of an open database.
#[derive(Debug)]
pub(super) struct WalIndex {
    /// Never closed: whoever closes a file takes from its whole process the locks on it (POSIX), those of SQLite too.
    file: Option<&'static File>,
}

/// A state of the database. Two that are equal are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version([u8; HEADER]);

const HEADER: usize = 48;

impl WalIndex {
    /// Of the database at `file`, which is open.
    pub(super) fn of(file: &Path) -> Self {
        let mut index = file.as_os_str().to_owned();
        index.push("-shm");
        Self { file: File::open(index).ok().map(|file| &*Box::leak(Box::new(file))) }
    }

    /// Of a database that has none.
    pub(super) const fn none() -> Self {
        Self { file: None }
    }

    /// What is committed now. `None` while a commit is on its way, and where it cannot be told.
    pub(super) fn version(&self) -> Option<Version> {
        let mut both = [0; 2 * HEADER];
        read(self.file?, &mut both)?;
        // The second is written first, and the first last.
        let (first, second) = both.split_first_chunk()?;
        (first == second && first != &[0; HEADER]).then_some(Version(*first))
    }
}

impl Version {
    /// Whether exactly one commit lies between the two.
    pub(super) fn is_next_after(self, before: Self) -> bool {
        matches!((self.commits(), before.commits()), (Some(now), Some(then)) if now == then.wrapping_add(1))
    }

    #[cfg(test)]
    pub(super) const fn for_test(number: u8) -> Self {
        Self([number; HEADER])
    }

    /// The counter of commits (`iChange`), in the byte order of this machine.
    fn commits(self) -> Option<u32> {
        self.0.get(8..12)?.try_into().ok().map(u32::from_ne_bytes)
    }
}

/// Where a file that is mapped and one that is read are the same memory.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn read(file: &File, bytes: &mut [u8]) -> Option<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, 0).ok()
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn read(_: &File, _: &mut [u8]) -> Option<()> {
    None
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod tests {
    use crate::store::{SqlStore, Store as _};

    #[tokio::test]
    async fn every_commit_of_anybody_is_a_new_version_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display()).parse().unwrap();
        let (ours, other) = (SqlStore::open(&url).await.unwrap(), SqlStore::open(&url).await.unwrap());
        let version = || ours.recent.version().unwrap();
        let first = version();
        other.check().await.unwrap();
        other.begin().await.unwrap().rollback().await.unwrap();
        other.execute_for_test("DELETE FROM clients WHERE id = 'nobody'").await;
        assert_eq!(version(), first, "nothing was committed");
        for store in [&ours, &other] {
            let before = version();
            store.execute_for_test("INSERT INTO used_once VALUES ('k', hex(randomblob(8)), 1)").await;
            assert!(version() != before && version().is_next_after(before));
        }
        assert!(!version().is_next_after(first), "two commits");
        // The log begins again from the start, and another process may do that.
        other.execute_for_test("PRAGMA wal_checkpoint(RESTART)").await;
        let before = version();
        other.execute_for_test("INSERT INTO used_once VALUES ('k', hex(randomblob(8)), 1)").await;
        assert!(version() != before && version() != first);
    }
}
