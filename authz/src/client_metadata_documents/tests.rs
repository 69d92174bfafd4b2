//! The rules of client metadata documents, by the whole router in process, with an https server of the test's own.

use super::*;
use crate::{
    domain::{ClientAuthentication, RegisteredClient},
    outgoing::{AllowedAddresses, testing::*},
    pages::testing::Tab,
    protocol::{GrantType, RedirectUri},
    routes,
    testing::*,
};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

const REDIRECT: &str = "https://app.example/cb";
const JSON: &str = "content-type: application/json\r\n";

/// A server, and the site of a client.
struct Scene {
    server: Server,
    site: Site,
    names: Arc<Names>,
    id: String,
}

impl Scene {
    /// A site with a right document.
    async fn start() -> Self {
        let scene = Self::with(Options::default(), AllowedAddresses::PublicAndLoopback).await;
        scene.publishes(&json!({}));
        scene
    }

    async fn with(options: Options, allowed: AllowedAddresses) -> Self {
        let (site, names) = (Site::start().await, Names::of([(HOST, &["127.0.0.1"])]));
        let outgoing = Some(site.outgoing(names.clone(), allowed));
        let server = Server::with(Options { outgoing, ..options }).await;
        let id = site.url("/client.json");
        Self { server, site, names, id }
    }

    /// A right document with some members changed; `null` leaves one out.
    fn document(&self, changes: &Value) -> String {
        let mut document = json!({ "client_id": self.id, "client_name": "Notes", "redirect_uris": [REDIRECT] });
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        document.to_string()
    }

    fn publishes(&self, changes: &Value) {
        self.site.answers("200 OK", JSON, &self.document(changes));
    }

    async fn authorize(&self) -> Answer {
        self.authorize_as(&self.id, REDIRECT).await
    }

    async fn authorize_as(&self, id: &str, redirect_uri: &str) -> Answer {
        Tab::new(&self.server).authorize(&[("client_id", id), ("redirect_uri", redirect_uri)]).await
    }

    /// The page, with the words of the reason; nothing is kept.
    async fn assert_refused(&self, words: &str) {
        let answer = self.authorize().await;
        assert_page(&answer, words);
        assert_eq!(self.stored().await, None, "{words}");
    }

    async fn stored(&self) -> Option<RegisteredClient> {
        self.server.services.store.client(&ClientId::parse(&self.id).unwrap()).await.unwrap()
    }
}

fn assert_page(answer: &Answer, words: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{words}");
    assert_eq!(answer.header(http::header::LOCATION), None);
    assert!(answer.body.contains("invalid_client") && answer.body.contains(words), "{words}: {}", answer.body);
}

#[tokio::test]
async fn a_client_with_a_document_signs_somebody_in_without_registration() {
    let scene = Scene::start().await;
    let changes = [("client_id", scene.id.as_str()), ("redirect_uri", REDIRECT)];
    let code = scene.server.code(&request_with(&changes)).await;
    let form = [("client_id", scene.id.as_str()), ("redirect_uri", REDIRECT)];
    let answer = scene.server.post(routes::TOKEN, &with(&exchange(&code), &form)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let client = scene.stored().await.unwrap();
    assert_eq!((client.origin, client.standing), (Origin::MetadataDocument, ClientStanding::Active));
    assert_eq!(client.authentication, ClientAuthentication::Public);
    assert_eq!(scene.site.requests(), 1, "fetched once");
}

#[tokio::test]
async fn the_metadata_says_so_where_new_clients_are_taken() {
    for (registration, standing) in [
        (Registration::Open, Some(ClientStanding::Active)),
        (Registration::Approval, Some(ClientStanding::AwaitingApproval)),
        (Registration::Token, None),
        (Registration::Off, None),
    ] {
        let options = Options { registration, ..Options::default() };
        let scene = Scene::with(options, AllowedAddresses::PublicAndLoopback).await;
        scene.publishes(&json!({}));
        let metadata = scene.server.get(routes::METADATA).await.json();
        let supported = metadata.get("client_id_metadata_document_supported");
        assert_eq!(supported, standing.map(|_| json!(true)).as_ref(), "{registration:?}");
        scene.authorize().await;
        assert_eq!(scene.stored().await.map(|client| client.standing), standing, "{registration:?}");
        assert_eq!(scene.site.connections(), usize::from(standing.is_some()), "{registration:?}");
    }
}

#[tokio::test]
async fn no_connection_leaves_for_a_forbidden_address() {
    let scene = Scene::with(Options::default(), AllowedAddresses::Public).await;
    scene.publishes(&json!({}));
    scene.assert_refused("public address").await;
    assert_eq!(scene.names.lookups.load(Ordering::SeqCst), 1, "the name was looked up");
    for host in ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254"] {
        let id = format!("https://{host}:{}/client.json", scene.site.port);
        assert_page(&scene.authorize_as(&id, REDIRECT).await, "public address");
    }
    assert_eq!(scene.site.connections(), 0);
}

#[tokio::test]
async fn loopback_is_called_where_this_server_is_on_loopback_itself() {
    let scene = Scene::start().await;
    assert_eq!(scene.authorize().await.location().path(), "/login");
    assert_eq!(scene.site.connections(), 1);
}

#[tokio::test]
async fn a_url_that_breaks_a_rule_is_refused_without_a_call() {
    let scene = Scene::start().await;
    let port = scene.site.port;
    for id in [
        format!("http://{HOST}:{port}/client.json"),
        format!("https://{HOST}:{port}"),
        format!("https://{HOST}:{port}/"),
        format!("https://{HOST}:{port}/a/../client.json"),
        format!("https://{HOST}:{port}/./client.json"),
        format!("https://{HOST}:{port}/client.json#x"),
        format!("https://u:p@{HOST}:{port}/client.json"),
        format!("https://2130706433:{port}/client.json"),
    ] {
        assert_page(&scene.authorize_as(&id, REDIRECT).await, "in normal form");
    }
    assert_eq!((scene.site.connections(), scene.names.lookups.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test]
async fn only_status_200_counts_and_no_redirect_is_followed() {
    let scene = Scene::start().await;
    for status in ["201 Created", "204 No Content", "302 Found", "308 Permanent Redirect", "404 Not Found", "500 Oh"] {
        let headers = format!("{JSON}location: {}\r\n", scene.site.url("/other.json"));
        scene.site.answers(status, &headers, &scene.document(&json!({})));
        let before = scene.site.requests();
        scene.assert_refused("not answered with 200").await;
        assert_eq!(scene.site.requests(), before + 1, "{status}");
    }
}

#[tokio::test]
async fn only_json_counts() {
    let scene = Scene::start().await;
    for headers in ["", "content-type: text/html\r\n", "content-type: text/json\r\n", &[JSON, JSON].concat()] {
        scene.site.answers("200 OK", headers, &scene.document(&json!({})));
        scene.assert_refused("Content-Type").await;
    }
    scene.site.answers("200 OK", JSON, "{");
    assert_eq!(scene.authorize().await.status, StatusCode::BAD_REQUEST);
    let typed = "content-type: Application/cimd+json; charset=utf-8\r\n";
    scene.site.answers("200 OK", typed, &scene.document(&json!({})));
    assert_eq!(scene.authorize().await.location().path(), "/login");
}

#[tokio::test]
async fn a_document_has_5_kb_at_most() {
    let scene = Scene::start().await;
    let padded = |bytes: usize| format!("{:bytes$}", scene.document(&json!({})));
    scene.site.answers("200 OK", JSON, &padded(5 * 1024 + 1));
    scene.assert_refused("longer than 5 KB").await;
    scene.site.answers("200 OK", JSON, &padded(5 * 1024));
    assert_eq!(scene.authorize().await.location().path(), "/login");
}

#[tokio::test]
async fn a_site_that_does_not_answer_in_time_is_given_up() {
    let scene = Scene::with(Options::default(), AllowedAddresses::PublicAndLoopback).await;
    scene.assert_refused("within 5 seconds").await;
    assert_eq!(scene.site.requests(), 1);
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", scene.id.as_str())];
    let answer = scene.server.post(routes::TOKEN, &form).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "the client keeps what it has");
    for (status, told) in [("502 Bad Gateway", (503, "temporarily_unavailable")), ("410 Gone", (401, "invalid_client"))]
    {
        scene.site.answers(status, "", "");
        let answer = scene.server.post(routes::TOKEN, &form).await;
        assert_eq!(answer.error(), (told.0, told.1.to_owned()), "{status}");
    }
}

#[tokio::test]
async fn the_client_id_in_the_document_is_its_url_to_the_letter() {
    let scene = Scene::start().await;
    let url = &scene.id;
    for other in [json!(null), json!(1), json!(format!("{url}/")), json!(url.to_uppercase()), json!(format!("{url}?"))]
    {
        scene.publishes(&json!({ "client_id": other }));
        scene.assert_refused("to the letter").await;
    }
}

#[tokio::test]
async fn a_document_has_a_name_and_redirect_uris() {
    let scene = Scene::start().await;
    scene.publishes(&json!({ "client_name": null }));
    scene.assert_refused("no client_name").await;
    for changes in [
        json!({ "client_name": "" }),
        json!({ "client_name": "Ab\u{202e}c" }),
        json!({ "redirect_uris": null }),
        json!({ "redirect_uris": [] }),
        json!({ "redirect_uris": [], "grant_types": [GrantType::DeviceCode.as_str()], "response_types": [] }),
        json!({ "redirect_uris": [REDIRECT, "javascript:alert(1)"] }),
        json!({ "redirect_uris": REDIRECT }),
    ] {
        scene.publishes(&changes);
        assert_page(&scene.authorize().await, "invalid_client");
        assert_eq!(scene.stored().await, None, "{changes}");
    }
}

#[tokio::test]
async fn a_document_has_no_shared_secret() {
    let scene = Scene::start().await;
    for changes in [
        json!({ "client_secret": "x" }),
        json!({ "client_secret": "" }),
        json!({ "client_secret_expires_at": 0 }),
        json!({ "token_endpoint_auth_method": "client_secret_basic" }),
        json!({ "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
    ] {
        scene.publishes(&changes);
        scene.assert_refused("none or private_key_jwt").await;
    }
}

#[tokio::test]
async fn a_client_with_keys_in_its_document_has_to_use_them() {
    use verification_keys::testing::{TestKey, jwk_set};
    let scene = Scene::start().await;
    scene.publishes(&json!({ "token_endpoint_auth_method": "private_key_jwt" }));
    assert_page(&scene.authorize().await, "private_key_jwt");
    let keys = jwk_set([&TestKey::p256()]);
    scene.publishes(&json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys }));
    let (id, now) = (scene.id.as_str(), NOW.as_second());
    let code = scene.server.code(&request_with(&[("client_id", id), ("redirect_uri", REDIRECT)])).await;
    let form = exchange(&code);
    let bare = with(&form, &[("client_id", id), ("redirect_uri", REDIRECT)]);
    assert_eq!(scene.server.post(routes::TOKEN, &bare).await.error(), (401, "invalid_client".to_owned()));
    let header = json!({ "alg": TestKey::p256().algorithm().as_str(), "kid": TestKey::p256().kid() });
    let claims = json!({ "iss": id, "sub": id, "aud": ISSUER, "exp": now + 60, "jti": "one" });
    let assertion = TestKey::p256().sign(header.to_string(), claims.to_string());
    let proof = [
        ("redirect_uri", REDIRECT),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = scene.server.post(routes::TOKEN, &with(&form, &proof)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn the_redirect_uri_of_the_request_is_in_the_document() {
    let scene = Scene::start().await;
    let answer = scene.authorize_as(&scene.id, "https://app.example/other").await;
    assert_eq!((answer.status, answer.header(http::header::LOCATION)), (StatusCode::BAD_REQUEST, None));
    assert_eq!(scene.authorize().await.location().path(), "/login");
}

#[tokio::test]
async fn grant_types_for_other_servers_are_left_out() {
    let scene = Scene::start().await;
    let words = ["authorization_code", "refresh_token", "client_credentials", "urn:example:other"];
    scene.publishes(&json!({ "grant_types": words }));
    scene.authorize().await;
    let client = scene.stored().await.unwrap();
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
}

#[tokio::test]
async fn redirect_uris_of_a_kind_that_is_off_here_are_left_out_as_long_as_others_remain() {
    let scene = Scene::start().await;
    scene.publishes(&json!({ "redirect_uris": ["cursor://anysphere/callback"] }));
    scene.assert_refused("a scheme that is allowed here").await;
    scene.publishes(&json!({ "redirect_uris": ["cursor://anysphere/callback", REDIRECT, RedirectUri::OUT_OF_BAND] }));
    assert_eq!(scene.authorize().await.location().path(), "/login");
    assert_eq!(scene.stored().await.unwrap().redirect_uris, [RedirectUri::parse(REDIRECT).unwrap()]);
    let answer = scene.authorize_as(&scene.id, "cursor://anysphere/callback").await;
    assert_eq!((answer.status, answer.header(http::header::LOCATION)), (StatusCode::BAD_REQUEST, None));
    scene.server.clock.advance(USUAL_LIFETIME);
    scene.publishes(&json!({ "redirect_uris": ["javascript:alert(1)", REDIRECT] }));
    assert_page(&scene.authorize().await, "invalid_client");
}

#[tokio::test]
async fn a_document_is_good_for_as_long_as_it_says_within_bounds() {
    for (headers, seconds) in [
        ("", 300),
        ("cache-control: max-age=600\r\n", 600),
        ("cache-control: max-age=600\r\nage: 100\r\n", 500),
        ("cache-control: no-store\r\n", 30),
        ("cache-control: max-age=0\r\n", 30),
        ("cache-control: max-age=31536000\r\n", 86400),
    ] {
        let scene = Scene::start().await;
        scene.site.answers("200 OK", &format!("{JSON}{headers}"), &scene.document(&json!({})));
        scene.authorize().await;
        scene.server.clock.advance(Duration::from_secs(seconds - 1));
        scene.authorize().await;
        assert_eq!(scene.site.requests(), 1, "{headers}");
        scene.server.clock.advance(Duration::from_secs(1));
        scene.authorize().await;
        assert_eq!(scene.site.requests(), 2, "{headers}");
    }
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let scene = Scene::start().await;
    scene.site.answers("404 Not Found", &format!("{JSON}cache-control: max-age=600\r\n"), "{}");
    scene.assert_refused("not answered with 200").await;
    scene.publishes(&json!({ "client_id": "https://other.example/client.json" }));
    scene.assert_refused("to the letter").await;
    scene.publishes(&json!({}));
    assert_eq!(scene.authorize().await.location().path(), "/login");
}

#[tokio::test]
async fn a_changed_document_changes_the_client_and_an_unusable_one_stops_it() {
    let scene = Scene::start().await;
    scene.authorize().await;
    let before = scene.stored().await.unwrap();
    scene.server.clock.advance(USUAL_LIFETIME);
    scene.publishes(&json!({ "client_name": "New", "redirect_uris": ["https://app.example/new"] }));
    assert_eq!(scene.authorize().await.status, StatusCode::BAD_REQUEST, "the old address is gone");
    let redirect_uris = vec![RedirectUri::parse("https://app.example/new").unwrap()];
    let expected = RegisteredClient { name: Some("New".to_owned()), redirect_uris, ..before };
    assert_eq!(scene.stored().await, Some(expected.clone()), "and the time of registration stays");
    scene.server.clock.advance(USUAL_LIFETIME);
    scene.site.answers("410 Gone", JSON, "{}");
    assert_page(&scene.authorize_as(&scene.id, "https://app.example/new").await, "not answered with 200");
    assert_eq!(scene.stored().await, Some(expected), "what it was given can still be shown and ended");
}

#[tokio::test]
async fn a_disabled_client_is_refused_without_a_call() {
    let scene = Scene::start().await;
    scene.authorize().await;
    let id = ClientId::parse(&scene.id).unwrap();
    scene.server.services.store.set_client_standing(&id, ClientStanding::Disabled, NOW).await.unwrap();
    scene.server.clock.advance(LONGEST_LIFETIME);
    assert_eq!(scene.authorize().await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.site.requests(), 1);
}

#[tokio::test]
async fn a_client_of_the_operator_with_such_an_id_is_not_looked_up() {
    let scene = Scene::start().await;
    scene.server.add_client(&scene.id, &[GrantType::AuthorizationCode]).await;
    assert_eq!(scene.authorize_as(&scene.id, REDIRECT_URI).await.location().path(), "/login");
    assert_eq!(scene.site.connections(), 0);
}

#[tokio::test]
async fn the_consent_page_shows_the_host_of_the_client_id() {
    let scene = Scene::start().await;
    let mut tab = Tab::new(&scene.server);
    let request = tab.begin_signed_in(&[("client_id", &scene.id), ("redirect_uri", REDIRECT)]).await;
    let page = tab.get(&format!("/consent?request={request}")).await.body;
    let host = format!("<dt>It comes from</dt>\n<dd><code>{HOST}:{}</code>", scene.site.port);
    assert!(page.contains(&host) && page.contains("not verified") && page.contains("Notes"), "{page}");
    assert!(page.contains("Only the address that it comes from is certain."), "{page}");
    let request = tab.begin(&[]).await;
    let page = tab.get(&format!("/consent?request={request}")).await.body;
    assert!(!page.contains("It comes from") && !page.contains("is certain"), "{page}");
}

#[tokio::test]
async fn consent_is_remembered_for_https_redirects_only() {
    let scene = Scene::start().await;
    let loopback = "http://localhost:3030/cb";
    scene.publishes(&json!({ "redirect_uris": [REDIRECT, loopback] }));
    let mut tab = Tab::new(&scene.server);
    let https = [("client_id", scene.id.as_str()), ("redirect_uri", REDIRECT)];
    let request = tab.begin_signed_in(&https).await;
    tab.decide(&request, "allow").await;
    let again = tab.authorize(&https).await.location();
    assert!(again.as_str().starts_with(REDIRECT) && again.parameter("code").is_some(), "{again}");
    let local = [("client_id", scene.id.as_str()), ("redirect_uri", loopback)];
    assert_eq!(tab.authorize(&local).await.location().path(), "/consent");
}

#[tokio::test]
async fn people_are_asked_again_when_the_keys_or_redirect_uris_of_a_document_change() {
    let scene = Scene::start().await;
    let mut tab = Tab::new(&scene.server);
    let https = [("client_id", scene.id.as_str()), ("redirect_uri", REDIRECT)];
    let request = tab.begin_signed_in(&https).await;
    tab.decide(&request, "allow").await;
    for (changes, path) in [
        (json!({ "client_name": "New" }), "/cb"),
        (json!({ "redirect_uris": [REDIRECT, "https://app.example/new"] }), "/consent"),
    ] {
        scene.server.clock.advance(USUAL_LIFETIME);
        scene.publishes(&changes);
        assert_eq!(tab.authorize(&https).await.location().path(), path, "{changes}");
    }
}

#[tokio::test]
async fn the_device_page_shows_the_host_too() {
    let scene = Scene::start().await;
    scene.publishes(&json!({ "grant_types": ["authorization_code", GrantType::DeviceCode.as_str()] }));
    let form = [("client_id", scene.id.as_str()), ("resource", RESOURCE)];
    let answer = scene.server.post(routes::DEVICE_AUTHORIZATION, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let code = answer.json()["user_code"].as_str().unwrap().to_owned();
    let mut tab = Tab::new(&scene.server);
    let request = tab.begin_signed_in(&[]).await;
    tab.decide(&request, "deny").await;
    let csrf = tab.csrf().await;
    let page = tab.post(routes::DEVICE, &[("csrf", csrf.as_str()), ("user_code", code.as_str())]).await;
    assert!(page.body.contains(&format!("<code>{HOST}:{}</code>", scene.site.port)), "{}", page.body);
}

#[tokio::test]
async fn so_many_documents_are_fetched_at_once_and_no_more() {
    let scene = Scene::start().await;
    let permits = u32::try_from(ClientMetadataDocuments::AT_ONCE).unwrap();
    let busy = scene.server.services.documents.calls.acquire_many(permits).await.unwrap();
    assert_eq!(scene.authorize().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(scene.site.connections(), 0);
    drop(busy);
    assert_eq!(scene.authorize().await.location().path(), "/login");
}
