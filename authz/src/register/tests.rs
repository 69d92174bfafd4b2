//! The registration endpoint as a client and an attacker see it.

mod manage;
mod policies;

use crate::{
    domain::{Origin, RegisteredClient},
    outgoing::{AllowedAddresses, testing::*},
    pages::testing::Tab,
    protocol::ClientId,
    routes,
    services::Registration,
    testing::*,
};
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

async fn register(server: &Server, metadata: &Value) -> Answer {
    server.post_json(routes::REGISTER, metadata).await
}

async fn stored(server: &Server, answer: &Answer) -> RegisteredClient {
    let id = ClientId::parse(answer.json()["client_id"].as_str().unwrap()).unwrap();
    server.services.store.client(&id).await.unwrap().unwrap()
}

/// Right metadata with one member changed.
fn changed(member: &str, value: Value) -> Value {
    let mut metadata = json!({ "redirect_uris": [REDIRECT_URI], "client_name": "A client" });
    metadata[member] = value;
    metadata
}

async fn assert_refused(server: &Server, metadata: &Value, error: &str) {
    let answer = register(server, metadata).await;
    let shown: String = metadata.to_string().chars().take(200).collect();
    assert_eq!(answer.error(), (400, error.to_owned()), "{shown}");
}

#[tokio::test]
async fn the_defaults_are_those_of_rfc_7591() {
    let server = Server::start().await;
    let answer = register(&server, &json!({ "redirect_uris": ["https://app.example/cb"] })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(body["grant_types"], json!(["authorization_code"]));
    assert_eq!(body["response_types"], json!(["code"]));
    assert_eq!((&body["client_secret_expires_at"], &body["client_id_issued_at"]), (&json!(0), &json!(NOW.as_second())));
    assert_eq!((&body["application_type"], &body["scope"]), (&json!("web"), &json!("mcp:read mcp:write")));
    assert_eq!(body["client_secret"].as_str().unwrap().len(), 43);
    assert!(!body["client_id"].as_str().unwrap().starts_with("https://"));
}

#[tokio::test]
async fn a_public_client_gets_no_secret() {
    let server = Server::start().await;
    let body = register(&server, &changed("token_endpoint_auth_method", json!("none"))).await.json();
    assert!(body.get("client_secret").is_none() && body.get("client_secret_expires_at").is_none());
    assert_eq!(body["application_type"], "native");
}

#[tokio::test]
async fn the_secret_is_kept_as_a_hash_and_survives_a_restart() {
    let server = Server::start().await;
    let answer = register(&server, &changed("client_name", json!("A client"))).await;
    let secret = answer.json()["client_secret"].as_str().unwrap().to_owned();
    let client = stored(&server, &answer).await;
    assert!(!format!("{client:?}").contains(&secret));
    let server = server.restart().await;
    let answer = server.post_as((client.id.as_str(), &secret), routes::TOKEN, &exchange("x")).await;
    assert_eq!(answer.error().1, "invalid_grant");
}

#[tokio::test]
async fn a_client_gets_refresh_tokens_only_if_it_asks_for_them() {
    let server = Server::start().await;
    let both = json!(["authorization_code", "refresh_token"]);
    for asked in [both.clone(), json!(["refresh_token", "authorization_code", "refresh_token"])] {
        let body = register(&server, &changed("grant_types", asked)).await.json();
        assert_eq!(body["grant_types"], both);
    }
}

#[tokio::test]
async fn every_redirect_uri_has_to_keep_the_rules() {
    let server = Server::start().await;
    let long = format!("https://a.example/{}", "x".repeat(20_000));
    for hostile in [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a.example/x",
        "https://a.example/cb#x",
        "https://*.example/cb",
        "http://a.example/cb",
        "https://user@a.example/cb",
        "https://a.example/cb\r\nX: y",
        "/cb",
        "",
        "http://0.0.0.0/cb",
        "http://192.168.1.1/cb",
        "http://localhost.evil.example/cb",
        "com.example.app:/cb",
        &long,
    ] {
        assert_refused(&server, &json!({ "redirect_uris": [hostile] }), "invalid_redirect_uri").await;
        assert_refused(&server, &json!({ "redirect_uris": [REDIRECT_URI, hostile] }), "invalid_redirect_uri").await;
    }
    assert_refused(&server, &json!({ "redirect_uris": [] }), "invalid_redirect_uri").await;
    assert_refused(&server, &json!({}), "invalid_redirect_uri").await;
    for many in [vec![REDIRECT_URI.to_owned(); 2000], vec![format!("https://a.example/{}", "x".repeat(60)); 2000]] {
        assert_refused(&server, &json!({ "redirect_uris": many }), "invalid_redirect_uri").await;
    }
}

#[tokio::test]
async fn members_of_the_wrong_type_are_invalid_metadata() {
    let server = Server::start().await;
    for metadata in [
        json!({ "redirect_uris": REDIRECT_URI }),
        json!({ "redirect_uris": [1] }),
        json!({ "redirect_uris": { "0": REDIRECT_URI } }),
        changed("client_name", json!(["a"])),
        changed("grant_types", json!("authorization_code")),
        changed("scope", json!(["mcp:read"])),
        json!([]),
        json!("x"),
        json!(null),
    ] {
        assert_refused(&server, &metadata, "invalid_client_metadata").await;
    }
}

#[tokio::test]
async fn grants_and_responses_that_do_not_exist_are_refused() {
    let server = Server::start().await;
    for grant_types in [
        json!(["implicit"]),
        json!(["password"]),
        json!(["authorization_code", "implicit"]),
        json!(["client_credentials"]),
        json!(["refresh_token"]),
        json!([]),
    ] {
        assert_refused(&server, &changed("grant_types", grant_types), "invalid_client_metadata").await;
    }
    for response_types in [json!(["token"]), json!(["code", "token"]), json!(["code token"]), json!([])] {
        assert_refused(&server, &changed("response_types", response_types), "invalid_client_metadata").await;
    }
}

#[tokio::test]
async fn unknown_words_and_hostile_uris_are_refused() {
    let server = Server::start().await;
    for (member, value) in [
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("application_type", json!("desktop")),
        ("client_uri", json!("javascript:alert(1)")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("tos_uri", json!("data:text/html,x")),
        ("policy_uri", json!("x")),
        ("scope", json!("admin")),
        ("scope", json!("a\"b")),
        ("client_name", json!("x".repeat(100_000))),
        ("client_name", json!("")),
        ("client_name", json!("evil\u{202e}gpj.exe")),
        ("client_name", json!("a\u{0}b")),
        ("client_name", json!("a\nb")),
        ("client_name", json!("\u{200b}")),
        ("client_name", json!("\u{3164}")),
        ("client_name", json!("\u{2800}")),
        ("client_name", json!("\u{115f}\u{1160}")),
        ("client_name", json!("Pay\u{ad}pal")),
        ("client_name", json!("a\u{e0041}")),
        ("client_name", json!("\u{fff9}a")),
    ] {
        assert_refused(&server, &changed(member, value), "invalid_client_metadata").await;
    }
    let two = json!({ "redirect_uris": [REDIRECT_URI], "jwks": { "keys": [] }, "jwks_uri": "https://a.example/jwks" });
    assert_refused(&server, &two, "invalid_client_metadata").await;
}

#[tokio::test]
async fn members_that_are_null_or_empty_are_left_out() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": [REDIRECT_URI], "client_uri": "", "logo_uri": "", "scope": "", "jwks": null, "contacts": [],
    });
    let answer = register(&server, &metadata).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert!(answer.json().get("client_uri").is_none());
}

#[tokio::test]
async fn a_web_client_cannot_redirect_to_loopback() {
    let server = Server::start().await;
    assert_refused(&server, &changed("application_type", json!("web")), "invalid_redirect_uri").await;
    let body = register(&server, &changed("application_type", json!("native"))).await.json();
    assert_eq!(body["application_type"], "native");
}

#[tokio::test]
async fn a_client_cannot_choose_its_id_its_secret_or_its_standing() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": [REDIRECT_URI],
        "client_id": CLIENT,
        "client_secret": "chosen",
        "trusted": true,
        "introspects": RESOURCE,
        "origin": "operator",
        "skip_consent": true,
        "software_statement": "eyJhbGciOiJub25lIn0.e30.",
        "scope": "mcp:read admin",
    });
    let answer = register(&server, &metadata).await;
    let body = answer.json();
    assert!(body["client_id"] != CLIENT && body["client_secret"] != "chosen" && body["scope"] == "mcp:read");
    for member in ["trusted", "introspects", "origin", "skip_consent", "software_statement"] {
        assert!(body.get(member).is_none(), "{member}");
    }
    let client = stored(&server, &answer).await;
    assert_eq!((client.origin, client.introspects), (Origin::SelfRegistered, None));
}

#[tokio::test]
async fn nothing_that_a_client_names_is_called_to_register_it() {
    let site = Site::start().await;
    let outgoing = site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), AllowedAddresses::PublicAndLoopback);
    let server = Server::with(Options { outgoing: Some(outgoing), ..Options::default() }).await;
    let mut metadata = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "private_key_jwt" });
    for member in ["jwks_uri", "client_uri", "logo_uri", "tos_uri", "policy_uri", "sector_identifier_uri"] {
        metadata[member] = json!(site.url("/canary"));
    }
    metadata["request_uris"] = json!([site.url("/canary")]);
    let answer = register(&server, &metadata).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let id = answer.json()["client_id"].as_str().unwrap().to_owned();
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("client_id", &id)]).await;
    let page = tab.get(&format!("/consent?request={request}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn a_name_in_any_script_is_kept_as_it_is() {
    let server = Server::start().await;
    let name = "Ärzte <b>&\"' 東京 🦀 {{7*7}}";
    assert_eq!(register(&server, &changed("client_name", json!(name))).await.json()["client_name"], name);
}

#[tokio::test]
async fn only_one_strict_json_object_is_taken() {
    let server = Server::start().await;
    let send = async |content_type: &str, body: &str| {
        let request = Request::post(routes::REGISTER).header(header::HOST, "localhost");
        let request = request.header(header::CONTENT_TYPE, content_type).body(Body::from(body.to_owned()));
        server.send(request.unwrap()).await.error()
    };
    let good = json!({ "redirect_uris": [REDIRECT_URI] }).to_string();
    let deep = format!("{{\"redirect_uris\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let twice = format!("{{\"client_name\":\"a\",\"client_name\":\"b\",{}", &good[1..]);
    for broken in ["", "{", &twice, &deep, &format!("{good} x"), "\u{feff}{}", &format!("[{good}]")] {
        assert_eq!(send("application/json", broken).await, (400, "invalid_client_metadata".to_owned()));
    }
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        assert_eq!(send(other, &good).await, (415, "invalid_client_metadata".to_owned()), "{other}");
    }
}

#[tokio::test]
async fn without_open_registration_there_is_no_endpoint() {
    let server = Server::with(Options { registration: Registration::Off, ..Options::default() }).await;
    assert_eq!(register(&server, &changed("client_name", json!("a"))).await.status, StatusCode::NOT_FOUND);
    assert!(server.get(routes::METADATA).await.json().get("registration_endpoint").is_none());
}
