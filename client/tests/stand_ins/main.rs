//! The check of `cargo demo -- --check` can fail: small stand-in servers, each of which lacks one check, are named by
//! the step that is about it; one that lacks nothing passes. The product has no switch that would do the same.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may end it"
)]

mod issuer;
mod keys;
mod resource_server;
mod stand_in;

use client::{
    demo::{
        browser::Person,
        check::{self, Cast, Step, StepFailed},
    },
    oauth::client::{ClientCredentials, ClientSecret},
};
use ring::rand::SecureRandom;
use stand_in::{Lacks, StandIn};
use verification_keys::http::{ClientOptions, client};

/// What the check says about a stand-in, and all that it printed.
async fn judge(lacks: Option<Lacks>) -> (Result<(), StepFailed>, String) {
    verification_keys::install_crypto_providers();
    let mut stand_in = StandIn::start(lacks);
    let random = random();
    let cast = Cast {
        http: client(&ClientOptions::default()).unwrap(),
        random: &random,
        person: Person { username: "somebody".into(), password: "something".into() },
        credentials: ClientCredentials { id: "a-client".into(), secret: ClientSecret::new("a-secret") },
        redirect_uri: "http://localhost:3030/callback".parse().unwrap(),
    };
    let mut printed = Vec::new();
    let verdict = check::run(&mut stand_in, &cast, &mut printed).await;
    (verdict, String::from_utf8(printed).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a test is the edge that makes the generator")]
fn random() -> impl SecureRandom {
    ring::rand::SystemRandom::new()
}

async fn expect_failed(lacks: Lacks, expected: Step) {
    let (verdict, printed) = judge(Some(lacks)).await;
    let failed = verdict.expect_err("the stand-in must not pass");
    assert_eq!(failed.step, expected, "{failed}\n{printed}");
    assert!(failed.to_string().contains(expected.name()), "{failed}");
    assert!(!printed.contains(expected.name()), "a step that failed is not reported as seen:\n{printed}");
}

#[tokio::test]
async fn a_stand_in_that_lacks_nothing_passes() {
    let (verdict, printed) = judge(None).await;
    verdict.unwrap();
    assert!(printed.lines().count() >= 15, "{printed}");
}

#[tokio::test]
async fn an_issuer_that_does_not_demand_pkce_is_named() {
    expect_failed(Lacks::PkceDemanded, Step::PkceDemanded).await;
}

#[tokio::test]
async fn an_issuer_that_does_not_compare_the_verifier_is_named() {
    expect_failed(Lacks::PkceVerified, Step::PkceVerified).await;
}

#[tokio::test]
async fn an_issuer_that_never_asks_for_consent_is_named() {
    expect_failed(Lacks::ConsentPage, Step::Consent).await;
}

#[tokio::test]
async fn an_issuer_that_takes_being_signed_in_for_consent_is_named() {
    expect_failed(Lacks::ConsentOnceSignedIn, Step::Consent).await;
}

#[tokio::test]
async fn an_issuer_that_takes_no_for_yes_is_named() {
    expect_failed(Lacks::Denial, Step::Consent).await;
}

#[tokio::test]
async fn an_issuer_that_leaves_iss_out_is_named() {
    expect_failed(Lacks::Iss, Step::ResponseIssuer).await;
}

#[tokio::test]
async fn an_issuer_that_leaves_iss_out_of_refusals_is_named() {
    expect_failed(Lacks::IssInRefusals, Step::ResponseIssuer).await;
}

#[tokio::test]
async fn a_server_that_does_not_check_the_signature_is_named() {
    expect_failed(Lacks::Signature, Step::Signature).await;
}

#[tokio::test]
async fn a_server_that_does_not_check_the_audience_is_named() {
    expect_failed(Lacks::Audience, Step::Audience).await;
}

#[tokio::test]
async fn a_server_that_observes_and_says_nothing_is_named() {
    expect_failed(Lacks::ObservedWarning, Step::AudienceObserved).await;
}

#[tokio::test]
async fn a_server_that_needs_its_issuer_for_each_call_is_named() {
    expect_failed(Lacks::LocalVerification, Step::WithoutIssuer).await;
}
