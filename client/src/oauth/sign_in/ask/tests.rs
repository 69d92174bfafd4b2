use super::*;
use crate::{
    app::App,
    oauth::{
        challenge::BearerChallenge,
        sign_in::{Held, Reuse},
        testing::{
            wire,
            world::{ISSUER_METADATA, RESOURCE_METADATA, Reply, TOKEN, World, allows},
        },
    },
};
use serde_json::{Value, json};
use std::time::Duration;

fn challenge(dpop: bool) -> BearerChallenge {
    BearerChallenge { dpop, ..BearerChallenge::default() }
}

async fn token(client: &SignIn, dpop: bool) -> Result<Held, SignInError> {
    client.access_token(&challenge(dpop), Reuse::Kept).await
}

#[tokio::test]
async fn a_token_is_bound_to_a_key_that_the_authorization_request_named_already() {
    let world = World::start().await;
    world.bind_tokens();
    let held = token(&world.client(allows).await, true).await.unwrap();
    let possession = held.possession.unwrap();
    assert_eq!(world.last_asked()["dpop_jkt"], possession.thumbprint());
    let proof = &world.proofs("/token")[0];
    assert_eq!((&proof["htm"], &proof["htu"]), (&json!("POST"), &json!(format!("{}/token", world.origin))));
    assert!(proof.get("ath").is_none() && proof.get("nonce").is_none());
}

#[tokio::test]
async fn no_proof_is_shown_where_one_of_the_two_servers_does_not_offer_it() {
    for (issuer, resource, dpop) in [
        (json!(["ES256"]), json!([]), false),
        (json!([]), json!(["ES256"]), true),
        (json!(["PS256"]), json!([]), true),
        (json!(["ES256"]), json!(["EdDSA"]), true),
    ] {
        let world = World::start().await;
        world.change(ISSUER_METADATA, "dpop_signing_alg_values_supported", issuer);
        world.change(RESOURCE_METADATA, "dpop_signing_alg_values_supported", resource);
        assert_eq!(token(&world.client(allows).await, dpop).await.unwrap().possession, None);
        assert!(world.proofs("/token").is_empty() && !world.last_asked().contains_key("dpop_jkt"));
    }
}

#[tokio::test]
async fn the_metadata_of_the_resource_server_asks_for_it_as_the_challenge_does() {
    for (member, value) in
        [("dpop_signing_alg_values_supported", json!(["ES256"])), ("dpop_bound_access_tokens_required", json!(true))]
    {
        let world = World::start().await;
        world.bind_tokens().change(RESOURCE_METADATA, member, value);
        assert!(token(&world.client(allows).await, false).await.unwrap().possession.is_some(), "{member}");
    }
}

#[tokio::test]
async fn a_server_that_takes_bound_tokens_only_gets_no_other() {
    let world = World::start().await;
    let client = world.client(allows).await;
    token(&client, false).await.unwrap();
    world.change(RESOURCE_METADATA, "dpop_bound_access_tokens_required", json!(true));
    assert!(matches!(token(&client, false).await.unwrap_err(), SignInError::NotBound { .. }));
    world.change(ISSUER_METADATA, "dpop_signing_alg_values_supported", json!(["ES256"]));
    assert!(matches!(token(&client, false).await.unwrap_err(), SignInError::NotBound { .. }), "a bearer token");
    world.bind_tokens();
    assert!(token(&client, false).await.unwrap().possession.is_some(), "the kept bearer token does not do");
}

#[tokio::test]
async fn a_token_request_is_made_once_more_with_the_nonce_of_the_issuer_and_no_oftener() {
    let world = World::start().await;
    world.bind_tokens().demand_nonce("/token", "as-nonce");
    token(&world.client(allows).await, true).await.unwrap();
    let nonces = |world: &World| -> Vec<Value> { world.proofs("/token").iter().map(|p| p["nonce"].clone()).collect() };
    assert_eq!(nonces(&world), [Value::Null, json!("as-nonce")]);
    let proofs = world.proofs("/token");
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
    let stubborn = World::start().await;
    let refusal = Reply::json(400, &json!({"error": "use_dpop_nonce"}));
    stubborn.bind_tokens().reply("/token", refusal.header(http::HeaderName::from_static("dpop-nonce"), "again"));
    assert!(matches!(
        token(&stubborn.client(allows).await, true).await.unwrap_err(),
        SignInError::Token(TokenError::Refused { error, .. }) if error == "use_dpop_nonce"
    ));
    assert_eq!(nonces(&stubborn), [Value::Null, json!("again")]);
}

#[tokio::test]
async fn the_key_is_kept_with_the_token_and_renews_it() {
    let world = World::start().await;
    world.bind_tokens().change("/token", "refresh_token", json!("r-1"));
    let client = world.client(allows).await;
    let first = token(&client, true).await.unwrap().possession;
    let again = token(&client, true).await.unwrap();
    assert_eq!((again.kept, &again.possession), (true, &first));
    world.clock.advance(Duration::from_hours(1));
    let renewed = token(&client, true).await.unwrap();
    assert_eq!((renewed.kept, &renewed.possession), (false, &first));
    assert_eq!(world.seen("/token")[1].form()["grant_type"], "refresh_token");
    assert_eq!((world.proofs("/token").len(), world.sign_ins()), (2, 1));
}

#[tokio::test]
async fn every_request_to_the_server_proves_the_key_anew_also_when_the_nonce_changes() {
    let world = World::start().await;
    world.bind_tokens().demand_nonce("/mcp", "rs-1");
    let mut app = App::new(wire(), world.client(allows).await);
    app.tools().await.unwrap();
    world.demand_nonce("/mcp", "rs-2");
    app.tools().await.unwrap();
    let proofs = world.proofs("/mcp");
    let mut seen = std::collections::BTreeSet::new();
    for proof in &proofs {
        assert_eq!((&proof["htm"], &proof["htu"]), (&json!("POST"), &json!(world.server())));
        assert!(proof["ath"].is_string() && seen.insert(proof["jti"].to_string()), "{proof}");
    }
    assert_eq!(proofs.last().unwrap()["nonce"], "rs-2");
    assert_eq!((world.sign_ins(), world.seen("/token").len()), (1, 1));
    for request in world.seen("/mcp") {
        let shown = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        assert!(shown.is_none_or(|shown| shown == format!("DPoP {TOKEN}")), "never as a bearer token");
    }
}
