//! Who the client is at an issuer, and where its credentials go.

use super::*;

#[tokio::test]
async fn a_registration_is_made_once_for_an_issuer_and_kept() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    signed_in(&world, &client).await.unwrap();
    client.access_token(&challenge(&world), Reuse::Never).await.unwrap();
    let registrations = world.seen("/register");
    assert_eq!(registrations.len(), 1);
    assert_eq!(registrations[0].json()["application_type"], "native");
    assert_eq!(registrations[0].json()["redirect_uris"], json!([client.settings.redirect_uri.as_str()]));
    assert!(world.seen("/token").iter().all(|request| request.form()["client_id"] == "registered"));
    client.forget(&challenge(&world)).await.unwrap();
    signed_in(&world, &client).await.unwrap();
    assert_eq!(world.seen("/register").len(), 2);
}

#[tokio::test]
async fn without_any_way_to_register_the_person_is_asked_for_a_client() {
    let world = World::start().await;
    world.change(ISSUER_METADATA, "registration_endpoint", json!(null));
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    let question = signed_in(&world, &client).await.unwrap_err();
    assert!(matches!(question, SignInError::Registration(RegistrationError::NotOffered(_))));
    assert!(question.to_string().contains("Set MCP_CLIENT_ID"), "{question}");
    assert_eq!(world.sign_ins(), 0);
}

#[tokio::test]
async fn a_refused_registration_is_told_in_the_servers_words_and_opens_no_page() {
    let world = World::start().await;
    let refusal = json!({"error": "invalid_redirect_uri", "error_description": "only https here"});
    world.reply("/register", Reply::json(400, &refusal));
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    let refused = signed_in(&world, &client).await.unwrap_err().to_string();
    assert!(refused.contains("invalid_redirect_uri: only https here"), "{refused}");
    assert_eq!((world.sign_ins(), world.seen("/register").len()), (0, 1));
}

#[tokio::test]
async fn of_several_issuers_each_keeps_its_own_registration_and_token() {
    let (world, other) = (World::start().await, World::start().await);
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    for issuers in [[&world, &other], [&other, &world], [&world, &other], [&other, &world]] {
        let origins = issuers.map(|issuer| issuer.origin.clone());
        world.change(RESOURCE_METADATA, "authorization_servers", json!(origins));
        signed_in(&world, &client).await.unwrap();
    }
    for issuer in [&world, &other] {
        assert_eq!((issuer.seen("/register").len(), issuer.seen("/token").len()), (1, 1));
    }
}

#[tokio::test]
async fn when_a_server_names_another_issuer_credentials_stay_home() {
    let (world, other) = (World::start().await, World::start().await);
    let client = world.client(allows).await;
    signed_in(&world, &client).await.unwrap();
    world.change(RESOURCE_METADATA, "authorization_servers", json!([other.origin]));
    let error = signed_in(&world, &client).await.unwrap_err();
    let SignInError::OtherIssuer { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((expected, found), (&world.origin, &other.origin));
    assert_eq!((world.sign_ins(), other.paths()), (1, vec![ISSUER_METADATA.to_owned()]));

    let mut moved = world.client(allows).await;
    let ClientChoice::PreRegistered { credentials, .. } = moved.settings.client.clone() else { panic!() };
    moved.settings.client = ClientChoice::PreRegistered { credentials, issuer: Some(endpoint(&other.origin)) };
    assert!(!signed_in(&world, &moved).await.unwrap().kept);
}

#[tokio::test]
async fn when_a_server_names_another_issuer_a_registered_client_registers_anew() {
    let (world, other) = (World::start().await, World::start().await);
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    signed_in(&world, &client).await.unwrap();
    world.change(RESOURCE_METADATA, "authorization_servers", json!([other.origin]));
    other.reply("/register", Reply::json(201, &json!({"client_id": "at-the-other"})));
    assert!(!signed_in(&world, &client).await.unwrap().kept);
    assert_eq!(other.seen("/token")[0].form()["client_id"], "at-the-other");
}

#[tokio::test]
async fn the_published_secret_of_the_demo_goes_to_this_computer_only() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    let ClientChoice::PreRegistered { credentials, .. } = client.settings.client.clone() else { panic!() };
    client.settings.client = ClientChoice::Demo(credentials);
    signed_in(&world, &client).await.unwrap();
    assert!(world.seen("/register").is_empty());
    assert!(world.seen("/token")[0].headers.contains_key(header::AUTHORIZATION));
    let elsewhere = crate::oauth::testing::issuer_metadata();
    let error = client.identify(&elsewhere).await.unwrap_err();
    assert!(matches!(error, SignInError::Registration(RegistrationError::NotOffered(_))));
    assert!(error.to_string().contains("MCP_CLIENT_ID"));
}
