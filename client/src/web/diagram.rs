//! A step as a row of the diagram: who asks whom, what comes back, why, and where that is written.

use askama::Template;
use serde_json::Value;

use crate::flow::{Outcome, Party, Received, Sent, Step, StepKind};

/// Headers of an answer that say something about the flow.
const TELLING: [&str; 8] = [
    "cache-control",
    "content-type",
    "dpop-nonce",
    "location",
    "mcp-protocol-version",
    "retry-after",
    "www-authenticate",
    "x-request-id",
];

/// A row, ready to be written.
#[derive(Template)]
#[template(path = "step.html")]
pub(super) struct Row {
    pub(super) number: u32,
    /// `client-authz`: where the arrow starts and ends.
    arrow: String,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) title: String,
    pub(super) answer: String,
    refused: bool,
    pub(super) sentence: &'static str,
    pub(super) reference: &'static str,
    request_text: String,
    answer_text: String,
}

impl Row {
    pub(super) fn new(step: &Step) -> Self {
        let (from, to) = (lane(step.from), lane(step.to));
        Self {
            number: step.number,
            arrow: format!("{from}-{to}"),
            from,
            to,
            title: title(step),
            answer: answer(step),
            refused: step.is_refused(),
            sentence: step.kind.sentence(),
            reference: step.kind.reference(),
            request_text: request_text(&step.request),
            answer_text: answer_text(&step.outcome),
        }
    }
}

/// The row of `step`.
pub(super) fn rendered(step: &Step) -> String {
    Row::new(step).render().unwrap_or_default()
}

const fn lane(party: Party) -> &'static str {
    match party {
        Party::Browser => "browser",
        Party::Client => "client",
        Party::ResourceServer => "mcp-server",
        Party::AuthorizationServer => "authz",
    }
}

/// Method and path, and the operation where all requests have the same path.
fn title(step: &Step) -> String {
    let path = url::Url::parse(&step.request.url).map_or_else(|_| String::new(), |url| url.path().to_owned());
    let text = |pointer: &str| step.request.body.as_ref().and_then(|body| body.pointer(pointer)?.as_str());
    let name = text("/params/name").or_else(|| text("/params/uri"));
    let operation = text("/method").into_iter().chain(name);
    let grant = step.request.parameters.iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value.as_str());
    [step.request.method.as_str(), &path].into_iter().chain(operation).chain(grant).collect::<Vec<_>>().join(" ")
}

fn answer(step: &Step) -> String {
    match &step.outcome {
        Outcome::Answer(answer) => {
            let words = http::StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
            let reason = answer.body.as_ref().and_then(|body| body.get("reason")?.as_str());
            let scope = (step.kind == StepKind::ScopeChallenge).then_some("insufficient_scope");
            let parts = [words, reason.or(scope)];
            parts.into_iter().flatten().fold(answer.status.to_string(), |text, part| format!("{text} {part}"))
        }
        Outcome::WithTheBrowser if step.kind == StepKind::Callback => "the code is here".to_owned(),
        Outcome::WithTheBrowser => "the person decides".to_owned(),
        Outcome::Failed(_) => "no answer".to_owned(),
    }
}

fn request_text(request: &Sent) -> String {
    let mut text = format!("{} {}\n", request.method, request.url);
    add_pairs(&mut text, &request.headers, ": ");
    if !request.parameters.is_empty() {
        text.push('\n');
        add_pairs(&mut text, &request.parameters, "=");
    }
    add_body(&mut text, request.body.as_ref());
    text
}

fn answer_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answer(Received { status, headers, body, bytes }) => {
            let mut text = format!("{status}\n");
            let (told, silent): (Vec<_>, Vec<_>) =
                headers.iter().cloned().partition(|(name, _)| TELLING.contains(&name.as_str()));
            add_pairs(&mut text, &told, ": ");
            if !silent.is_empty() {
                text.extend(["(and ", &silent.len().to_string(), " headers that say nothing about the flow)\n"]);
            }
            match (body, bytes) {
                (None, Some(bytes)) if *bytes > 0 => text.extend(["\n(", &bytes.to_string(), " bytes, not shown)\n"]),
                _ => add_body(&mut text, body.as_ref()),
            }
            text
        }
        Outcome::WithTheBrowser => "The browser has it, and no other program.\n".to_owned(),
        Outcome::Failed(why) => format!("{why}\n"),
    }
}

fn add_pairs(text: &mut String, pairs: &[(String, String)], between: &str) {
    for (name, value) in pairs {
        text.extend([name, between, value, "\n"]);
    }
}

fn add_body(text: &mut String, body: Option<&Value>) {
    if let Some(body) = body {
        text.extend(["\n", &serde_json::to_string_pretty(body).unwrap_or_default(), "\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(kind: StepKind, status: u16) -> Step {
        let (from, to) = kind.between();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Step {
            number: 12,
            at: jiff::Timestamp::UNIX_EPOCH,
            kind,
            from,
            to,
            request: Sent {
                method: "POST".into(),
                url: "https://mcp.example/mcp".into(),
                parameters: Vec::new(),
                headers: vec![pair("authorization", "Bearer eyJhbGci…")],
                body: Some(json!({"method": "tools/call", "params": {"name": "<b>&\"'"}})),
            },
            outcome: Outcome::Answer(Received {
                status,
                headers: vec![pair("www-authenticate", "Bearer scope=\"a\""), pair("date", "today")],
                body: Some(json!({"reason": "insufficient_scope"})),
                bytes: Some(40),
            }),
        }
    }

    #[test]
    fn a_row_tells_who_asks_whom_for_what_with_what_outcome_and_why() {
        let row = Row::new(&step(StepKind::ScopeChallenge, 403));
        assert_eq!(
            (row.number, row.from, row.to, row.arrow.as_str()),
            (12, "client", "mcp-server", "client-mcp-server")
        );
        assert_eq!(row.title, "POST /mcp tools/call <b>&\"'");
        assert_eq!(row.answer, "403 Forbidden insufficient_scope");
        assert!(row.refused && row.reference.contains("RFC 6750"));
        assert!(row.answer_text.contains("www-authenticate: Bearer") && !row.answer_text.contains("today"));
    }

    #[test]
    fn words_of_a_server_stay_text() {
        let html = rendered(&step(StepKind::CallTool, 200));
        assert!(!html.contains("<b>") && html.contains("&#60;b&#62;"), "{html}");
    }
}
