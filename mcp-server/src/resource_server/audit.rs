//! Who called what: one entry for each tool call, resource read and prompt, and for each refused request. To
//! the log under the target `audit`, or to a file with one JSON object a line. Never a token, never a secret.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;

use super::access_token::AccessToken;
use super::scope::Operation;

/// The operations that are worth an entry when they are allowed.
const AUDITED: [&str; 3] = ["tools/call", "resources/read", "prompts/get"];
/// The longest name of a tool, resource or prompt that is written, in characters.
const LONGEST_NAME: usize = 200;

/// Where entries go. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Sink>);

#[derive(Debug)]
enum Sink {
    Log,
    File(Mutex<File>),
}

/// What is known of one request. What is not known is left out.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) time: Timestamp,
    /// `accepted` or `refused`.
    pub(super) decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    pub(super) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
}

/// What a request asks for, as its body says; before the body is read, as its headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    method: Option<String>,
    name: Option<String>,
}

/// When a request came in.
#[derive(Clone, Copy, Debug)]
struct Arrived(Instant);

impl AuditLog {
    /// Entries are log lines under the target `audit`, with a field for each member.
    #[must_use]
    pub fn log() -> Self {
        Self(Arc::new(Sink::Log))
    }

    /// Entries are lines at the end of the file at `path`, which only its owner may read if it is made now.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Arc::new(Sink::File(Mutex::new(options.open(path)?)))))
    }

    fn write(&self, entry: &Entry<'_>) {
        match &*self.0 {
            Sink::Log => log(entry),
            Sink::File(file) => {
                let mut line = serde_json::to_vec(entry).unwrap_or_default();
                line.push(b'\n');
                // One write for each line, so that the lines of several processes do not mix.
                let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
                if let Err(error) = written {
                    tracing::error!(%error, "no audit entry written");
                }
            }
        }
    }

    /// Notes that a request has come in.
    pub(super) fn arrived(parts: &mut Parts) {
        parts.extensions.insert(Arrived(Instant::now()));
    }

    pub(super) fn accepted(
        &self,
        (token, parts): (&AccessToken, &Seen),
        status: StatusCode,
        request_id: Option<&str>,
        time: Timestamp,
    ) {
        let Some(operation) = parts.operation.as_ref().filter(|operation| operation.is_audited()) else {
            return;
        };
        let entry = Entry::new(("accepted", None, status), time, operation);
        self.write(&Entry { duration_us: parts.duration_us(), request_id, ..entry.by(Some(token)) });
    }

    pub(super) fn refused(
        &self,
        parts: &Parts,
        (reason, status): (&'static str, StatusCode),
        request_id: Option<&str>,
        time: Timestamp,
    ) {
        let seen = Seen::of(parts);
        let operation = seen.operation.clone().unwrap_or_else(|| Asked::from_headers(parts));
        let entry = Entry::new(("refused", Some(reason), status), time, &operation);
        let token = parts.extensions.get::<AccessToken>();
        self.write(&Entry { duration_us: seen.duration_us(), request_id, ..entry.by(token) });
    }
}

/// What the layer has noted about a request on its way.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    arrived: Option<Arrived>,
    operation: Option<Asked>,
}

impl Seen {
    pub(super) fn of(parts: &Parts) -> Self {
        Self { arrived: parts.extensions.get().copied(), operation: parts.extensions.get().cloned() }
    }

    fn duration_us(&self) -> Option<u64> {
        let Arrived(arrived) = self.arrived?;
        u64::try_from(arrived.elapsed().as_micros()).ok()
    }
}

impl<'a> Entry<'a> {
    fn new(
        (decision, reason, status): (&'static str, Option<&'static str>, StatusCode),
        time: Timestamp,
        asked: &'a Asked,
    ) -> Self {
        let name = |method: &str| asked.name.as_deref().filter(|_| asked.method.as_deref() == Some(method));
        Self {
            time,
            decision,
            reason,
            status: status.as_u16(),
            duration_us: None,
            operation: asked.method.as_deref(),
            tool: name("tools/call"),
            resource: name("resources/read"),
            prompt: name("prompts/get"),
            issuer: None,
            subject: None,
            client_id: None,
            token_id: None,
            request_id: None,
        }
    }

    /// Only what a verified token says is said of a caller.
    fn by(self, token: Option<&'a AccessToken>) -> Self {
        Self {
            issuer: token.map(AccessToken::issuer),
            subject: token.and_then(AccessToken::subject),
            client_id: token.and_then(AccessToken::client_id),
            token_id: token.and_then(AccessToken::token_id),
            ..self
        }
    }
}

impl Asked {
    pub(super) fn new(method: Option<&str>, operations: &[Operation<'_>]) -> Self {
        let name = operations.first().map(Operation::name);
        Self { method: method.map(shortened), name: name.map(shortened) }
    }

    fn from_headers(parts: &Parts) -> Self {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(shortened);
        Self { method: text("mcp-method"), name: text("mcp-name") }
    }

    fn is_audited(&self) -> bool {
        self.method.as_deref().is_some_and(|method| AUDITED.contains(&method))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

fn log(entry: &Entry<'_>) {
    tracing::info!(
        target: "audit",
        decision = entry.decision,
        reason = entry.reason,
        status = entry.status,
        duration_us = entry.duration_us,
        operation = entry.operation,
        tool = entry.tool,
        resource = entry.resource,
        prompt = entry.prompt,
        issuer = entry.issuer,
        subject = entry.subject,
        client_id = entry.client_id,
        token_id = entry.token_id,
        request_id = entry.request_id,
        "audit"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, name: Option<&str>) -> Asked {
        Asked { method: Some(method.to_owned()), name: name.map(ToOwned::to_owned) }
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = "ä".repeat(10_000);
        let asked = Asked::new(Some("tools/call"), &[Operation::Tool(long.as_str().into())]);
        assert_eq!(asked.name.unwrap().chars().count(), LONGEST_NAME);
    }

    #[test]
    #[cfg(unix)]
    fn the_file_is_its_owners_alone_and_is_added_to() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for _ in 0..2 {
            let log = AuditLog::file(&path).unwrap();
            let hostile = operation("tools/call", Some("a\"\n{\"decision\":\"accepted\"}"));
            log.write(&Entry::new(
                ("refused", Some("token_expired"), StatusCode::UNAUTHORIZED),
                Timestamp::UNIX_EPOCH,
                &hostile,
            ));
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(entry["decision"], "refused");
        }
        assert!(AuditLog::file(folder.path()).is_err());
    }
}
