//! `get_time`: the time in RFC 3339, in UTC or in an IANA time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tools;

/// Its name.
pub(super) const NAME: &str = "get_time";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:read";

/// The longest name of a time zone that is looked up.
const LONGEST_NAME: usize = 64;

/// What can be asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetTime {
    /// An IANA time zone such as Asia/Tokyo; UTC if absent.
    timezone: Option<String>,
}

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Time {
    /// RFC 3339, to the second.
    time: String,
    /// The time zone it is given in.
    timezone: String,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{0}`: use a name of the IANA database, such as Europe/Berlin, or leave it out for UTC")]
struct UnknownTimeZone(String);

#[tool_router(router = get_time_router, vis = "pub(super)")]
impl Tools {
    /// Tells the time.
    #[tool(description = "The current time in RFC 3339, in UTC or in the given IANA time zone")]
    async fn get_time(&self, Parameters(asked): Parameters<GetTime>) -> Result<Json<Time>, String> {
        time_at(self.means.clock.now(), asked.timezone.as_deref()).map(Json).map_err(|error| error.to_string())
    }
}

fn time_at(now: Timestamp, timezone: Option<&str>) -> Result<Time, UnknownTimeZone> {
    let Some(name) = timezone.filter(|name| *name != "UTC") else {
        return Ok(Time { time: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), timezone: "UTC".to_owned() });
    };
    let unknown = || UnknownTimeZone(name.chars().take(LONGEST_NAME).collect());
    let short = Some(name).filter(|name| name.len() <= LONGEST_NAME);
    let zone = short.and_then(|name| TimeZone::get(name).ok()).ok_or_else(unknown)?;
    let timezone = zone.iana_name().unwrap_or(name).to_owned();
    Ok(Time { time: now.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(), timezone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(timezone: Option<&str>) -> Result<(String, String), UnknownTimeZone> {
        let now = "2026-07-28T12:30:15.987Z".parse().unwrap();
        time_at(now, timezone).map(|time| (time.time, time.timezone))
    }

    #[test]
    fn utc_unless_asked_otherwise() {
        let utc = ("2026-07-28T12:30:15Z".to_owned(), "UTC".to_owned());
        assert_eq!(asked(None), Ok(utc.clone()));
        assert_eq!(asked(Some("UTC")), Ok(utc));
    }

    #[test]
    fn a_time_zone_by_its_name() {
        let tokyo = ("2026-07-28T21:30:15+09:00".to_owned(), "Asia/Tokyo".to_owned());
        assert_eq!(asked(Some("Asia/Tokyo")), Ok(tokyo));
        assert_eq!(asked(Some("Asia/Kathmandu")).unwrap().0, "2026-07-28T18:15:15+05:45");
        assert_eq!(asked(Some("America/New_York")).unwrap().0, "2026-07-28T08:30:15-04:00");
    }

    #[test]
    fn an_unknown_time_zone_is_named() {
        for name in ["Mars/Olympus", "", "../../etc/passwd", "+09:00"] {
            assert_eq!(asked(Some(name)), Err(UnknownTimeZone(name.to_owned())), "{name}");
        }
        let long = "x".repeat(10_000);
        assert_eq!(asked(Some(&long)), Err(UnknownTimeZone("x".repeat(LONGEST_NAME))));
    }
}
