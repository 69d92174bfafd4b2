//! The bounds of outgoing calls.

use std::time::Duration;

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
