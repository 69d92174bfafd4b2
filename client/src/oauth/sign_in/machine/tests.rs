use super::*;
use crate::oauth::{
    assertion::AssertionKey,
    challenge::BearerChallenge,
    client::{ClientCredentials, ClientSecret},
    grant::Grant,
    scope::Scope,
    sign_in::{ClientChoice, Reuse},
    signing::SigningKey,
    testing::{
        endpoint, jwt_parts, p256_pem, random,
        world::{ISSUER_METADATA, Reply, TOKEN, World, allows},
    },
    token::TokenError,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln";

/// A JWT of a platform for `audience`.
fn made_out_to(audience: &str) -> String {
    format!("eyJhbGciOiJFUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(json!({"aud": audience}).to_string()))
}

/// A client that takes `grant`, at an issuer that nobody can sign in at.
async fn client(world: &World, grant: Grant) -> SignIn {
    world.change(ISSUER_METADATA, "code_challenge_methods_supported", json!([]));
    world.change(ISSUER_METADATA, "authorization_endpoint", json!(null));
    let mut client = world.client(allows).await;
    client.settings.grant = grant;
    client
}

async fn token(client: &SignIn) -> Result<Held, SignInError> {
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await
}

fn file(world: &World, name: &str, content: &str) -> PathBuf {
    let file = world.folder().join(name);
    fs::write(&file, content).unwrap();
    file
}

#[tokio::test]
async fn a_client_asks_for_itself_without_a_browser_and_keeps_what_it_gets() {
    let world = World::start().await;
    let client = client(&world, Grant::ClientCredentials).await;
    assert_eq!(token(&client).await.unwrap().token.reveal(), TOKEN);
    let asked = world.seen("/token");
    let form = asked[0].form();
    assert_eq!((form["grant_type"].as_str(), form["scope"].as_str()), ("client_credentials", "mcp:read"));
    assert_eq!(form["resource"], world.server());
    assert!(asked[0].headers.contains_key("authorization"));
    assert!(token(&client).await.unwrap().kept);
    assert_eq!((world.seen("/token").len(), world.sign_ins()), (1, 0));
}

#[tokio::test]
async fn a_token_of_a_person_is_not_used_for_the_client_itself() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    token(&client).await.unwrap();
    client.settings.grant = Grant::ClientCredentials;
    assert!(!token(&client).await.unwrap().kept);
    assert_eq!(world.seen("/token")[1].form()["grant_type"], "client_credentials");
}

#[tokio::test]
async fn a_token_that_is_refused_or_too_narrow_is_asked_for_again_without_a_person() {
    let world = World::start().await;
    let client = client(&world, Grant::ClientCredentials).await;
    let held = token(&client).await.unwrap();
    let none = BearerChallenge::default();
    assert!(!client.access_token(&none, Reuse::Except(&held.token)).await.unwrap().kept);
    let wider = BearerChallenge { scope: Scope::parse("mcp:read mcp:write"), ..none };
    client.access_token(&wider, Reuse::Never).await.unwrap();
    assert_eq!(world.seen("/token")[2].form()["scope"], "mcp:read mcp:write");
}

#[tokio::test]
async fn a_client_with_a_key_proves_itself_by_a_fresh_assertion_for_the_issuer() {
    let world = World::start().await;
    world.change(ISSUER_METADATA, "token_endpoint_auth_methods_supported", json!(["private_key_jwt"]));
    for grant in [Grant::ClientCredentials, Grant::AuthorizationCode] {
        let mut client = world.client(allows).await;
        client.settings.grant = grant;
        let key = SigningKey::from_pem(p256_pem().as_bytes(), &random()).unwrap();
        client.settings.private_key = Some(AssertionKey { key, id: Some("k1".to_owned()) });
        let credentials = ClientCredentials { id: "robot".into(), secret: None };
        client.settings.client = ClientChoice::PreRegistered { credentials, issuer: None };
        token(&client).await.unwrap();
    }
    let assertions: Vec<_> =
        world.seen("/token").iter().map(|asked| asked.form()["client_assertion"].clone()).collect();
    for assertion in &assertions {
        let (header, claims) = jwt_parts(assertion);
        assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("k1")));
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!("robot"), &json!(world.origin)));
    }
    assert_ne!(assertions[0], assertions[1]);
}

#[tokio::test]
async fn a_key_that_the_issuer_does_not_take_is_said_so() {
    let world = World::start().await;
    let mut client = client(&world, Grant::ClientCredentials).await;
    let key = SigningKey::from_pem(p256_pem().as_bytes(), &random()).unwrap();
    client.settings.private_key = Some(AssertionKey { key, id: None });
    let credentials = ClientCredentials { id: "robot".into(), secret: None };
    client.settings.client = ClientChoice::PreRegistered { credentials, issuer: None };
    let error = token(&client).await.unwrap_err();
    assert!(matches!(error, SignInError::ClientAuthentication(_)));
    assert!(error.to_string().contains("MCP_CLIENT_PRIVATE_KEY"));
    assert!(world.seen("/token").is_empty());
}

#[tokio::test]
async fn a_grant_that_the_issuer_does_not_offer_is_not_tried() {
    let world = World::start().await;
    let client = client(&world, Grant::ClientCredentials).await;
    world.change(ISSUER_METADATA, "grant_types_supported", json!(["authorization_code"]));
    let error = token(&client).await.unwrap_err();
    assert!(matches!(error, SignInError::GrantNotOffered { grant_type: "client_credentials", .. }));
    world.change(ISSUER_METADATA, "grant_types_supported", json!(["client_credentials"]));
    token(&client).await.unwrap();
}

#[tokio::test]
async fn without_a_browser_no_client_registers_itself() {
    let world = World::start().await;
    let mut client = client(&world, Grant::ClientCredentials).await;
    client.settings.client = ClientChoice::Dynamic;
    assert!(matches!(token(&client).await.unwrap_err(), SignInError::NotRegistered(_)));
    assert!(world.seen("/register").is_empty());
}

#[tokio::test]
async fn a_workload_shows_the_jwt_of_its_platform_as_it_is_now_and_no_client() {
    let world = World::start().await;
    let jwt = made_out_to(&world.origin);
    let path = file(&world, "jwt", &format!("{jwt}\n"));
    let mut client = client(&world, Grant::WorkloadIdentity(path)).await;
    client.settings.client = ClientChoice::Nobody { issuer: None };
    token(&client).await.unwrap();
    let asked = world.seen("/token");
    let form = asked[0].form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!((&form["assertion"], &form["resource"]), (&jwt, &world.server()));
    assert!(!form.contains_key("client_id") && !asked[0].headers.contains_key("authorization"));
    let renewed = made_out_to(&format!("{}/token", world.origin));
    file(&world, "jwt", &renewed);
    client.access_token(&BearerChallenge::default(), Reuse::Never).await.unwrap();
    assert_eq!(world.seen("/token")[1].form()["assertion"], renewed);
}

#[tokio::test]
async fn a_jwt_that_is_made_out_to_somebody_else_is_shown_only_where_a_person_said_so() {
    let world = World::start().await;
    let jwt = file(&world, "jwt", &made_out_to("api://exchange"));
    let mut client = client(&world, Grant::WorkloadIdentity(jwt)).await;
    for home in [None, Some(endpoint("https://auth.example"))] {
        client.settings.client = ClientChoice::Nobody { issuer: home };
        let error = token(&client).await.unwrap_err();
        assert!(matches!(error, SignInError::AssertionAudience(_)));
        assert!(error.to_string().contains(&format!("MCP_CLIENT_ISSUER={}", world.origin)), "{error}");
    }
    assert!(world.seen("/token").is_empty());
    client.settings.client = ClientChoice::Nobody { issuer: Some(endpoint(&world.origin)) };
    token(&client).await.unwrap();
}

#[tokio::test]
async fn a_workload_that_is_refused_does_not_try_again_or_otherwise() {
    for error in ["invalid_grant", "invalid_scope", "unauthorized_client"] {
        let world = World::start().await;
        world.reply("/token", Reply::json(400, &json!({"error": error})));
        let jwt = file(&world, "jwt", &made_out_to(&world.origin));
        let client = client(&world, Grant::WorkloadIdentity(jwt)).await;
        let refused = token(&client).await.unwrap_err();
        assert!(refused.to_string().contains(error), "{refused}");
        assert_eq!((world.seen("/token").len(), world.sign_ins()), (1, 0));
    }
}

#[tokio::test]
async fn a_file_without_a_jwt_is_shown_to_nobody() {
    let world = World::start().await;
    let missing = world.folder().join("missing");
    for (file, words) in [(file(&world, "jwt", "a secret of another kind"), "holds no JWT"), (missing, "missing")] {
        let client = client(&world, Grant::WorkloadIdentity(file)).await;
        let error = token(&client).await.unwrap_err();
        assert!(matches!(error, SignInError::AssertionFile(_)));
        assert!(error.to_string().contains(words) && !error.to_string().contains("another kind"), "{error}");
    }
    assert!(world.seen("/token").is_empty());
}

/// A client whose identity provider is `idp`, which answers by what it is told.
async fn enterprise(world: &World, idp: &World, answer: &serde_json::Value) -> SignIn {
    idp.reply("/token", Reply::json(200, answer));
    let provider = IdentityProvider {
        issuer: endpoint(&idp.origin),
        client: ClientCredentials { id: "at-the-idp".into(), secret: ClientSecret::new("idp-secret") },
        id_token: file(world, "id-token", JWT),
    };
    client(world, Grant::Enterprise(Box::new(provider))).await
}

#[tokio::test]
async fn what_the_identity_provider_says_is_shown_to_the_issuer_and_nothing_else_of_it() {
    let (world, idp) = (World::start().await, World::start().await);
    let id_jag = json!({
        "access_token": "id.jag.x",
        "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        "token_type": "N_A",
    });
    let client = enterprise(&world, &idp, &id_jag).await;
    assert_eq!(token(&client).await.unwrap().token.reveal(), TOKEN);
    let (exchanged, redeemed) = (&idp.seen("/token")[0], &world.seen("/token")[0]);
    assert_eq!(exchanged.form()["subject_token"], JWT);
    assert_eq!((&exchanged.form()["audience"], &exchanged.form()["resource"]), (&world.origin, &world.server()));
    assert_eq!(redeemed.form()["assertion"], "id.jag.x");
    assert_ne!(exchanged.headers["authorization"], redeemed.headers["authorization"], "each has a client of its own");
    assert!(!String::from_utf8_lossy(&redeemed.body).contains(JWT), "the ID token stays with the identity provider");
}

#[tokio::test]
async fn an_identity_provider_that_does_not_vouch_ends_it() {
    let (world, idp) = (World::start().await, World::start().await);
    let client = enterprise(&world, &idp, &json!({"access_token": "a.b.c", "token_type": "Bearer"})).await;
    assert!(matches!(token(&client).await.unwrap_err(), SignInError::IdentityProvider(_)));
    idp.reply("/token", Reply::json(400, &json!({"error": "invalid_grant"})));
    assert!(matches!(token(&client).await.unwrap_err(), SignInError::IdentityProvider(TokenError::Refused { .. })));
    assert!(world.seen("/token").is_empty());
}
