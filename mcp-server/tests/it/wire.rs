//! Hostile HTTP on the wire, through the listener, the layer and rmcp: the whole server on a real socket, spoken to
//! byte by byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use serving::{Listener, ServeOptions, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Server;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time","arguments":{}}}"#;

/// The whole server, listening; it ends with the test's runtime.
struct Wire {
    server: Server,
    address: SocketAddr,
}

impl Wire {
    async fn start() -> Self {
        Self::with(ServeOptions::default()).await
    }

    async fn with(options: ServeOptions) -> Self {
        let server = Server::start().await;
        server.bench.server.fetch_keys().await.unwrap();
        let router = server.router.clone();
        let listener = Listener::bind("127.0.0.1", 0).await.unwrap();
        let address = listener.addresses()[0];
        tokio::spawn(serve(listener, router, options, std::future::pending()));
        Self { server, address }
    }

    fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.server.bench.token(json!({"scope": "mcp:read mcp:write"})))
    }

    /// A good call with `head` for its request line and host, and more headers.
    fn call(&self, head: &str, headers: &str) -> String {
        self.post(head, &format!("{headers}Content-Length: {}\r\n", CALL.len()), CALL)
    }

    fn post(&self, head: &str, headers: &str, body: &str) -> String {
        let accept = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
        format!("{head}\r\n{}{accept}Connection: close\r\n{headers}\r\n{body}", self.authorization())
    }

    fn post_as(&self, authorization: &str, headers: &str, body: &str) -> String {
        self.post(HEAD, headers, body).replace(&self.authorization(), authorization)
    }

    /// The status of the answer to these bytes; 0 when the connection is closed without one.
    async fn status(&self, bytes: impl AsRef<[u8]>) -> u16 {
        let (status, _) = self.answer(bytes).await;
        status
    }

    async fn answer(&self, bytes: impl AsRef<[u8]>) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may have answered and closed before all of it is sent.
        let _sent_or_closed = stream.write_all(bytes.as_ref()).await;
        let mut answer = Vec::new();
        let _end_or_reset = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
        let text = String::from_utf8_lossy(&answer).into_owned();
        (text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default(), text)
    }

    /// The next good call works, and nothing else was let through than what the test says.
    async fn assert_well(&self) {
        assert_eq!(self.status(self.call(HEAD, "")).await, 200);
    }
}

const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: localhost:8001";

#[tokio::test]
async fn a_request_for_another_host_is_refused_in_every_form() {
    let wire = Wire::start().await;
    let foreign = [
        "evil.example",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.nip.io",
        "0.0.0.0",
        "192.168.0.1:8001",
        "169.254.169.254",
        "localhost@evil.example",
        "[::2]",
    ];
    for host in foreign {
        for head in [
            format!("POST /mcp HTTP/1.1\r\nHost: {host}"),
            format!("POST http://{host}/mcp HTTP/1.1\r\nHost: {host}"),
            format!("POST http://{host}/mcp HTTP/1.1\r\nHost: localhost:8001"),
        ] {
            let (status, answer) = wire.answer(wire.call(&head, "")).await;
            assert!([400, 403, 421].contains(&status), "{head}: {status}");
            assert!(!answer.contains(host), "{host} reflected");
        }
    }
    for head in [
        "POST /mcp HTTP/1.1",
        "POST /mcp HTTP/1.1\r\nHost: ",
        "POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nHost: evil.example",
        "POST /mcp HTTP/1.1\r\nHost: evil.example\r\nHost: localhost:8001",
        "POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nHost: localhost:8001",
        "POST http://localhost:8001/mcp HTTP/1.1\r\nHost: evil.example",
        "POST /mcp HTTP/1.0",
    ] {
        let status = wire.status(wire.call(head, "")).await;
        assert!([400, 403, 421].contains(&status), "{head}: {status}");
    }
    assert_eq!(
        wire.status(wire.call("POST http://localhost:8001/mcp HTTP/1.1\r\nHost: localhost:8001", "")).await,
        200
    );
    wire.assert_well().await;
}

#[tokio::test]
async fn a_foreign_origin_is_403_and_gets_no_grant() {
    let wire = Wire::start().await;
    let origins = [
        "http://evil.example",
        "https://localhost.evil.example",
        "http://evil.localhost:8001",
        "http://127.0.0.1.nip.io",
        "http://0.0.0.0:8001",
        "null",
        "file://",
        "chrome-extension://abcdef",
        "http://localhost@evil.example",
        "http://localhost:8001, http://evil.example",
        "http://localhost:8001/",
    ];
    for origin in origins {
        let (status, answer) = wire.answer(wire.call(HEAD, &format!("Origin: {origin}\r\n"))).await;
        assert_eq!(status, 403, "{origin}");
        assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{origin}: {answer}");
    }
    let two = "Origin: http://localhost:3000\r\nOrigin: http://evil.example\r\n";
    assert_eq!(wire.status(wire.call(HEAD, two)).await, 403);
    let forwarded = "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: gopher\r\nForwarded: host=evil.example\r\n";
    let (status, answer) = wire.answer(format!("{HEAD}\r\nConnection: close\r\n{forwarded}\r\n")).await;
    assert_eq!((status, answer.contains("evil") || answer.contains("gopher")), (401, false));
    wire.assert_well().await;
}

#[tokio::test]
async fn a_body_of_twenty_megabytes_is_refused_before_it_is_read() {
    let wire = Wire::start().await;
    let began = Instant::now();
    let large = "x".repeat(20_000_000);
    let chunk = format!("1312D00\r\n{large}\r\n0\r\n\r\n");
    let may_all = wire.authorization();
    let may_little = format!("Authorization: Bearer {}\r\n", wire.server.bench.token(json!({"scope": "other"})));
    for authorization in [may_all, may_little, String::new()] {
        for (headers, body) in [("Content-Length: 20000000\r\n", &large), ("Transfer-Encoding: chunked\r\n", &chunk)] {
            let (status, answer) = wire.answer(wire.post_as(&authorization, headers, body)).await;
            let refused = if authorization.is_empty() { [413, 401, 0] } else { [413, 413, 0] };
            assert!(refused.contains(&status), "{authorization}{headers}{answer}");
        }
    }
    let expecting = wire.post(HEAD, "Content-Length: 20000000\r\nExpect: 100-continue\r\n", "");
    assert_eq!(wire.status(expecting).await, 413, "nobody is told to go on");
    assert!(began.elapsed() < Duration::from_secs(10));
    wire.assert_well().await;
}

#[tokio::test]
async fn a_body_of_a_hundred_thousand_brackets_is_a_bad_request() {
    let wire = Wire::start().await;
    let deep = "[".repeat(100_000);
    let inside =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_time","arguments":{deep}"#);
    for body in [deep, inside] {
        let request = wire.post(HEAD, &format!("Content-Length: {}\r\n", body.len()), &body);
        assert_eq!(wire.status(request).await, 400);
    }
    wire.assert_well().await;
}

#[tokio::test]
async fn framing_that_two_readers_could_read_differently_is_400_or_the_end_of_the_connection() {
    let wire = Wire::start().await;
    let smuggled = format!("GET /healthz HTTP/1.1\r\nHost: localhost:8001\r\n{}\r\n", "X: y\r\n");
    let chunks = format!("{:x}\r\n{CALL}\r\n0\r\n\r\n", CALL.len());
    let length = CALL.len();
    let cases = [
        (format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), format!("{chunks}{smuggled}")),
        (format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), format!("{chunks}{smuggled}")),
        (format!("Content-Length: {length}\r\nContent-Length: 5\r\n"), format!("{CALL}{smuggled}")),
        (format!("Content-Length: {length}, 5\r\n"), format!("{CALL}{smuggled}")),
        (format!("Content-Length: +{length}\r\n"), CALL.to_owned()),
        (format!("Content-Length: -{length}\r\n"), CALL.to_owned()),
        (format!("Content-Length: {length}x\r\n"), CALL.to_owned()),
        ("Content-Length: 99999999999999999999999\r\n".to_owned(), CALL.to_owned()),
        (format!("Content-Length: {length}\r\nX-Folded: a\r\n b\r\n"), CALL.to_owned()),
        (format!("Content-Length : {length}\r\n"), CALL.to_owned()),
        ("Transfer-Encoding: gzip\r\n".to_owned(), CALL.to_owned()),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), chunks.clone()),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("-5\r\n{CALL}\r\n0\r\n\r\n")),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("ffffffffffffffffff\r\n{CALL}\r\n0\r\n\r\n")),
        (format!("Content-Length: {length}\r\nX-Nul: a\0b\r\n"), CALL.to_owned()),
        (format!("Content-Length: {length}\r\nX Y: z\r\n"), CALL.to_owned()),
    ];
    for (headers, body) in cases {
        let request = wire.post(HEAD, &headers, &body).replace("Connection: close\r\n", "");
        let (status, answer) = wire.answer(request).await;
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{headers}: a second request was answered: {answer}");
        // Where the one reading is sure (RFC 9112 §6.1 goes by Transfer-Encoding), the answer ends the connection.
        let by_transfer_encoding = headers.contains("chunked\r\n") && headers.contains("Content-Length");
        assert!(
            matches!(status, 400 | 413 | 0 | 501) || (by_transfer_encoding && status == 200),
            "{headers}: {answer}"
        );
    }
    wire.assert_well().await;
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_431() {
    let wire = Wire::start().await;
    let long = format!("X-Long: {}\r\n", "x".repeat(100_000));
    let many = "X: y\r\n".repeat(5_000);
    let line = format!("POST /{} HTTP/1.1\r\nHost: localhost:8001", "x".repeat(100_000));
    for request in [wire.call(HEAD, &long), wire.call(HEAD, &many), wire.call(&line, "")] {
        let status = wire.status(request).await;
        assert!([431, 400, 414, 0].contains(&status), "{status}");
    }
    let large_token = format!("{HEAD}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n", "a".repeat(17_000));
    assert_eq!(wire.status(large_token).await, 401);
    wire.assert_well().await;
}

#[tokio::test]
async fn two_hundred_half_open_requests_hold_nobody_up_and_are_closed() {
    let options = ServeOptions { header_read_timeout: Duration::from_millis(500), ..ServeOptions::default() };
    let wire = Wire::with(options).await;
    let mut half_open = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(wire.address).await.unwrap();
        let begun = if number % 2 == 0 { "POST /mcp HTTP/1.1\r\nHost: loc" } else { "" };
        stream.write_all(begun.as_bytes()).await.unwrap();
        half_open.push(stream);
    }
    let began = Instant::now();
    wire.assert_well().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    for mut stream in half_open {
        let mut rest = Vec::new();
        let _end_or_reset = timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.unwrap();
        assert!(!String::from_utf8_lossy(&rest).contains(" 200 "));
    }
    wire.assert_well().await;
}

#[tokio::test]
async fn a_made_up_session_is_401_without_a_token_and_ignored_with_one() {
    let wire = Wire::start().await;
    let session = "Mcp-Session-Id: 00000000-0000-0000-0000-000000000000\r\n";
    assert_eq!(wire.status(format!("{HEAD}\r\nConnection: close\r\n{session}\r\n")).await, 401);
    assert_eq!(wire.status(wire.call(HEAD, session)).await, 200);
    let mismatch = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\nMcp-Name: get_time\r\n";
    let (status, answer) = wire.answer(wire.call(HEAD, mismatch)).await;
    assert!(status == 400 && answer.contains("-32020"), "{answer}");
}
