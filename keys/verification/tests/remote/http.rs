//! The bounds of outgoing calls.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};
use verification_keys::http::{self, CallError, ClientError, ClientOptions};

use crate::issuer::{Reply, ScriptedIssuer, client, client_with_timeout};

const MAX: usize = 1_000;

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_and_not_beyond() {
    let server = ScriptedIssuer::start().await;
    server.answers("/", Reply::new(418, vec![b'x'; MAX]).with("x-test", "1"));
    let answer = http::get_limited(&client(), &server.url("/"), "*/*", MAX).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len()), (418, MAX));
    assert_eq!(answer.headers.get("x-test").unwrap(), "1");
    for too_long in [Reply::new(200, vec![b'x'; MAX + 1]), Reply::blank(50 * 1024 * 1024)] {
        server.answers("/", too_long);
        let error = http::get_limited(&client(), &server.url("/"), "*/*", MAX).await.unwrap_err();
        assert!(matches!(error, CallError::TooLarge(MAX)), "{error}");
    }
}

#[tokio::test]
async fn a_call_ends_in_time_whether_nothing_comes_or_a_little_at_a_time() {
    let server = ScriptedIssuer::start().await;
    for endless in [Reply::hanging(), Reply::dripping()] {
        server.answers("/", endless);
        let client = client_with_timeout(Duration::from_millis(50));
        let error = http::get_limited(&client, &server.url("/"), "*/*", MAX).await.unwrap_err();
        assert!(matches!(&error, CallError::NoAnswer(source) if source.is_timeout()), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let server = ScriptedIssuer::start().await;
    server.answers("/", Reply::new(200, "not gzip").with("content-encoding", "gzip"));
    let answer = http::get_limited(&client(), &server.url("/"), "*/*", MAX).await.unwrap();
    assert_eq!(answer.body, b"not gzip");
}

#[test]
fn extra_certificates_must_be_certificates() {
    verification_keys::install_crypto_providers();
    let with =
        |pem: &[u8]| http::client(&ClientOptions { extra_ca_pem: Some(pem.to_vec()), ..ClientOptions::default() });
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    assert!(with(certificate.as_bytes()).is_ok());
    for broken in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(with(broken.as_bytes()), Err(ClientError::Certificates | ClientError::Tls(_))), "{broken}");
    }
}

#[tokio::test]
async fn https_needs_a_certificate_that_is_trusted() {
    let (port, certificate) = https_server().await;
    let url = format!("https://localhost:{port}/").parse().unwrap();
    let trusting = ClientOptions { extra_ca_pem: Some(certificate.into_bytes()), ..ClientOptions::default() };
    let trusting = http::client(&trusting).unwrap();
    assert_eq!(http::get_limited(&trusting, &url, "*/*", MAX).await.unwrap().body, b"hi");
    let error = http::get_limited(&client(), &url, "*/*", MAX).await.unwrap_err();
    assert!(matches!(&error, CallError::NoAnswer(source) if source.is_connect()), "{error}");
    let other_name = format!("https://127.0.0.1:{port}/").parse().unwrap();
    let error = http::get_limited(&trusting, &other_name, "*/*", MAX).await.unwrap_err();
    assert!(matches!(&error, CallError::NoAnswer(source) if source.is_connect()), "{error}");
}

/// A server for `localhost` that says `hi`; its port, and its own certificate as PEM.
async fn https_server() -> (u16, String) {
    verification_keys::install_crypto_providers();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let private = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], private.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            if let Ok(mut connection) = acceptor.accept(connection).await {
                let _ = connection.read(&mut [0; 1_024]).await;
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
            }
        }
    });
    (port, own.cert.pem())
}
