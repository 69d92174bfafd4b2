//! The whole server over loopback, beside its twin without authorization: `cargo bench -p mcp-server --bench load`.
//!
//! Both are driven in turn, round by round, so that whatever else the machine does meets both; what is printed are
//! medians. Then the start until ready, and the memory at rest and with 50,000 verified tokens.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

#[path = "../tests/it/issuer.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod issuer;
#[expect(dead_code, reason = "shared with the benchmark of authz")]
mod process;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use issuer::ScriptedIssuer;
use mcp_server::storage::{Meter, Storage};
use mcp_server::{mcp, tools};
use process::{Server, exchange, free_port, median};
use ring::rand::SystemRandom;
use serde_json::json;
use serving::{Listener, ServeOptions, serve};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use verification_keys::testing::TestKey;
use verification_keys::{Clock as _, SystemClock};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;
const TOKENS: usize = 50_000;
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time","arguments":{}}}"#;

#[tokio::main]
async fn main() {
    verification_keys::install_crypto_providers();
    let folder = tempfile::tempdir().unwrap();
    if let Some(port) = std::env::args().skip_while(|argument| argument != "twin").nth(1) {
        return twin(port.parse().unwrap(), folder.path()).await;
    }
    let issuer = ScriptedIssuer::start().await;
    let signer = TestKey::ed25519();
    issuer.publishes_keys([issuer.key(), &signer]);
    let now = SystemClock.now().as_second();
    let claims = |id: usize| {
        let mut claims = issuer.claims(now);
        claims["scope"] = json!("mcp:read mcp:write");
        claims["jti"] = json!(id.to_string());
        claims
    };
    let known = call(Some(&issuer.sign(&claims(0))));

    let starts: Vec<f64> = {
        let mut starts = Vec::new();
        for _ in 0..5 {
            starts.push(protected(issuer.url(), folder.path()).await.started.as_secs_f64() * 1e3);
        }
        starts
    };
    println!("start to ready: median {:.0} ms of {starts:.0?}", median(starts.clone()));

    let layered = protected(issuer.url(), folder.path()).await;
    println!("memory at rest: {:.1} MiB", layered.resident());
    let open = without_layer().await;
    compare(&layered, &known, &open, &call(None)).await;

    let fresh = protected(issuer.url(), folder.path()).await;
    let before = fresh.resident();
    let mut connection = TcpStream::connect(("127.0.0.1", fresh.port)).await.unwrap();
    for id in 1..=TOKENS {
        exchange(&mut connection, &call(Some(&signer.access_token(&claims(id))))).await;
    }
    println!("memory with {TOKENS} verified tokens: {:.1} MiB (before: {before:.1} MiB)", fresh.resident());
    assert_eq!(issuer.introspections(), 0);
}

async fn compare(protected: &Server, with_token: &[u8], open: &Server, without: &[u8]) {
    let (mut ratios, mut costs) = (Vec::new(), Vec::new());
    let mut medians = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        // Whoever is first in a round is second in the next.
        let (one, two) = if round % 2 == 0 {
            let one = protected.drive(with_token, CONNECTIONS, ROUND).await;
            (one, open.drive(without, CONNECTIONS, ROUND).await)
        } else {
            let two = open.drive(without, CONNECTIONS, ROUND).await;
            (protected.drive(with_token, CONNECTIONS, ROUND).await, two)
        };
        if round == 0 {
            continue; // to warm up
        }
        println!(
            "round {round}: protected {:.0}/s, {:.1} µs CPU; without authorization {:.0}/s, {:.1} µs CPU",
            one.rate, one.cpu, two.rate, two.cpu
        );
        ratios.push(one.rate / two.rate);
        costs.push(one.cpu - two.cpu);
        medians[0].push(one.rate);
        medians[1].push(two.rate);
    }
    let [one, two] = medians.map(median);
    println!("known token, tools/call: median {one:.0}/s beside {two:.0}/s");
    println!("throughput ratio: median {:.3} of {ratios:.2?}", median(ratios.clone()));
    println!("CPU of the server per request, more than without: median {:.2} µs", median(costs));
}

/// A `tools/call` as a client sends it.
fn call(token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\n{authorization}Content-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n\
         Content-Length: {}\r\n\r\n{CALL}",
        CALL.len()
    )
    .into_bytes()
}

/// The real binary.
async fn protected(issuer: &str, folder: &std::path::Path) -> Server {
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-server"));
    command
        .env_clear()
        .current_dir(folder)
        .env("MCP_RESOURCE_HOST", "127.0.0.1")
        .env("MCP_RESOURCE_PORT", port.to_string())
        .env("MCP_RESOURCE_PUBLIC_URL", issuer::RESOURCE)
        .env("MCP_RESOURCE_AUTH_SERVER_URL", issuer);
    Server::start(command, port, "localhost:8001").await
}

/// The same MCP service from this executable, without the layer.
async fn without_layer() -> Server {
    let port = free_port();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["twin", &port.to_string()]);
    Server::start(command, port, "localhost:8001").await
}

#[expect(clippy::disallowed_methods, reason = "the edge of this process")]
async fn twin(port: u16, folder: &std::path::Path) {
    serving::logging::init(serving::logging::LogFormat::Text, "info").unwrap();
    let url = format!("sqlite:{}", folder.join("notes.db").display());
    let storage = Storage::new(url.parse().unwrap(), Arc::new(SystemRandom::new()));
    let meter = Arc::new(Meter::new(storage.clone(), None));
    let means = tools::Means { clock: Arc::new(SystemClock), storage, meter };
    let endpoint = mcp::endpoint(tools::Tools::new(means), 1 << 20, CancellationToken::new());
    let router =
        axum::Router::new().route("/mcp", endpoint).merge(serving::health::routes(|| std::future::ready(true)));
    let listener = Listener::bind("127.0.0.1", port).await.unwrap();
    serve(listener, router, ServeOptions::default(), std::future::pending()).await;
}
