//! `trace`: each HTTP step of the flow as it happens, one line each with what matters about it; and whole, as JSON lines,
//! in a file that only its owner can read. Secrets are cut before they come here.

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use url::Url;
use verification_keys::Clock;

use crate::{
    flow::{Flow, Outcome, Received, Step, StepKind},
    oauth::private_files::{PrivateFileError, append_to},
    status,
    terminal::sanitize_line,
};

/// What is shown of queries, forms and JSON documents, in this order.
const SHOWN: [&str; 23] = [
    "grant_type",
    "response_type",
    "client_id",
    "redirect_uris",
    "resource",
    "authorization_servers",
    "issuer",
    "scope",
    "scopes_supported",
    "code_challenge",
    "code_challenge_method",
    "state",
    "iss",
    "code",
    "code_verifier",
    "token",
    "refresh_token",
    "access_token",
    "token_type",
    "expires_in",
    "error",
    "error_description",
    "reason",
];
/// Longest value shown, in characters.
const MAX_VALUE: usize = 80;

/// Where the steps go.
#[derive(Debug)]
pub struct Trace {
    is_shown: AtomicBool,
    file: Option<Mutex<File>>,
}

impl Trace {
    /// Shows the steps on stderr if `is_shown`, and appends them to `file` if there is one.
    ///
    /// # Errors
    /// When the file cannot be written, or others may read it.
    pub fn new(is_shown: bool, file: Option<&Path>) -> Result<Arc<Self>, PrivateFileError> {
        let file = file.map(append_to).transpose()?.map(Mutex::new);
        Ok(Arc::new(Self { is_shown: AtomicBool::new(is_shown), file }))
    }

    /// Whether the steps are shown from now on.
    pub fn show(&self, is_shown: bool) {
        self.is_shown.store(is_shown, Ordering::Relaxed);
    }

    /// The flow whose steps go here; they also change what the person is told to wait for.
    #[must_use]
    pub fn flow(self: &Arc<Self>, clock: Arc<dyn Clock>) -> Arc<Flow> {
        let trace = Arc::clone(self);
        Flow::new(clock, move |step| trace.tell(&step))
    }

    fn tell(&self, step: &Step) {
        if self.is_shown.load(Ordering::Relaxed) {
            status::aside(style(step), &line(step));
        }
        if let Some(file) = &self.file {
            let mut text = serde_json::to_vec(step).unwrap_or_default();
            text.push(b'\n');
            // A full disk must not end a sign-in.
            let _unwritten = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text);
        }
        wait_for_person(step);
    }
}

/// After some steps it is the person's turn.
fn wait_for_person(step: &Step) {
    let place = host(&step.request.url);
    match step.kind {
        StepKind::AuthorizationRequest if value_of(&step.request.parameters, "redirect_uri").starts_with("urn:") => {
            status::hand_over();
        }
        StepKind::AuthorizationRequest => status::now(&format!("Waiting for you to sign in at {place} …")),
        StepKind::DeviceAuthorization => {
            status::now(&format!("Waiting for you to sign in at {place} on another device …"));
        }
        StepKind::Callback => status::now("You are back; trading the code for a token …"),
        _ => {}
    }
}

fn style(step: &Step) -> Style {
    if step.is_refused() { AnsiColor::Yellow.on_default() } else { Style::new().dimmed() }
}

/// `[3] client → authorization server: POST http://…/token grant_type=… → 200 token_type=Bearer`
fn line(step: &Step) -> String {
    let Step { number, from, to, request, .. } = step;
    let mut words = vec![format!("[{number}] {} → {}: {} {}", from.name(), to.name(), request.method, request.url)];
    words.extend(message(request.body.as_ref()));
    words.extend(shown(|name| text(&request.parameters, name)));
    words.extend(request.body.as_ref().map(|body| shown(|name| member(body, name))).into_iter().flatten());
    match &step.outcome {
        Outcome::Answer(answer) => words.extend(received(answer)),
        Outcome::WithTheBrowser => {}
        Outcome::Failed(why) => words.push(format!("→ no answer: {}", sanitize_line(why))),
    }
    words.join(" ")
}

/// The JSON-RPC method, and the name of what it is about.
fn message(body: Option<&Value>) -> Option<String> {
    let method = body?.get("method")?.as_str()?;
    let about = ["/params/name", "/params/uri"].iter().find_map(|path| body?.pointer(path)?.as_str());
    Some(sanitize_line(&about.map_or_else(|| method.to_owned(), |about| format!("{method} {about}"))))
}

fn received(answer: &Received) -> Vec<String> {
    let mut words = vec![format!("→ {}", answer.status)];
    let challenges = answer.headers.iter().filter(|(name, _)| name == "www-authenticate" || name == "location");
    words.extend(challenges.map(|(_, value)| sanitize_line(value)));
    words.extend(answer.body.as_ref().map(|body| shown(|name| member(body, name))).into_iter().flatten());
    words
}

fn shown(value: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let word = |name: &&str| {
        let value = sanitize_line(&value(name)?);
        let cut: String = value.chars().take(MAX_VALUE).collect();
        let dots = if cut.len() < value.len() { "…" } else { "" };
        Some(format!("{name}={cut}{dots}"))
    };
    SHOWN.iter().filter_map(word).collect()
}

fn text(parameters: &[(String, String)], name: &str) -> Option<String> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn value_of<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// A member of a document; of a JSON-RPC error too, which has its words in `error`.
fn member(body: &Value, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        Value::Object(error) => error.get("message")?.as_str().map(ToOwned::to_owned),
        other => Some(other.to_string()),
    }
}

fn host(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let origin = parsed.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    origin.split_once("://").map_or(origin.clone(), |(_, host)| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Sent;
    use serde_json::json;
    use verification_keys::testing::ManualClock;

    fn step(kind: StepKind, request: Sent, outcome: Outcome) -> Step {
        let (from, to) = kind.between();
        Step { number: 3, at: jiff::Timestamp::UNIX_EPOCH, kind, from, to, request, outcome }
    }

    fn sent(method: &str, url: &str, parameters: &[(&str, &str)], body: Option<Value>) -> Sent {
        let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Sent { method: method.into(), url: url.into(), parameters, headers: Vec::new(), body }
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: Option<Value>) -> Outcome {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Outcome::Answer(Received { status, headers, body, bytes: None })
    }

    #[test]
    fn a_step_is_one_line_with_what_matters() {
        let token = step(
            StepKind::TokenRequest,
            sent(
                "POST",
                "https://a.example/token",
                &[("other", "x"), ("code", "ab…"), ("grant_type", "authorization_code")],
                None,
            ),
            answer(
                200,
                &[("server", "x")],
                Some(json!({"expires_in": 3600, "access_token": "eyJ…", "token_type": "Bearer"})),
            ),
        );
        assert_eq!(
            line(&token),
            "[3] client → authorization server: POST https://a.example/token grant_type=authorization_code code=ab… → 200 \
             access_token=eyJ… token_type=Bearer expires_in=3600"
        );
        let call = json!({"method": "tools/call", "params": {"name": "get_time"}});
        let refused = step(
            StepKind::CallTool,
            sent("POST", "https://m.example/mcp", &[], Some(call)),
            answer(403, &[("www-authenticate", "Bearer scope=\"a\"")], None),
        );
        assert_eq!(
            line(&refused),
            "[3] client → resource server: POST https://m.example/mcp tools/call get_time → 403 Bearer scope=\"a\""
        );
    }

    #[test]
    fn words_of_a_server_stay_on_the_line_and_cannot_steer_the_terminal() {
        let hostile = json!({"error": "x\n\u{1b}[2J", "issuer": "y".repeat(500)});
        let shown = line(&step(
            StepKind::IssuerMetadata,
            sent("GET", "https://a.example/", &[], None),
            answer(400, &[], Some(hostile)),
        ));
        assert!(!shown.contains(['\n', '\u{1b}']) && shown.len() < 300, "{shown}");
    }

    #[test]
    fn the_file_holds_json_lines_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace.jsonl");
        let trace = Trace::new(false, Some(&file)).unwrap();
        let _flow = trace.flow(Arc::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH)));
        for _ in 0..2 {
            trace.tell(&step(
                StepKind::ResourceMetadata,
                sent("GET", "https://a.example/", &[], None),
                answer(200, &[], None),
            ));
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["kind"]), (2, &json!("resource_metadata")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(Trace::new(false, Some(&file)).unwrap_err().to_string().contains("chmod 600"));
        }
    }
}
