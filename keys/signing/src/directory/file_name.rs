//! `<creation time>-<kid>.pem`: all that the ring needs to know of a key, in the order of making.

use crate::KeyId;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::fmt;

const TIME: &str = "%Y%m%dT%H%M%SZ";
const EXTENSION: &str = ".pem";

/// The name of a key's file, as in `20260131T235900Z-NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs.pem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyFileName {
    /// Whole seconds.
    pub(super) created_at: Timestamp,
    pub(super) key_id: KeyId,
}

impl KeyFileName {
    /// Reads a name in exactly the form that is written.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (time, key_id) = name.strip_suffix(EXTENSION)?.split_once('-')?;
        let created_at = DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let parsed = Self { created_at, key_id: KeyId::parse(key_id)? };
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for KeyFileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}{EXTENSION}", self.created_at.strftime(TIME), self.key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let name = "20260131T235900Z-NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs.pem";
        let parsed = KeyFileName::parse(name).unwrap();
        assert_eq!(parsed.created_at, "2026-01-31T23:59:00Z".parse().unwrap());
        assert_eq!(parsed.key_id.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(parsed.to_string(), name);
    }

    #[test]
    fn a_key_id_that_begins_with_a_dash_is_read() {
        let name = "20260131T235900Z--zbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs.pem";
        assert_eq!(KeyFileName::parse(name).unwrap().to_string(), name);
    }

    #[test]
    fn other_names_are_not_ours() {
        let kid = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        for name in [
            "key.pem".to_owned(),
            format!("{kid}.pem"),
            format!("20260131T235900Z-{kid}"),
            format!("20261331T235900Z-{kid}.pem"),
            format!("2026131T235900Z-{kid}.pem"),
            "20260131T235900Z-short.pem".to_owned(),
            format!("20260131T235900Z-{kid}.PEM"),
        ] {
            assert_eq!(KeyFileName::parse(&name), None, "{name}");
        }
    }
}
