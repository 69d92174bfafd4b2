//! The stdio transport: each line of input goes through the protected endpoint in this process with the token
//! of `MCP_ACCESS_TOKEN`, so that it is verified, checked for scopes and written to the audit log like any
//! other request; each answer is a line of output. Ended when the token is, with a message that says so.

mod calls;
mod envelope;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tower::ServiceExt as _;
use verification_keys::Clock;

use crate::resource_server::{AccessToken, ResourceIdentifier, ResourceServer};
use calls::Calls;
use envelope::Refused;

/// Where a token shows itself; not reachable from outside.
const TOKEN: &str = "/token";
/// How often the clock is looked at: it may be set, or the machine may sleep.
const LOOK: Duration = Duration::from_secs(10);
/// Answers that wait to be written.
const QUEUE: usize = 64;

/// Why a session ended before its input did.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The token is not good, or not any more.
    #[error("MCP_ACCESS_TOKEN is refused: {0}. Get a new access token and start again")]
    Refused(Refused),
    /// The token was good until now.
    #[error("MCP_ACCESS_TOKEN has expired at {0}. Get a new access token and start again")]
    Expired(Timestamp),
    /// Input without an end.
    #[error("a line of input is longer than {0} bytes")]
    LineTooLong(usize),
    /// Input or output is broken.
    #[error("standard input or output: {0}")]
    Io(#[from] io::Error),
}

/// A server for one person, whose token has been verified.
#[derive(Debug)]
pub struct Session {
    calls: Arc<Calls>,
    expires_at: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    longest_line: usize,
}

impl Session {
    /// Verifies the token, the value of an `Authorization` header.
    ///
    /// # Errors
    /// It is refused.
    pub async fn start(
        (resource, protected): (&ResourceIdentifier, &ResourceServer),
        endpoint: MethodRouter,
        authorization: HeaderValue,
        clock: Arc<dyn Clock>,
        longest_line: usize,
    ) -> Result<Self, Ended> {
        let router = Router::new()
            .route(envelope::ENDPOINT, endpoint.layer(protected.layer()))
            .route(TOKEN, get(show).layer(protected.layer()));
        let calls = Calls::new(router.clone(), resource, authorization);
        let Ok(response) = router.oneshot(calls.envelope.request_for(TOKEN)).await;
        let Some(token) = response.extensions().get::<AccessToken>().cloned() else {
            return Err(Ended::Refused(Refused::read(response).await));
        };
        Ok(Self { calls: Arc::new(calls), expires_at: token.expires_at(), clock, longest_line })
    }

    /// Answers `input` on `output` until it ends.
    ///
    /// # Errors
    /// Why it ended before.
    pub async fn run(self, input: impl AsyncBufRead + Unpin, mut output: impl AsyncWrite + Unpin) -> Result<(), Ended> {
        let (lines, mut written) = mpsc::channel::<String>(QUEUE);
        let refusal = Arc::clone(&self.calls);
        let reading = read(&self.calls, input, self.longest_line, lines);
        let writing = async {
            while let Some(mut line) = written.recv().await {
                line.push('\n');
                output.write_all(line.as_bytes()).await?;
                output.flush().await?;
            }
            Ok::<_, Ended>(())
        };
        tokio::select! {
            // What has been answered is written before the end is looked at.
            biased;
            both = async { tokio::try_join!(reading, writing) } => both.map(|_| ()),
            refused = refusal.refused() => Err(Ended::Refused(refused)),
            expired = expiry(&*self.clock, self.expires_at) => Err(Ended::Expired(expired)),
        }
    }
}

/// Hands the verified token over, which cannot be made otherwise.
async fn show(token: AccessToken) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(token);
    response
}

async fn read(
    calls: &Arc<Calls>,
    mut input: impl AsyncBufRead + Unpin,
    longest_line: usize,
    lines: mpsc::Sender<String>,
) -> Result<(), Ended> {
    let most = u64::try_from(longest_line).unwrap_or(u64::MAX).saturating_add(1);
    loop {
        let mut line = Vec::new();
        if (&mut input).take(most).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        if line.len() > longest_line {
            return Err(Ended::LineTooLong(longest_line));
        }
        if !line.trim_ascii().is_empty() {
            calls.begin(line, lines.clone()).await;
        }
    }
}

/// Waits for the end of a token; for ever if it has none.
async fn expiry(clock: &dyn Clock, expires_at: Option<Timestamp>) -> Timestamp {
    let Some(expires_at) = expires_at else {
        return std::future::pending().await;
    };
    loop {
        let left = expires_at.duration_since(clock.now());
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(LOOK)).await,
            _ => return expires_at,
        }
    }
}
