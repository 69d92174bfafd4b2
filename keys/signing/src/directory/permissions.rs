//! Who may read a key: its owner alone. Where root owns it, a group may read too, which is how an
//! orchestrator hands a secret to a process without root's rights.

use std::fs::Metadata;

/// The type, mode and owner of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    mode: u32,
    owner: u32,
    is_file: bool,
}

impl Access {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { mode: metadata.mode(), owner: metadata.uid(), is_file: metadata.is_file() }
    }

    /// Elsewhere the folder's own access list decides.
    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { mode: 0o600, owner: 0, is_file: metadata.is_file() }
    }

    pub(super) const fn is_file(self) -> bool {
        self.is_file
    }

    pub(super) const fn is_private_file(self) -> bool {
        self.is_private(0o040)
    }

    pub(super) const fn is_private_folder(self) -> bool {
        self.is_private(0o050)
    }

    const fn is_private(self, for_the_group_of_root: u32) -> bool {
        const OTHERS: u32 = 0o077;
        let allowed = if self.owner == 0 { for_the_group_of_root } else { 0 };
        self.mode & OTHERS & !allowed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn access(mode: u32, owner: u32) -> Access {
        Access { mode: 0o100_000 | mode, owner, is_file: true }
    }

    #[test]
    fn only_the_owner_may_read() {
        assert!(access(0o600, 1000).is_private_file() && access(0o400, 1000).is_private_file());
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
            assert!(!access(mode, 1000).is_private_file(), "{mode:o}");
        }
        assert!(access(0o700, 1000).is_private_folder());
        assert!(!access(0o750, 1000).is_private_folder() && !access(0o701, 1000).is_private_folder());
    }

    #[test]
    fn a_group_may_read_what_root_owns() {
        assert!(access(0o640, 0).is_private_file() && access(0o440, 0).is_private_file());
        assert!(access(0o750, 0).is_private_folder());
        for mode in [0o660, 0o644, 0o650] {
            assert!(!access(mode, 0).is_private_file(), "{mode:o}");
        }
        assert!(!access(0o770, 0).is_private_folder() && !access(0o755, 0).is_private_folder());
    }
}
