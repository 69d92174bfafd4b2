//! The limits as a peer sees them: raw sockets on loopback, short times, and waits that end by an event.

use super::*;
use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::{get, post},
};
use std::{convert::Infallible, path::Path};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, rustls};

const HELLO: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// Longer than any test; what is awaited for that long has failed.
const FOREVER: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

#[expect(clippy::disallowed_methods, reason = "rustls reads the clock of this machine, too")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn start(router: Router, options: ServeOptions) -> Running {
    let listener = Listener::bind("127.0.0.1", 0).await.unwrap();
    let address = listener.addresses()[0];
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    Running { address, stop, server: tokio::spawn(serve(listener, router, options, shutdown)) }
}

async fn start_hello(options: ServeOptions) -> Running {
    let echo = post(async |body: Bytes| body);
    start(Router::new().route("/", get(async || "hello")).route("/echo", echo), options).await
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection that has sent `bytes`.
    async fn send(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        stream
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        time::timeout(FOREVER, self.server).await.unwrap().unwrap();
    }
}

/// What arrives until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is a close as well.
    let _reset_or_end = time::timeout(FOREVER, stream.read_to_end(&mut bytes)).await.expect("never closed");
    String::from_utf8(bytes).unwrap()
}

/// Reads one answer whose body ends with `end`, and leaves the connection open.
async fn answer_ending(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let read = time::timeout(FOREVER, stream.read_buf(&mut bytes)).await.expect("no answer").unwrap();
        assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn answers_several_requests_on_one_connection() {
    let server = start_hello(ServeOptions::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        let answer = answer_ending(&mut stream, "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-request-id: "), "{answer}");
    }
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn handlers_see_the_address_of_the_peer() {
    let show = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| format!("{peer}!");
    let server = start(Router::new().route("/", get(show)), ServeOptions::default()).await;
    let mut stream = server.send(HELLO).await;
    let answer = answer_ending(&mut stream, "!").await;
    assert!(answer.contains(&stream.local_addr().unwrap().to_string()), "{answer}");
}

#[tokio::test]
async fn half_open_requests_do_not_block_a_good_one_and_are_closed() {
    let options = ServeOptions { header_read_timeout: Duration::from_millis(500), ..ServeOptions::default() };
    let server = start_hello(options).await;
    let mut half_open = Vec::new();
    for number in 0..200 {
        half_open.push(server.send(if number % 2 == 0 { "" } else { "GET / HTTP/1.1\r\nHost: loc" }).await);
    }
    let mut good = server.send(HELLO).await;
    answer_ending(&mut good, "hello").await;
    for mut stream in half_open {
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test]
async fn a_full_server_closes_the_connection_that_waits_longest() {
    let server = start_hello(ServeOptions { max_connections: 3, ..ServeOptions::default() }).await;
    let mut oldest = server.send("GET / HT").await;
    let _others = [server.send("GET / HT").await, server.send("").await];
    let mut good = server.send(HELLO).await;
    answer_ending(&mut good, "hello").await;
    assert_eq!(rest(&mut oldest).await, "");
}

#[tokio::test]
async fn a_head_that_drips_in_ends_by_the_header_time() {
    let server = start_hello(ServeOptions { header_read_timeout: SHORT, ..ServeOptions::default() }).await;
    let (mut reader, mut writer) = server.connect().await.into_split();
    let dripping = tokio::spawn(async move {
        for byte in HELLO.bytes().cycle().filter(|byte| *byte != b'\n') {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut bytes = Vec::new();
    let _reset_or_end = time::timeout(FOREVER, reader.read_to_end(&mut bytes)).await.expect("never closed");
    time::timeout(FOREVER, dripping).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_time_and_ends_by_the_idle_time() {
    let idle_timeout = Duration::from_millis(400);
    let server =
        start_hello(ServeOptions { header_read_timeout: SHORT, idle_timeout, ..ServeOptions::default() }).await;
    let mut stream = server.send(HELLO).await;
    answer_ending(&mut stream, "hello").await;
    let idle_since = time::Instant::now();
    rest(&mut stream).await;
    assert!(idle_since.elapsed() > 4 * SHORT, "{:?}", idle_since.elapsed());
}

#[tokio::test]
async fn the_second_head_on_a_connection_has_the_header_time() {
    let server = start_hello(ServeOptions { header_read_timeout: SHORT, ..ServeOptions::default() }).await;
    let mut stream = server.send(HELLO).await;
    answer_ending(&mut stream, "hello").await;
    stream.write_all(b"GET / HT").await.unwrap();
    rest(&mut stream).await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_408() {
    let server = start_hello(ServeOptions { request_timeout: SHORT, ..ServeOptions::default() }).await;
    let mut stream = server.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends_by_the_idle_time() {
    struct Ended(Option<oneshot::Sender<()>>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _nobody_waits = self.0.take().map(|ended| ended.send(()));
        }
    }
    let (sender, ended) = oneshot::channel();
    let ended_mark = Arc::new(std::sync::Mutex::new(Some(Ended(Some(sender)))));
    let endless = get(move || {
        let mark = ended_mark.lock().unwrap().take();
        let frames = futures_util::stream::repeat_with(move || {
            assert!(mark.is_some());
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; 65536]))
        });
        std::future::ready(Body::from_stream(frames))
    });
    let server =
        start(Router::new().route("/", endless), ServeOptions { idle_timeout: SHORT, ..ServeOptions::default() }).await;
    let _takes_nothing = server.send(HELLO).await;
    time::timeout(FOREVER, ended).await.expect("still being written").unwrap();
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_431() {
    let server = start_hello(ServeOptions { max_header_bytes: 10_000, ..ServeOptions::default() }).await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(10_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Many: 1\r\n".repeat(200));
    for request in [long, many] {
        let mut stream = server.send(request).await;
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431 "));
    }
    let fits = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    answer_ending(&mut server.send(fits).await, "hello").await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let server = start_hello(ServeOptions { max_body_bytes: 4, ..ServeOptions::default() }).await;
    let mut stream = server.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345").await;
    assert!(answer_ending(&mut stream, "exceeded").await.starts_with("HTTP/1.1 413 "));
    let mut stream = server.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n1234").await;
    assert!(answer_ending(&mut stream, "1234").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn ambiguous_or_malformed_framing_is_400_or_closes_the_connection() {
    let server = start_hello(ServeOptions::default()).await;
    let smuggled = "5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lengths in
        ["Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked"]
    {
        let request = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n{smuggled}");
        let answers = rest(&mut server.send(request).await).await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
    for header in [
        "Content-Length: +5",
        "Content-Length: 5\r\nContent-Length: 6",
        "X: a\r\n b",
        "X : a",
        "Transfer-Encoding: gzip",
    ] {
        let request = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\nhello");
        let answer = rest(&mut server.send(request).await).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{header}: {answer}");
    }
}

#[tokio::test]
async fn shutdown_answers_open_requests_and_refuses_new_connections() {
    let (entered, mut has_entered) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = watch::channel(false);
    let slow = get(async move || {
        entered.send(()).unwrap();
        released.clone().wait_for(|released| *released).await.unwrap();
        "finished"
    });
    let server = start(Router::new().route("/", slow), ServeOptions::default()).await;
    let mut idle = server.connect().await;
    let mut open = server.send(HELLO).await;
    has_entered.recv().await.unwrap();
    let address = server.address;
    let stopped = tokio::spawn(server.stop());
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err());
    release.send_replace(true);
    assert!(rest(&mut open).await.ends_with("finished"));
    stopped.await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_what_outlasts_the_grace_time() {
    let (entered, mut has_entered) = tokio::sync::mpsc::unbounded_channel();
    let stuck = get(async move || {
        entered.send(()).unwrap();
        std::future::pending::<&'static str>().await
    });
    let server =
        start(Router::new().route("/", stuck), ServeOptions { shutdown_grace: SHORT, ..ServeOptions::default() }).await;
    let mut open = server.send(HELLO).await;
    let mut half_open = server.send("GET / HT").await;
    has_entered.recv().await.unwrap();
    server.stop().await;
    rest(&mut half_open).await;
    assert_eq!(rest(&mut open).await, "");
}

/// A client that trusts the certificates in `ca` alone.
fn tls_client(ca: &Path) -> TlsConnector {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_name_and_address_when_it_is_the_ca() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::self_signed(folder.path(), "localhost", now()).unwrap();
    let client = tls_client(tls.certificate_file());
    let server = start_hello(ServeOptions { tls: Some(tls), ..ServeOptions::default() }).await;
    for name in ["localhost", "127.0.0.1", "::1"] {
        let stream = server.connect().await;
        let mut stream = client.connect(name.try_into().unwrap(), stream).await.unwrap();
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 15];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"HTTP/1.1 200 OK");
    }
    let stream = server.connect().await;
    assert!(client.connect("other.example".try_into().unwrap(), stream).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_tls_handshake_that_never_comes_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::self_signed(folder.path(), "localhost", now()).ok();
    let server = start_hello(ServeOptions { tls, header_read_timeout: SHORT, ..ServeOptions::default() }).await;
    assert_eq!(rest(&mut server.send("").await).await, "");
}

const REFUSED: &str = "POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";

/// A server that answers without reading what it is sent.
async fn start_refusing() -> Running {
    let refused = post(async || (http::StatusCode::UNAUTHORIZED, "refused"));
    start(Router::new().route("/", get(async || "hello")).route("/refused", refused), ServeOptions::default()).await
}

#[tokio::test]
async fn a_body_that_comes_after_its_refusal_does_not_cost_the_connection() {
    let server = start_refusing().await;
    let mut stream = server.connect().await;
    for _ in 0..20 {
        stream.write_all(format!("{REFUSED}5\r\n\r\n").as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(b"12345").await.unwrap();
        let answer = answer_ending(&mut stream, "refused").await;
        assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.contains("connection: close"), "{answer}");
    }
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    assert!(answer_ending(&mut stream, "hello").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn an_answer_says_that_the_connection_closes_where_the_body_does_not_come_or_does_not_end() {
    let server = start_refusing().await;
    for (length, sent) in [(5, 4), (100 * 1024, 64 * 1024 + 1)] {
        let mut stream = server.send(format!("{REFUSED}{length}\r\n\r\n{}", "x".repeat(sent))).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("connection: close"), "{length}: {answer}");
    }
}
