use super::*;
use crate::oauth::{
    challenge::BearerChallenge,
    grant::Grant,
    sign_in::{ClientChoice, Reuse},
    testing::world::{ISSUER_METADATA, Reply, TOKEN, World, allows, lock},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A client without a browser, and the pauses that it makes; at each of them, the next of `answers` is what a poll gets.
async fn device(world: &World, answers: &[(u16, Value)]) -> (SignIn, Arc<Mutex<Vec<u64>>>) {
    let authorization = json!({
        "device_code": "the-device-code",
        "user_code": "BCDF-GHJK",
        "verification_uri": format!("{}/device", world.origin),
        "expires_in": 60,
        "interval": 5,
    });
    world.change(ISSUER_METADATA, "device_authorization_endpoint", json!(format!("{}/device_code", world.origin)));
    world.change(ISSUER_METADATA, "code_challenge_methods_supported", json!([]));
    world.reply("/device_code", Reply::json(200, &authorization));
    let mut client = world.client(allows).await;
    client.settings.grant = Grant::DeviceCode;
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let (made, clock, world) = (Arc::clone(&pauses), world.clock.clone(), world.clone());
    let answers = Mutex::new(VecDeque::from(answers.to_vec()));
    client.waits.pause = Arc::new(move |pause: Duration| {
        lock(&made).push(pause.as_secs());
        clock.advance(pause);
        if let Some((status, body)) = lock(&answers).pop_front() {
            world.reply("/token", Reply::json(status, &body));
        }
        Box::pin(async {})
    });
    (client, pauses)
}

fn token() -> (u16, Value) {
    (200, json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}))
}

fn refusal(error: &str) -> (u16, Value) {
    (400, json!({"error": error}))
}

async fn sign_in(client: &SignIn) -> Result<Held, SignInError> {
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await
}

#[tokio::test]
async fn the_person_is_told_what_to_type_and_the_polls_wait_as_long_as_the_issuer_says() {
    let world = World::start().await;
    let answers = [refusal("authorization_pending"), refusal("slow_down"), refusal("authorization_pending"), token()];
    let (client, pauses) = device(&world, &answers).await;
    assert_eq!(sign_in(&client).await.unwrap().token.reveal(), TOKEN);
    assert_eq!(*lock(&pauses), [5, 5, 10, 10]);
    let told = lock(&world.notices).join("\n");
    assert!(told.contains("BCDF-GHJK") && told.contains("/device\n") && !told.contains("the-device-code"), "{told}");
    let polled = world.seen("/token")[3].form();
    assert_eq!(polled["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!((polled["device_code"].as_str(), &polled["resource"]), ("the-device-code", &world.server()));
    let begun = world.seen("/device_code")[0].form();
    assert_eq!((begun["scope"].as_str(), &begun["resource"]), ("mcp:read", &world.server()));
    assert!(sign_in(&client).await.unwrap().kept);
}

#[tokio::test]
async fn a_no_ends_the_polls() {
    let world = World::start().await;
    let (client, pauses) = device(&world, &[refusal("access_denied")]).await;
    assert!(matches!(sign_in(&client).await.unwrap_err(), SignInError::Device(DeviceError::Denied)));
    assert_eq!(lock(&pauses).len(), 1);
}

#[tokio::test]
async fn a_code_that_nobody_enters_ends_by_the_clock_or_by_the_issuer() {
    let world = World::start().await;
    let (client, pauses) = device(&world, &[refusal("authorization_pending")]).await;
    assert!(matches!(sign_in(&client).await.unwrap_err(), SignInError::Device(DeviceError::Expired)));
    assert_eq!(lock(&pauses).iter().sum::<u64>(), 55, "no poll after the code's minute");
    let (client, _) = device(&world, &[refusal("expired_token")]).await;
    assert!(matches!(sign_in(&client).await.unwrap_err(), SignInError::Device(DeviceError::Expired)));
}

#[tokio::test]
async fn an_issuer_without_the_endpoint_is_said_so() {
    let world = World::start().await;
    let (client, _) = device(&world, &[]).await;
    world.change(ISSUER_METADATA, "device_authorization_endpoint", json!(null));
    let error = sign_in(&client).await.unwrap_err();
    assert!(matches!(error, SignInError::Device(DeviceError::NotOffered(_))));
    assert!(error.to_string().contains("MCP_CLIENT_GRANT"));
}

#[tokio::test]
async fn a_client_that_registers_itself_names_the_grant_where_the_issuer_has_it() {
    let world = World::start().await;
    let (mut client, _) = device(&world, &[token()]).await;
    client.settings.client = ClientChoice::Dynamic;
    sign_in(&client).await.unwrap();
    let grants = world.seen("/register")[0].json()["grant_types"].clone();
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    assert_eq!(grants, json!(["authorization_code", "refresh_token", device]));
}
