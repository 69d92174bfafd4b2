use super::*;
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::DiscoveryError,
    sign_in::Reuse,
    testing::{
        endpoint,
        world::{ISSUER_METADATA, World, allows, lock},
    },
};
use serde_json::json;

const DOCUMENT: &str = "https://client.example/oauth/client.json";

async fn client(world: &World, choice: ClientChoice) -> SignIn {
    let mut client = world.client(allows).await;
    client.settings.client = choice;
    client.settings.metadata_url = Some(endpoint(DOCUMENT));
    client
}

#[tokio::test]
async fn a_metadata_document_comes_before_a_registration_where_it_is_taken() {
    for (taken, id, registrations) in [(true, DOCUMENT, 0), (false, "registered", 1)] {
        let world = World::start().await;
        world.change(ISSUER_METADATA, "client_id_metadata_document_supported", json!(taken));
        let client = client(&world, ClientChoice::Dynamic).await;
        client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
        assert_eq!(world.last_asked()["client_id"], id);
        assert_eq!(world.seen("/token")[0].form()["client_id"], id);
        assert_eq!(world.seen("/register").len(), registrations);
    }
}

#[tokio::test]
async fn a_pre_registered_client_comes_before_its_metadata_document() {
    let world = World::start().await;
    world.change(ISSUER_METADATA, "client_id_metadata_document_supported", json!(true));
    let client = client(&world, crate::oauth::testing::world::pre_registered()).await;
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    assert_eq!(world.last_asked()["client_id"], "mine");
}

#[tokio::test]
async fn an_issuer_without_s256_is_used_only_when_a_person_vouches_for_it_by_name() {
    let world = World::start().await;
    world.change(ISSUER_METADATA, "code_challenge_methods_supported", json!([]));
    let mut client = world.client(allows).await;
    client.settings.assume_s256 = vec!["https://another.example".to_owned()];
    let error = client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap_err();
    assert!(matches!(error, SignInError::Discovery(DiscoveryError::NoS256(_))));
    for way_out in ["MCP_RESOURCE_METADATA_SHIM=on", &format!("--assume-s256 {}", world.origin)] {
        assert!(error.to_string().contains(way_out), "{error}");
    }
    assert_eq!(world.sign_ins(), 0);
    client.settings.assume_s256.push(world.origin.clone());
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    assert!(lock(&world.notices)[0].starts_with("WARNING: --assume-s256"));
    assert_eq!(world.last_asked()["code_challenge_method"], "S256");
}
