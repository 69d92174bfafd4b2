//! `MCP_RESOURCE_AUDIT_LOG`: where it is written who called what.

use std::fmt;
use std::path::PathBuf;

use serving::settings::InvalidSetting;

use crate::resource_server::AuditLog;

/// Where the audit log goes.
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

impl AuditTarget {
    pub(super) fn parse(raw: &str) -> Self {
        match raw {
            "" | "off" | "false" => Self::Off,
            "-" => Self::Log,
            path => Self::File(path.into()),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(&self) -> Result<Option<AuditLog>, InvalidSetting> {
        let path = match self {
            Self::Off => return Ok(None),
            Self::Log => return Ok(Some(AuditLog::log())),
            Self::File(path) => path,
        };
        AuditLog::file(path).map(Some).map_err(|error| {
            let problem = format!("{} cannot be written: {error}", path.display());
            let fix = "name a file that can be written, - for the log, or off";
            InvalidSetting::new("MCP_RESOURCE_AUDIT_LOG", problem, fix)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_an_invalid_setting() {
        for off in ["", "off", "false"] {
            assert!(AuditTarget::parse(off).open().unwrap().is_none());
        }
        assert!(AuditTarget::parse("-").open().unwrap().is_some());
        let folder = tempfile::tempdir().unwrap();
        let in_no_folder = folder.path().join("none").join("audit.jsonl");
        let problem = AuditTarget::parse(in_no_folder.to_str().unwrap()).open().unwrap_err();
        assert_eq!(problem.name, "MCP_RESOURCE_AUDIT_LOG");
    }
}
