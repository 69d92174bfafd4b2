use super::*;
use crate::oauth::{
    authorization::CallbackRejected,
    endpoint::InvalidEndpoint,
    exchange::ExchangeError,
    loopback::{CallbackListener, LoopbackError},
    private_files::PrivateFileError,
    registration::RegistrationError,
    testing::{
        endpoint,
        world::{
            Asked, ISSUER_METADATA, RESOURCE_METADATA, ROOT_RESOURCE_METADATA, Reply, SECRET, TOKEN, World, allows,
            lock, query,
        },
    },
    token::TokenError,
};
use http::header;
use serde_json::json;

mod registration;

fn challenge(world: &World) -> BearerChallenge {
    BearerChallenge {
        resource_metadata: Some(format!("{}{RESOURCE_METADATA}", world.origin)),
        scope: Scope::parse("mcp:read"),
        ..BearerChallenge::default()
    }
}

async fn signed_in(world: &World, client: &SignIn) -> Result<Held, SignInError> {
    client.access_token(&challenge(world), Reuse::Kept).await
}

#[tokio::test]
async fn a_challenge_becomes_a_token_with_everything_bound_together() {
    let world = World::start().await;
    let client = world.client(allows).await;
    let held = signed_in(&world, &client).await.unwrap();
    assert_eq!((held.token.reveal(), held.kept), (TOKEN, false));
    assert_eq!(world.paths(), [RESOURCE_METADATA, ISSUER_METADATA, "/token"]);
    let form = world.seen("/token")[0].form();
    assert_eq!((form["code"].as_str(), form["resource"].as_str()), ("the-code", world.server().as_str()));
    assert_eq!(form["redirect_uri"], client.settings.redirect_uri.as_str());
    let notices = lock(&world.notices).join("\n");
    for secret in [TOKEN, SECRET, "the-code", &form["code_verifier"]] {
        assert!(!notices.contains(secret));
    }
}

#[tokio::test]
async fn a_second_start_within_the_hour_needs_no_login_and_no_authorization_server() {
    let world = World::start().await;
    let client = world.client(allows).await;
    signed_in(&world, &client).await.unwrap();
    world.reply(ISSUER_METADATA, Reply::raw(500, "")).reply("/token", Reply::raw(500, ""));
    let held = signed_in(&world, &world.client(allows).await).await.unwrap();
    assert_eq!((held.token.reveal(), held.kept), (TOKEN, true));
    assert_eq!(world.sign_ins(), 1);
    let anew = client.access_token(&challenge(&world), Reuse::Never).await;
    assert!(matches!(anew, Err(SignInError::Discovery(_))));
}

/// Signs in with a browser that comes back with the wrong answer; the code must go nowhere.
async fn refused(browser: impl Fn(&Asked) -> String + Send + Sync + 'static, advertised: bool) -> SignInError {
    let world = World::start().await;
    world.change(ISSUER_METADATA, "authorization_response_iss_parameter_supported", json!(advertised));
    let client = world.client(browser).await;
    let error = signed_in(&world, &client).await.unwrap_err();
    assert!(world.seen("/token").is_empty(), "{error}");
    assert_eq!(world.sign_ins(), 1);
    error
}

#[tokio::test]
async fn a_mixed_up_issuer_leads_to_no_token_request() {
    let iss = |make: fn(&str) -> Vec<String>| {
        move |asked: &Asked| {
            let issuers = make(&asked.issuer);
            let mut answer = vec![("code", "the-code"), ("state", asked.state.as_str())];
            answer.extend(issuers.iter().map(|iss| ("iss", iss.as_str())));
            query(&answer)
        }
    };
    for advertised in [true, false] {
        for make in [
            |_: &str| vec!["https://evil.example".to_owned()],
            |issuer: &str| vec![format!("{issuer}/")],
            |issuer: &str| vec![issuer.to_uppercase()],
        ] {
            let error = refused(iss(make), advertised).await;
            assert!(matches!(error, SignInError::Callback(CallbackRejected::IssuerMismatch { .. })), "{error}");
        }
        let twice = refused(iss(|issuer| vec![issuer.to_owned(), issuer.to_owned()]), advertised).await;
        assert!(matches!(twice, SignInError::Callback(CallbackRejected::Repeated("iss"))));
    }
    let missing = refused(iss(|_| Vec::new()), true).await;
    assert!(matches!(missing, SignInError::Callback(CallbackRejected::IssuerMissing { .. })));
}

#[tokio::test]
async fn a_wrong_state_leads_to_no_token_request() {
    let wrong = refused(|asked| query(&[("code", "c"), ("state", "x"), ("iss", &asked.issuer)]), true).await;
    assert!(matches!(wrong, SignInError::Callback(CallbackRejected::StateMismatch)));
    let missing = refused(|asked| query(&[("code", "c"), ("iss", &asked.issuer)]), true).await;
    assert!(matches!(missing, SignInError::Callback(CallbackRejected::StateMissing)));
    let twice = refused(|asked| format!("{}&state={}", allows(asked), asked.state), true).await;
    assert!(matches!(twice, SignInError::Callback(CallbackRejected::Repeated("state"))));
}

#[tokio::test]
async fn the_error_of_a_foreign_issuer_is_not_shown() {
    let words = [("error", "access_denied"), ("error_description", "call 555 now")];
    let foreign = refused(
        move |asked| query(&[words[0], words[1], ("state", &asked.state), ("iss", "https://evil.example")]),
        true,
    )
    .await;
    assert!(!foreign.to_string().contains("555"));
    let own = refused(move |asked| query(&[words[0], words[1], ("state", &asked.state), ("iss", &asked.issuer)]), true);
    assert!(own.await.to_string().contains("access was denied (access_denied: call 555 now)"));
}

/// Signs in after `change`; the browser must not open, and nobody must be registered.
async fn stopped(change: impl Fn(&World)) -> SignInError {
    let world = World::start().await;
    change(&world);
    let client = world.client(allows).await;
    let error = signed_in(&world, &client).await.unwrap_err();
    assert_eq!((world.sign_ins(), world.seen("/register").len(), world.seen("/token").len()), (0, 0, 0), "{error}");
    error
}

#[tokio::test]
async fn what_is_wrong_with_metadata_stops_before_the_browser_opens() {
    let error = stopped(|world| {
        world.change(ISSUER_METADATA, "issuer", json!("https://evil.example"));
    })
    .await;
    assert!(matches!(error, SignInError::Discovery(DiscoveryError::IssuerMismatch { .. })));
    for methods in [json!([]), json!(["plain"])] {
        let error = stopped(|world| {
            world.change(ISSUER_METADATA, "code_challenge_methods_supported", methods.clone());
        })
        .await;
        assert!(matches!(error, SignInError::Discovery(DiscoveryError::NoS256(_))));
    }
    for resource in ["https://evil.example/mcp", "/other", "/mcp/"] {
        let error = stopped(|world| {
            let full = if resource.starts_with('/') { world.origin.clone() + resource } else { resource.to_owned() };
            world.change(RESOURCE_METADATA, "resource", json!(full));
        })
        .await;
        assert!(matches!(error, SignInError::Discovery(DiscoveryError::ResourceMismatch { .. })), "{error}");
    }
}

#[tokio::test]
async fn an_authorization_endpoint_that_is_no_web_page_is_never_opened() {
    for bad in [
        "javascript:alert(1)",
        "file:///bin/sh",
        "data:text/html,x",
        "ssh://x/",
        "http://auth.example/authorize",
        "http://localhost/$(touch x)",
        "http://localhost/`id`",
        "http://localhost/;id",
        "http://localhost/|id",
        "http://localhost/\"id",
        "http://localhost/'id",
        "--help",
        "-e",
    ] {
        let error = stopped(|world| {
            world.change(ISSUER_METADATA, "authorization_endpoint", json!(bad));
        })
        .await;
        assert!(matches!(error, SignInError::Discovery(DiscoveryError::Endpoint { .. })), "{bad}: {error}");
    }
}

#[tokio::test]
async fn redirects_of_metadata_are_not_followed() {
    for path in [RESOURCE_METADATA, ISSUER_METADATA] {
        let canary = World::start().await;
        let target = canary.origin.clone();
        let moved = move |world: &World| {
            let reply = Reply::raw(307, "").header(header::LOCATION, format!("{target}{path}"));
            world.reply(path, reply);
        };
        let error = stopped(moved).await;
        assert!(matches!(error, SignInError::Discovery(_)), "{error}");
        assert!(canary.paths().is_empty());
    }
}

#[tokio::test]
async fn redirects_of_the_token_endpoint_and_of_registration_are_not_followed() {
    for path in ["/token", "/register"] {
        let (world, canary) = (World::start().await, World::start().await);
        world.reply(path, Reply::raw(307, "{}").header(header::LOCATION, format!("{}{path}", canary.origin)));
        let mut client = world.client(allows).await;
        client.settings.client = ClientChoice::Dynamic;
        assert!(signed_in(&world, &client).await.is_err());
        assert_eq!(world.seen(path).len(), 1);
        assert!(canary.paths().is_empty());
    }
}

#[tokio::test]
async fn metadata_on_another_origin_is_not_fetched() {
    let (world, canary) = (World::start().await, World::start().await);
    let client = world.client(allows).await;
    for elsewhere in [canary.origin.as_str(), "http://169.254.169.254/latest/meta-data", "https://evil.example/prm"] {
        let challenge = BearerChallenge { resource_metadata: Some(elsewhere.into()), ..BearerChallenge::default() };
        let error = client.access_token(&challenge, Reuse::Kept).await.unwrap_err();
        let refused = matches!(
            error,
            SignInError::Discovery(
                DiscoveryError::MetadataElsewhere { .. } | DiscoveryError::MetadataUrl(InvalidEndpoint::InsecureScheme)
            )
        );
        assert!(refused, "{error}");
    }
    assert!(canary.paths().is_empty() && world.paths().is_empty());
}

#[tokio::test]
async fn huge_and_deep_metadata_is_bounded() {
    let huge = || Reply::raw(200, vec![b' '; 60 * 1024 * 1024]);
    for path in [RESOURCE_METADATA, ISSUER_METADATA] {
        let error = stopped(|world| {
            world.reply(path, huge());
        })
        .await;
        let too_large =
            matches!(error, SignInError::Discovery(DiscoveryError::Exchange(ExchangeError::TooLarge { .. })));
        assert!(too_large, "{error}");
        let error = stopped(|world| {
            world.reply(path, Reply::raw(200, "[".repeat(200_000)));
        })
        .await;
        assert!(matches!(error, SignInError::Discovery(DiscoveryError::Malformed { .. })), "{error}");
    }
    let world = World::start().await;
    world.reply("/token", huge());
    let client = world.client(allows).await;
    let error = signed_in(&world, &client).await.unwrap_err();
    assert!(matches!(error, SignInError::Token(TokenError::Exchange(ExchangeError::TooLarge { .. }))));
}

#[tokio::test]
async fn a_taken_port_stops_before_anything_is_registered() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.client = ClientChoice::Dynamic;
    let _taken = CallbackListener::bind(&client.settings.redirect_uri).await.unwrap();
    let error = signed_in(&world, &client).await.unwrap_err();
    assert!(matches!(error, SignInError::Loopback(LoopbackError::Bind(_))));
    assert!(error.to_string().contains("MCP_CALLBACK_PORT"));
    assert_eq!((world.seen("/register").len(), world.sign_ins()), (0, 0));
}

/// A client whose person pastes `line`, made from what the page asked for.
async fn pasting(world: &World, line: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> SignIn {
    let mut client = world.client(allows).await;
    client.settings.redirect_uri = RedirectUri::parse("urn:ietf:wg:oauth:2.0:oob").unwrap();
    let notices = Arc::clone(&world.notices);
    client.notice = Arc::new(move |text| lock(&notices).push(text.to_owned()));
    let world = world.clone();
    client.waits.line = Arc::new(move || {
        let line = line(&world.last_asked()["state"]);
        Box::pin(async { line })
    });
    client
}

#[tokio::test]
async fn a_code_that_the_person_pastes_is_redeemed_with_the_verifier() {
    let world = World::start().await;
    let origin = world.origin.clone();
    for line in [(|_: &str| Some("  the-code \n".to_owned())) as fn(&str) -> Option<String>, |state| {
        Some(format!("http://localhost:3030/callback?code=the-code&state={state}&iss=ISSUER"))
    }] {
        let origin = origin.clone();
        let client = pasting(&world, move |state| line(state).map(|line| line.replace("ISSUER", &origin))).await;
        client.access_token(&challenge(&world), Reuse::Never).await.unwrap();
        let form = world.seen("/token").last().unwrap().form();
        assert_eq!((form["code"].as_str(), form["redirect_uri"].as_str()), ("the-code", "urn:ietf:wg:oauth:2.0:oob"));
        assert_eq!(form["code_verifier"].len(), 43);
    }
    assert_eq!(world.last_asked()["redirect_uri"], "urn:ietf:wg:oauth:2.0:oob");
    assert!(lock(&world.notices).iter().any(|told| told.contains(&format!("the page of {origin}"))));
}

#[tokio::test]
async fn nothing_pasted_or_the_answer_to_something_else_leads_to_no_token_request() {
    let world = World::start().await;
    let client = pasting(&world, |_| None).await;
    assert!(matches!(signed_in(&world, &client).await.unwrap_err(), SignInError::NothingPasted));
    let client = pasting(&world, |_| Some("http://localhost/callback?code=c&state=another".to_owned())).await;
    let error = signed_in(&world, &client).await.unwrap_err();
    assert!(matches!(error, SignInError::Callback(CallbackRejected::StateMismatch)));
    let client = pasting(&world, |_| Some("\n".to_owned())).await;
    assert!(matches!(
        signed_in(&world, &client).await.unwrap_err(),
        SignInError::Callback(CallbackRejected::CodeMissing)
    ));
    assert!(world.seen("/token").is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_network_error_and_a_refusal_is_not() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.server = endpoint("http://127.0.0.1:1/mcp");
    assert!(client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap_err().is_network());
    let refused =
        world.client(|asked| query(&[("error", "access_denied"), ("state", &asked.state), ("iss", &asked.issuer)]));
    assert!(!signed_in(&world, &refused.await).await.unwrap_err().is_network());
}

#[tokio::test]
async fn a_challenge_that_says_nothing_leads_to_the_well_known_places() {
    let world = World::start().await;
    let document = json!({"resource": world.origin, "authorization_servers": [world.origin]});
    world.reply(RESOURCE_METADATA, Reply::raw(404, "")).reply(ROOT_RESOURCE_METADATA, Reply::json(200, &document));
    let client = world.client(allows).await;
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    assert_eq!(world.paths(), [RESOURCE_METADATA, ROOT_RESOURCE_METADATA, ISSUER_METADATA, "/token"]);
    assert_eq!(world.seen("/token")[0].form()["resource"], world.origin);
}

#[tokio::test]
async fn a_token_goes_to_no_server_but_the_one_that_it_was_issued_for() {
    let (world, other) = (World::start().await, World::start().await);
    let here = world.client(allows).await;
    signed_in(&world, &here).await.unwrap();
    // Another server of the same issuer, and the same person with the same files.
    other.change(RESOURCE_METADATA, "authorization_servers", json!([world.origin]));
    let mut there = other.client(allows).await;
    (there.tokens, there.clients) = (here.tokens.clone(), here.clients.clone());
    assert!(!signed_in(&other, &there).await.unwrap().kept);
    let asked: Vec<_> = world.seen("/token").iter().map(|seen| seen.form()["resource"].clone()).collect();
    assert_eq!(asked, [world.server(), other.server()]);
    // Nor to one that claims to be the first.
    other.change(RESOURCE_METADATA, "resource", json!(world.server()));
    let claimed = signed_in(&other, &there).await.unwrap_err();
    assert!(matches!(claimed, SignInError::Discovery(DiscoveryError::ResourceMismatch { .. })), "{claimed}");
}

/// Nothing published about the resource, and no word in the challenge where to look.
fn of_2025_03_26(world: &World) {
    world.reply(RESOURCE_METADATA, Reply::raw(404, "{}")).reply(ROOT_RESOURCE_METADATA, Reply::raw(404, "{}"));
}

#[tokio::test]
async fn a_server_without_resource_metadata_is_its_own_issuer() {
    let world = World::start().await;
    of_2025_03_26(&world);
    let client = world.client(allows).await;
    let held = client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    assert_eq!(held.token.reveal(), TOKEN);
    assert_eq!(world.last_asked()["resource"], world.server());
    assert!(!world.last_asked().contains_key("scope"));
    let named = client.access_token(&challenge(&world), Reuse::Kept).await.unwrap_err();
    assert!(matches!(named, SignInError::Discovery(DiscoveryError::NothingThere(_))), "{named}");
}

#[tokio::test]
async fn an_own_issuer_without_metadata_is_used_only_where_a_person_vouches_for_s256() {
    let world = World::start().await;
    of_2025_03_26(&world);
    world.reply(ISSUER_METADATA, Reply::raw(404, "{}"));
    let mut client = world.client(|asked| query(&[("code", "c"), ("state", &asked.state)])).await;
    client.settings.client = ClientChoice::Dynamic;
    let refused = client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap_err();
    assert!(matches!(refused, SignInError::Discovery(DiscoveryError::NoResourceMetadata { .. })), "{refused}");
    assert!(refused.to_string().ends_with(&format!("--assume-s256 {}", world.origin)), "{refused}");
    assert_eq!((world.sign_ins(), world.seen("/register").len(), world.seen("/token").len()), (0, 0, 0));
    client.settings.assume_s256 = vec![world.origin.clone()];
    client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    let asked = world.last_asked();
    assert_eq!((asked["client_id"].as_str(), asked["code_challenge_method"].as_str()), ("registered", "S256"));
    assert_eq!(world.seen("/token")[0].form()["resource"], world.server());
    assert!(lock(&world.notices)[0].starts_with("WARNING: --assume-s256"));
}

#[tokio::test]
async fn what_the_person_configured_is_asked_for_besides_the_challenge() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    signed_in(&world, &client).await.unwrap();
    client.settings.scope = Scope::parse("mcp:write");
    assert!(!signed_in(&world, &client).await.unwrap().kept, "the kept token was asked for with less");
    assert!(lock(&world.notices)[1].contains("scope=mcp%3Aread+mcp%3Awrite"));
    assert!(signed_in(&world, &client).await.unwrap().kept);
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_file_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::start().await;
    let client = world.client(allows).await;
    signed_in(&world, &client).await.unwrap();
    for file in std::fs::read_dir(world.folder().join("tokens")).unwrap() {
        std::fs::set_permissions(file.unwrap().path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let error = signed_in(&world, &client).await.unwrap_err();
    assert!(matches!(error, SignInError::Store(PrivateFileError::Exposed { .. })));
    assert!(error.to_string().contains("chmod 600"));
}

#[tokio::test]
async fn a_path_stated_differently_is_warned_about_and_another_address_refused() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.stated.token_endpoint = Some(endpoint(&format!("{}/oauth/token", world.origin)));
    signed_in(&world, &client).await.unwrap();
    let warned = lock(&world.notices).join("\n");
    assert!(warned.contains("/oauth/token, but ") && warned.contains("/token, which is used."), "{warned}");
    assert_eq!(world.seen("/oauth/token").len(), 0);

    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.stated.authorization_endpoint = Some(endpoint("https://login.example/authorize"));
    let refused = signed_in(&world, &client).await;
    assert!(matches!(refused, Err(SignInError::StatedElsewhere { name: "authorization_url", .. })), "{refused:?}");
    assert_eq!((world.sign_ins(), world.seen("/token").len()), (0, 0));
}

#[tokio::test]
async fn a_server_that_is_a_program_is_not_asked_for_its_issuer() {
    let world = World::start().await;
    let mut client = world.client(allows).await;
    client.settings.stated.issuer = Some(endpoint(&world.origin));
    let held = client.access_token(&BearerChallenge::default(), Reuse::Kept).await.unwrap();
    assert_eq!((held.token.reveal(), world.paths()), (TOKEN, vec![ISSUER_METADATA.to_owned(), "/token".to_owned()]));
    client.forget(&BearerChallenge::default()).await.unwrap();
    assert_eq!(world.seen(RESOURCE_METADATA).len(), 0);
}
