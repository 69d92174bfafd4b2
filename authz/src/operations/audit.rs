//! Who asked for what, and what was decided: one entry for each request that changes something or is refused. To the
//! log under the target `audit`, or to a file with one JSON object a line. Never a token, a code or a secret.

use crate::{domain::Subject, protocol::ClientId};
use jiff::Timestamp;
use serde::Serialize;
use serving::audit::JsonLines;
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where entries go.
#[derive(Debug)]
pub enum AuditLog {
    /// Log lines under the target `audit`, with a field for each member.
    Log,
    /// A file.
    File(JsonLines),
}

/// What a handler finds out about its request, for the entry: an extension of every request. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Noted>>);

/// What was noted.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// The client: authenticated, or named by a request that is trusted otherwise.
    pub client_id: Option<ClientId>,
    /// The person.
    pub subject: Option<Subject>,
    /// What was decided about: the resource and the scope.
    pub target: Option<(String, String)>,
    /// Why it was refused, if the answer does not say so.
    pub reason: Option<&'static str>,
}

/// An extension of answers that refuse: the reason, a word that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// What is known of one request. What is not known is left out.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// When it was answered.
    pub time: Timestamp,
    /// `accepted` or `refused`.
    pub decision: &'static str,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The status of the answer.
    pub status: u16,
    /// Method and route.
    pub operation: &'a str,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    /// The resource that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a str>,
    /// The scope that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// The address of the caller.
    pub address: String,
    /// The id of the request, as in the answer and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Notes {
    /// Notes the client.
    pub fn client(&self, id: &ClientId) {
        self.lock().client_id = Some(id.clone());
    }

    /// Notes the person.
    pub fn subject(&self, subject: &Subject) {
        self.lock().subject = Some(subject.clone());
    }

    /// Notes what is decided about.
    pub fn target(&self, resource: &impl ToString, scope: &impl ToString) {
        self.lock().target = Some((resource.to_string(), scope.to_string()));
    }

    /// Notes that the request is refused by an answer that does not look like it, such as a page that asks again.
    pub fn refused(&self, reason: &'static str) {
        self.lock().reason = Some(reason);
    }

    /// What was noted.
    #[must_use]
    pub fn noted(&self) -> Noted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditLog {
    /// To the log.
    #[must_use]
    pub const fn log() -> Self {
        Self::Log
    }

    /// To the end of the file at `path`.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub fn file(path: &Path) -> io::Result<Self> {
        JsonLines::open(path).map(Self::File)
    }

    /// Writes one entry.
    pub fn write(&self, entry: &Entry<'_>) {
        match self {
            Self::File(file) => file.append(entry),
            Self::Log => tracing::info!(
                target: "audit",
                decision = entry.decision,
                reason = entry.reason,
                status = entry.status,
                operation = entry.operation,
                subject = entry.subject,
                client_id = entry.client_id,
                resource = entry.resource,
                scope = entry.scope,
                address = entry.address,
                request_id = entry.request_id,
                "audit"
            ),
        }
    }
}
