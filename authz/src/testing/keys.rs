//! The signing keys of a test.

use super::NOW;
use signing_keys::{KeyPolicy, SigningKeys};
use std::{
    path::Path,
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;

/// Making a key takes long, so all tests start from a copy of one folder.
pub(super) fn of_a_test(folder: &Path) -> Arc<SigningKeys> {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    verification_keys::install_crypto_providers();
    let folder = folder.join("keys");
    if !folder.exists() {
        let made = MADE.get_or_init(|| {
            let made = tempfile::tempdir().unwrap();
            SigningKeys::open(&made.path().join("keys"), &KeyPolicy::default(), NOW).unwrap();
            made
        });
        copy(&made.path().join("keys"), &folder);
    }
    Arc::new(SigningKeys::open(&folder, &KeyPolicy::default(), NOW).unwrap())
}

fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        std::fs::copy(entry.path(), &copied).unwrap();
        std::fs::set_permissions(&copied, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}
