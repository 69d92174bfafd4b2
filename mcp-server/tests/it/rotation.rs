//! Keys that rotate under load, before two replicas with caches of their own: no valid token is ever refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use serde_json::json;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use verification_keys::testing::TestKey;

use crate::bench::Bench;
use crate::issuer::ScriptedIssuer;

/// The longest that a token lives, and so the time for which a retired key is published, in seconds.
const LIFETIME: u64 = 600;

/// One issuer, and two replicas before it.
struct Load {
    bench: Bench,
    replicas: [Router; 2],
    tokens: usize,
    refused: Arc<AtomicUsize>,
}

impl Load {
    /// Presents tokens of `signer` to both replicas, each twice: first seen, and known.
    fn present(&self, signer: &TestKey) -> JoinHandle<()> {
        let claims = |number| json!({"jti": format!("{}-{}-{number}", signer.kid(), self.bench.now()), "exp": self.bench.now() + 590});
        let tokens: Vec<_> =
            (0..self.tokens).map(|number| signer.access_token(&self.bench.claims(claims(number)))).collect();
        let (replicas, refused) = (self.replicas.clone(), Arc::clone(&self.refused));
        tokio::spawn(async move {
            for token in &tokens {
                for replica in replicas.iter().chain(&replicas) {
                    let answer = replica.clone().oneshot(Bench::request(Some(token))).await.unwrap();
                    refused.fetch_add(usize::from(answer.status() != 200), Ordering::Relaxed);
                }
            }
        })
    }

    async fn present_both(&self, signers: [TestKey; 2]) {
        for presented in signers.map(|signer| self.present(&signer)) {
            presented.await.unwrap();
        }
    }
}

/// An issuer that rotates as ours does: a key is published for some time before it signs, and until its last token has
/// expired. In between a key that nobody announced, as after a leak. Returns how many valid tokens were refused.
async fn refused_in(rotations: usize, tokens: usize) -> usize {
    let bench = Bench::new().await;
    let replicas = [bench.app.clone(), Bench::replica_of(&bench)];
    let load = Load { bench, replicas, tokens: tokens / 4, refused: Arc::default() };
    let key = |number: usize| TestKey::ed25519().with_kid(&format!("key-{number}"));
    for number in 1..=rotations {
        load.bench.issuer.publishes_keys(&[key(number - 1), key(number), key(number + 1)]);
        load.bench.advance(LIFETIME);
        // At the moment of rotation both the old key and the new one have just signed.
        load.present_both([key(number - 1), key(number)]).await;
        load.bench.advance(31);
        let leaked = TestKey::rsa_two().with_kid(&format!("now-{number}"));
        load.bench.issuer.publishes_keys(&[key(number), key(number + 1), leaked.clone()]);
        load.present_both([leaked, key(number)]).await;
    }
    assert!(load.bench.issuer.fetches() <= 2 * 4 * rotations, "{} fetches", load.bench.issuer.fetches());
    load.refused.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_valid_token_is_refused_while_keys_rotate() {
    assert_eq!(refused_in(20, 100).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a minute: 100,000 tokens"]
async fn no_valid_token_of_a_hundred_thousand_is_refused_while_keys_rotate() {
    assert_eq!(refused_in(25, 4_000).await, 0);
}

#[tokio::test]
async fn a_replica_asks_its_issuer_for_itself() {
    let issuer = ScriptedIssuer::start().await;
    let bench = Bench::on(issuer, &|_| {});
    let replica = Bench::replica_of(&bench);
    let token = bench.token(json!({}));
    assert_eq!(bench.verdict(&token).await.0, 200);
    assert_eq!(replica.oneshot(Bench::request(Some(&token))).await.unwrap().status(), 200);
    assert_eq!(bench.issuer.fetches(), 2);
}
