//! A session with a program over its standard input and output. It holds one token for its whole life; what would be a
//! 401 or 403 over HTTP is a JSON-RPC error with that code (as mcp-server answers on stdio).

use rmcp::{
    ClientLifecycleMode, ClientServiceExt as _,
    model::{ErrorData, ProtocolVersion},
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::Child,
};

use super::{Forms, McpError, Session, forms::Handler};
use crate::{
    oauth::{challenge::BearerChallenge, scope::Scope, token::AccessToken},
    servers::Program,
    terminal::sanitize_line,
};

/// Lines of what a program says that are kept for the person.
const LINES_KEPT: usize = 3;
/// Longest line of it, in bytes.
const LONGEST_LINE: u64 = 4096;
/// How long to wait for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running program; dropping it ends it.
#[derive(Debug)]
pub(super) struct Running {
    _child: Child,
}

#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<VecDeque<String>>>);

impl Session {
    /// Starts `program` with `token`, and opens a session with it.
    ///
    /// # Errors
    /// When it cannot be started, or ends instead of answering; with its last words. See [`McpError`].
    pub async fn start(program: &Program, token: Option<&AccessToken>, forms: Forms) -> Result<Self, McpError> {
        let mut process = program.process(token.map(AccessToken::reveal));
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let cannot =
            |why: &dyn std::fmt::Display| McpError::Program(format!("{} cannot be started: {why}", program.command));
        let mut child = process.spawn().map_err(|error| cannot(&error))?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(cannot(&"it has no input or output"));
        };
        let said = Said::default();
        let listening = tokio::spawn(said.clone().listen(errors));
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        match Handler::new(forms).serve_with_lifecycle((output, input), lifecycle).await {
            Ok(service) => {
                let program = Some(Running { _child: child });
                Ok(Self { service, schemas_known: AtomicBool::new(false), listening: None, _program: program })
            }
            Err(error) => {
                // The words may come a little later than the end of the output.
                let _late = tokio::time::timeout(LAST_WORDS, listening).await;
                Err(said.ended(program, McpError::from(error)))
            }
        }
    }
}

impl Said {
    async fn listen(self, errors: impl AsyncRead + Unpin) {
        let mut errors = BufReader::new(errors);
        loop {
            let mut line = Vec::new();
            match (&mut errors).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.keep(sanitize_line(String::from_utf8_lossy(&line).trim())),
            }
        }
    }

    fn keep(&self, line: String) {
        tracing::info!(line, "the program says");
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        while lines.len() > LINES_KEPT {
            lines.pop_front();
        }
    }

    /// Why there is no session with `program`: its own words, if it has said any.
    fn ended(&self, program: &Program, error: McpError) -> McpError {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        let hint = match (program.takes_token, words.iter().any(|line| line.contains("MCP_ACCESS_TOKEN"))) {
            (false, true) => ". To sign in for it, give its entry an auth block",
            _ => "",
        };
        if words.is_empty() {
            return error;
        }
        McpError::Program(format!("{} says: {}{hint}", program.command, words.join(" ")))
    }
}

/// A JSON-RPC error, as the refusal that it stands for if it is one.
pub(super) fn refusal(error: ErrorData) -> McpError {
    let refused = |code, message| McpError::Refused { code, message };
    let member = |name: &str| error.data.as_ref().and_then(|data| data.get(name));
    let Some(reason) = member("reason").and_then(Value::as_str) else {
        return refused(error.code.0, error.message.into_owned());
    };
    let scope = member("scope").and_then(Value::as_str).and_then(Scope::parse);
    let challenge = Box::new(BearerChallenge {
        error: Some(reason.to_owned()),
        error_description: Some(error.message.to_string()),
        max_age: member("max_age").and_then(Value::as_u64),
        scope: scope.clone(),
        ..BearerChallenge::default()
    });
    match (error.code.0, scope) {
        (401, _) => McpError::Unauthorized(challenge),
        (403, Some(needed)) => McpError::InsufficientScope { needed, challenge },
        (403, None) => McpError::Forbidden(error.message.into_owned()),
        (code, _) => refused(code, error.message.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::ErrorCode;
    use serde_json::json;

    #[test]
    fn an_error_with_a_status_is_the_refusal_that_it_stands_for() {
        let error = |code, data| refusal(ErrorData::new(ErrorCode(code), "no", data));
        let McpError::InsufficientScope { needed, .. } =
            error(403, Some(json!({"reason": "insufficient_scope", "scope": "mcp:write"})))
        else {
            panic!("not about scope")
        };
        assert_eq!(needed.to_string(), "mcp:write");
        let McpError::Unauthorized(challenge) =
            error(401, Some(json!({"reason": "insufficient_user_authentication", "max_age": 300})))
        else {
            panic!("not about the sign-in")
        };
        assert!(challenge.wants_another_sign_in() && challenge.max_age == Some(300));
        assert!(matches!(error(401, None), McpError::Refused { code: 401, .. }));
        assert!(matches!(error(-32602, Some(json!({"reason": "x"}))), McpError::Refused { code: -32602, .. }));
    }
}
