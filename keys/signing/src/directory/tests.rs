//! The folder: exclusive changes, private files, adoption, and one clear error for what is wrong.

use super::*;
use crate::{InvalidKey, signer::tests::pem};
use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    thread,
};
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A key folder in a temporary one.
fn open() -> (TempDir, KeyDirectory) {
    let temporary = tempfile::tempdir().unwrap();
    let directory = KeyDirectory::open(&temporary.path().join("keys/pem")).unwrap();
    (temporary, directory)
}

impl KeyDirectory {
    pub(crate) fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, content).unwrap();
        chmod(&path, 0o600);
        path
    }

    pub(crate) fn file_names(&self) -> Vec<String> {
        self.list().unwrap().into_iter().map(|(name, _)| name).collect()
    }

    fn read_new(&self, now: i64) -> Contents {
        self.read(&Contents::default(), at(now)).unwrap()
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn key_id(number: usize) -> KeyId {
    SigningKey::from_pem(pem(number)).unwrap().key_id().clone()
}

fn named(number: usize, created_at: i64) -> String {
    KeyFileName { created_at: at(created_at), key_id: key_id(number) }.to_string()
}

fn added(rotation: Rotation) -> KeyId {
    match rotation {
        Rotation::Added(key_id) => key_id,
        Rotation::AlreadyAdded(key_id) => panic!("{key_id} was there"),
    }
}

#[test]
fn a_new_key_is_a_private_file_in_a_private_folder() {
    let (_temporary, directory) = open();
    let key_id = added(directory.rotate(None, KeySize::Rsa2048, at(1_000)).unwrap());
    let name = format!("19700101T001640Z-{key_id}.pem");
    assert_eq!(directory.file_names(), std::slice::from_ref(&name));
    assert_eq!(mode(&directory.path), 0o700);
    assert_eq!(mode(&directory.path.join(&name)), 0o600);
    assert!(!directory.path.join(".draft").exists());
    let contents = directory.read_new(0);
    assert_eq!(contents.keys[&name].ring_key, RingKey { created_at: at(1_000), key_id });
}

#[test]
fn a_rotation_is_based_on_the_newest_key() {
    let (_temporary, directory) = open();
    let first = added(directory.rotate(None, KeySize::Rsa2048, at(0)).unwrap());
    assert_eq!(directory.rotate(None, KeySize::Rsa2048, at(9)).unwrap(), Rotation::AlreadyAdded(first.clone()));
    let second = added(directory.rotate(Some(&first), KeySize::Rsa2048, at(0)).unwrap());
    let names = directory.file_names();
    assert_eq!(names.len(), 2);
    assert!(
        names[1].starts_with("19700101T000001Z-") && names[1].contains(second.as_str()),
        "later than the first: {names:?}"
    );
}

#[test]
fn of_threads_that_race_one_adds_a_key() {
    let (_temporary, directory) = open();
    let newest = added(directory.rotate(None, KeySize::Rsa2048, at(0)).unwrap());
    let rotations: Vec<_> = thread::scope(|scope| {
        let rotate = || directory.rotate(Some(&newest), KeySize::Rsa2048, at(10)).unwrap();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let added: Vec<_> = rotations.iter().filter(|rotation| matches!(rotation, Rotation::Added(_))).collect();
    assert_eq!(added.len(), 1);
    assert_eq!(directory.file_names().len(), 2);
}

#[test]
fn a_draft_of_a_process_that_died_does_no_harm() {
    let (_temporary, directory) = open();
    directory.put(".draft", b"-----BEGIN PRIV");
    assert!(directory.read_new(0).keys.is_empty());
    added(directory.rotate(None, KeySize::Rsa2048, at(0)).unwrap());
    assert_eq!(directory.read_new(0).keys.len(), 1);
}

#[test]
fn a_file_under_another_name_is_adopted() {
    let (_temporary, directory) = open();
    directory.put("mine.pem", pem(0));
    directory.put("README.txt", b"not looked at");
    let contents = directory.read_new(500);
    assert!(contents.problems.is_empty());
    assert_eq!(directory.file_names(), [named(0, 500)]);
    directory.put("another.pem", pem(1));
    directory.read(&contents, at(400)).unwrap();
    assert_eq!(directory.file_names(), [named(0, 500), named(1, 501)], "after the last key, whatever the clock says");
}

#[test]
fn of_threads_that_race_one_adopts() {
    let (_temporary, directory) = open();
    directory.put("mine.pem", pem(0));
    thread::scope(|scope| {
        for now in 0..4 {
            let directory = &directory;
            scope.spawn(move || assert!(directory.read_new(now).problems.is_empty()));
        }
    });
    assert_eq!(directory.file_names().len(), 1);
}

#[test]
fn a_key_dropped_in_twice_is_refused() {
    let (_temporary, directory) = open();
    directory.put(&named(0, 5), pem(0));
    let copy = directory.put("copy.pem", pem(0));
    let contents = directory.read_new(9);
    assert!(matches!(&contents.problems[..], [KeyDirectoryError::Duplicate { path, .. }] if *path == copy));
    assert_eq!(contents.keys.len(), 1);
}

#[test]
fn a_file_named_after_another_key_is_refused() {
    let (_temporary, directory) = open();
    let path = directory.put(&named(0, 5), pem(1));
    let contents = directory.read_new(9);
    assert!(
        matches!(&contents.problems[..], [KeyDirectoryError::Name { path: named, key_id: found }] if *named == path && *found == key_id(1))
    );
}

#[test]
fn a_file_that_is_no_key_is_named_with_its_reason_and_a_fix() {
    let (_temporary, directory) = open();
    let path = directory.put("bad.pem", b"");
    let problems = directory.read_new(0).problems;
    assert!(
        matches!(&problems[..], [KeyDirectoryError::Key { path: named, source: InvalidKey::Empty }] if *named == path)
    );
    assert_eq!(problems[0].to_string(), format!("{} is empty", path.display()));
    assert!(problems[0].fix().contains("backup"));
}

#[test]
fn what_is_not_a_file_is_not_opened() {
    let (_temporary, directory) = open();
    fs::create_dir(directory.path.join("folder.pem")).unwrap();
    chmod(&directory.path.join("folder.pem"), 0o700);
    symlink("/dev/zero", directory.path.join("device.pem")).unwrap();
    symlink("nowhere", directory.path.join("dangling.pem")).unwrap();
    let problems = directory.read_new(0).problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|problem| matches!(problem, KeyDirectoryError::Unreadable { .. })));
}

#[test]
fn a_volume_of_links_into_a_hidden_folder_is_read() {
    let (_temporary, directory) = open();
    fs::create_dir(directory.path.join("..data")).unwrap();
    directory.put(&format!("..data/{}", named(0, 5)), pem(0));
    symlink(format!("..data/{}", named(0, 5)), directory.path.join(named(0, 5))).unwrap();
    let contents = directory.read_new(9);
    assert_eq!((contents.keys.len(), contents.problems.len()), (1, 0));
    assert!(!directory.path.join(".lock").exists(), "reading needs no right to write");
}

#[test]
fn everything_open_to_others_is_one_error_with_the_chmod_line() {
    let (_temporary, directory) = open();
    let key = directory.put(&named(0, 5), pem(0));
    chmod(&key, 0o644);
    chmod(&directory.path, 0o755);
    let error = KeyDirectory::open(&directory.path).unwrap_err();
    assert!(matches!(&error, KeyDirectoryError::Permissions(paths) if *paths == [directory.path.clone(), key.clone()]));
    let expected = format!("run: chmod 700 '{}' && chmod 600 '{}'", directory.path.display(), key.display());
    assert_eq!(error.fix(), expected);
    chmod(&key, 0o600);
    chmod(&directory.path, 0o700);
    assert!(KeyDirectory::open(&directory.path).is_ok());
}

#[test]
fn a_folder_that_is_a_file_is_an_error_about_the_folder() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = KeyDirectory::open(file.path()).unwrap_err();
    assert!(matches!(&error, KeyDirectoryError::Folder { path, .. } if path == file.path()));
}

#[test]
fn unchanged_files_are_not_read_again() {
    let (_temporary, directory) = open();
    let name = named(0, 5);
    directory.put(&name, pem(0));
    directory.put("bad.pem", b"bad");
    let first = directory.read_new(9);
    let second = directory.read(&first, at(10)).unwrap();
    assert!(Arc::ptr_eq(&first.keys[&name].key, &second.keys[&name].key));
    assert_eq!((first.problems.len(), second.problems.len()), (1, 0));
    assert!(second.refused.contains_key("bad.pem"));
}
