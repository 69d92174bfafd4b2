//! The flow, told as it happens: each HTTP exchange of this client becomes a [`Step`], with its secrets cut.
//!
//! [`Wire`] is what the exchanges go through; with a [`Flow`] it reports each of them, without one it only sends.

mod kind;
mod mcp;
mod possession;
mod shorten;
mod wire;

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use url::Url;
use verification_keys::Clock;

pub use kind::{Party, StepKind};
pub use shorten::shortened;
pub use wire::Wire;

use crate::oauth::exchange::{Answer, ExchangeError, Request};
use shorten::Shortener;

/// One arrow of the diagram, there and back; safe to show and to write down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From 1 on.
    pub number: u32,
    /// When it was complete.
    pub at: Timestamp,
    /// What it is; with the sentence and the reference that belong to it.
    #[serde(flatten, serialize_with = "explained")]
    pub kind: StepKind,
    /// Who asked.
    pub from: Party,
    /// Who was asked.
    pub to: Party,
    /// What was sent.
    pub request: Sent,
    /// What came back.
    pub outcome: Outcome,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sent {
    /// `GET`, `POST` …
    pub method: String,
    /// Without the query.
    pub url: String,
    /// Of the query, then of a form.
    pub parameters: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// A JSON body.
    pub body: Option<Value>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer.
    Answer(Received),
    /// Nothing that this program sees: the browser has it.
    WithTheBrowser,
    /// No answer, and why.
    Failed(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Received {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// A JSON body; of anything else only its length is told.
    pub body: Option<Value>,
    /// Length of the body in bytes, if it was read here.
    pub bytes: Option<usize>,
}

impl Step {
    /// Whether it ended in a refusal, or in nothing at all.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        match &self.outcome {
            Outcome::Answer(answer) => answer.status >= 400,
            Outcome::WithTheBrowser => false,
            Outcome::Failed(_) => true,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn explained<S: Serializer>(kind: &StepKind, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Explained {
        kind: StepKind,
        sentence: &'static str,
        reference: &'static str,
    }
    Explained { kind: *kind, sentence: kind.sentence(), reference: kind.reference() }.serialize(serializer)
}

/// Numbers the steps of one story and hands them on.
pub struct Flow {
    clock: Arc<dyn Clock>,
    last: AtomicU32,
    sink: Box<dyn Fn(Step) + Send + Sync>,
}

impl Flow {
    /// `sink` is called once for each step, when its answer is there; it must not block.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, sink: impl Fn(Step) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { clock, last: AtomicU32::new(0), sink: Box::new(sink) })
    }

    fn report(&self, kind: StepKind, request: Sent, outcome: Outcome) {
        let (from, to) = kind.between();
        let number = self.last.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        (self.sink)(Step { number, at: self.clock.now(), kind, from, to, request, outcome });
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("last", &self.last).finish_non_exhaustive()
    }
}

/// A request whose answer is awaited.
struct Open {
    flow: Arc<Flow>,
    kind: StepKind,
    with_token: bool,
    sent: Sent,
    shortener: Shortener,
}

impl Open {
    fn new(flow: Arc<Flow>, kind: StepKind, request: &Request) -> Self {
        let mut shortener = Shortener::default();
        let (url, query) = split(&request.uri().to_string());
        let headers = shortener.headers(request.headers());
        let mut parameters = shortener.form(query.as_bytes());
        let body = shortener.json(request.body());
        let is_form = |value: &http::HeaderValue| value.as_bytes().starts_with(b"application/x-www-form-urlencoded");
        if request.headers().get(http::header::CONTENT_TYPE).is_some_and(is_form) {
            parameters.extend(shortener.form(request.body()));
        }
        let sent = Sent { method: request.method().to_string(), url, parameters, headers, body };
        let with_token = request.headers().contains_key(http::header::AUTHORIZATION);
        Self { flow, kind, with_token, sent, shortener }
    }

    fn answered(mut self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) {
        let received = Received {
            status,
            headers: self.shortener.headers(headers),
            body: body.and_then(|body| self.shortener.json(body)),
            bytes: body.map(<[u8]>::len),
        };
        let kind = self.kind.refused(status, self.with_token);
        self.flow.report(kind, self.sent, Outcome::Answer(received));
    }

    fn finish(self, result: &Result<Answer, ExchangeError>) {
        match result {
            Ok(answer) => self.answered(answer.status.as_u16(), &answer.headers, Some(&answer.body)),
            Err(error) => self.failed(error.to_string()),
        }
    }

    fn failed(self, why: String) {
        self.flow.report(self.kind, self.sent, Outcome::Failed(why));
    }
}

/// A URL without query and fragment, and its query.
fn split(url: &str) -> (String, String) {
    let Ok(mut parsed) = Url::parse(url) else { return (String::new(), String::new()) };
    let query = parsed.query().unwrap_or_default().to_owned();
    parsed.set_query(None);
    parsed.set_fragment(None);
    (parsed.into(), query)
}

#[cfg(test)]
mod tests;
