//! Where an audit log goes: nowhere, the log under the target `audit`, or a file with one JSON object a line.

use crate::settings::InvalidSetting;
use serde::Serialize;
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The setting: `off`, `-` for the log, or the name of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditTarget {
    /// Nowhere.
    #[default]
    Off,
    /// The log, under the target `audit`.
    Log,
    /// A file, which is added to.
    File(PathBuf),
}

/// A file that is added to, one JSON object a line.
#[derive(Debug)]
pub struct JsonLines(Mutex<File>);

impl AuditTarget {
    /// Reads the setting.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        match raw {
            "" | "off" | "false" => Self::Off,
            "-" => Self::Log,
            path => Self::File(path.into()),
        }
    }

    /// Opens it, with what the process writes entries with: `log` or `file`.
    ///
    /// # Errors
    /// The file cannot be written; `setting` is the name that is told.
    pub fn open<Log>(
        &self,
        setting: &'static str,
        log: impl FnOnce() -> Log,
        file: impl FnOnce(&Path) -> io::Result<Log>,
    ) -> Result<Option<Log>, InvalidSetting> {
        let path = match self {
            Self::Off => return Ok(None),
            Self::Log => return Ok(Some(log())),
            Self::File(path) => path,
        };
        file(path).map(Some).map_err(|error| {
            let problem = format!("{} cannot be written: {error}", path.display());
            InvalidSetting::new(setting, problem, "name a file that can be written, - for the log, or off")
        })
    }
}

impl fmt::Display for AuditTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Log => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl JsonLines {
    /// The file at `path`, which only its owner may read if it is made now.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.open(path)?)))
    }

    /// Adds one line. One write for each, so that the lines of several processes do not mix; a failure is logged.
    pub fn append(&self, entry: &impl Serialize) {
        let line = serde_json::to_vec(entry).map(|mut line| {
            line.push(b'\n');
            line
        });
        let written = line
            .map_err(io::Error::other)
            .and_then(|line| self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line));
        if let Err(error) = written {
            tracing::error!(%error, "no audit entry written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_an_invalid_setting() {
        let open = |target: &str| {
            AuditTarget::parse(target).open("MCP_X_AUDIT_LOG", || None, |path| JsonLines::open(path).map(Some))
        };
        for off in ["", "off", "false"] {
            assert!(open(off).unwrap().is_none());
        }
        assert!(open("-").unwrap().unwrap().is_none());
        let folder = tempfile::tempdir().unwrap();
        let in_no_folder = folder.path().join("none").join("audit.jsonl");
        assert_eq!(open(in_no_folder.to_str().unwrap()).unwrap_err().name, "MCP_X_AUDIT_LOG");
    }

    #[test]
    fn a_file_is_added_to_and_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for number in 1..=2 {
            JsonLines::open(&path).unwrap().append(&number);
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
