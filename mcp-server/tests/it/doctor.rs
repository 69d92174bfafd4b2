//! Planted faults: a world in which exactly one thing is wrong, and the finding that must come of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use mcp_server::doctor::{Fault, Report, Severity, examine};
use mcp_server::resource_server::{
    AudienceRules, IntrospectionMode, IssuerOptions, Preset, ResourceIdentifier, ResourceServerOptions, ScopePolicy,
    ShimOptions, Strictness,
};
use serde_json::{Value, json};
use serving::{ServeOptions, Tls};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use verification_keys::testing::{ManualClock, TestKey, jwk_set};
use verification_keys::{Clock as _, HttpHosts, Issuer, SystemClock, http};

use crate::bench::{START, introspection};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const PRM: &str = "/.well-known/oauth-protected-resource/mcp";
/// Where the issuer's own document is when there is a shim in front of it.
const BEHIND: &str = "/behind/openid-configuration";
const DATE: &str = "Mon, 21 Sep 2026 14:13:20 GMT";

#[derive(Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

type Replies = Arc<Mutex<HashMap<String, Reply>>>;

/// An issuer and a resource server that say what they are told to, both at one address.
struct World {
    url: String,
    replies: Replies,
    options: ResourceServerOptions,
    ahead: i64,
    server: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn reply(State(replies): State<Replies>, request: Request) -> (StatusCode, HeaderMap, String) {
    let known = replies.lock().unwrap().get(request.uri().path()).cloned();
    let reply = known.unwrap_or(Reply { status: 404, headers: Vec::new(), body: String::new() });
    let pair =
        |(name, value): (&'static str, String)| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    (StatusCode::from_u16(reply.status).unwrap(), reply.headers.into_iter().map(pair).collect(), reply.body)
}

impl World {
    /// One without a fault.
    async fn healthy() -> Self {
        verification_keys::install_crypto_providers();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let replies = Replies::default();
        let router = Router::new().fallback(reply).with_state(Arc::clone(&replies));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let resource = ResourceIdentifier::parse(&format!("{url}/mcp")).unwrap();
        let issuer = Issuer::parse(&url, &HttpHosts::default()).unwrap();
        let mut trusted = IssuerOptions::new(issuer, Preset::AUTHZ, AudienceRules::strict(resource.clone()));
        trusted.introspection = introspection(IntrospectionMode::Fallback);
        let options = ResourceServerOptions::new(resource, trusted, ScopePolicy::new("mcp:read"));
        let world = Self { url, replies, options, ahead: 0, server };
        world.answer_well();
        world
    }

    fn answer_well(&self) {
        let url = &self.url;
        let challenge = format!("Bearer scope=\"mcp:read\", resource_metadata=\"{url}{PRM}\"");
        self.says("/mcp", 401, &[("www-authenticate", &challenge)], json!({"reason": "missing_token"}));
        let document = json!({"resource": format!("{url}/mcp"), "authorization_servers": [url]});
        self.says(PRM, 200, &[("access-control-allow-origin", "*")], document);
        let document = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "registration_endpoint": format!("{url}/register"),
            "jwks_uri": format!("{url}/jwks"),
            "introspection_endpoint": format!("{url}/introspect"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "scopes_supported": ["mcp:read", "mcp:write"],
            "authorization_response_iss_parameter_supported": true,
        });
        self.says(METADATA, 200, &[("date", DATE)], document);
        self.says("/jwks", 200, &[], jwk_set([&TestKey::rsa_one()]));
        self.says("/introspect", 200, &[], json!({"active": false}));
    }

    #[expect(clippy::needless_pass_by_value, reason = "a document is made where it is said")]
    fn says(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: impl ToString) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.replies.lock().unwrap().insert(path.to_owned(), Reply { status, headers, body: body.to_string() });
    }

    /// Changes members of a document; `null` removes one.
    fn changes(&self, path: &str, changes: Value) {
        let mut replies = self.replies.lock().unwrap();
        let reply = replies.get_mut(path).unwrap();
        let mut document: Value = serde_json::from_str(&reply.body).unwrap();
        let changes: serde_json::Map<String, Value> = serde_json::from_value(changes).unwrap();
        for (name, value) in changes {
            if value.is_null() {
                document.as_object_mut().unwrap().remove(&name);
            } else {
                document[name] = value;
            }
        }
        reply.body = document.to_string();
    }

    /// The issuer's own document lacks what clients need; the shim's is where they look.
    fn stands_behind_a_shim(&mut self) {
        let reply = self.replies.lock().unwrap()[METADATA].clone();
        self.replies.lock().unwrap().insert(BEHIND.to_owned(), reply);
        let lacking = json!({"code_challenge_methods_supported": null, "registration_endpoint": null,
            "authorization_response_iss_parameter_supported": null});
        self.changes(BEHIND, lacking);
        self.changes(METADATA, json!({"authorization_response_iss_parameter_supported": null}));
        self.issuer().places.metadata = format!("{}{BEHIND}", self.url).parse().ok();
        self.issuer().shim = Some(ShimOptions::default());
    }

    fn issuer(&mut self) -> &mut IssuerOptions {
        &mut self.options.issuers[0]
    }

    /// The same answers over https, with a certificate of its own: the URL, and the certificate.
    async fn over_https(&self) -> (String, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::self_signed(folder.path(), "localhost", SystemClock.now().into()).unwrap();
        let certificate = std::fs::read(tls.certificate_file()).unwrap();
        let listener = serving::Listener::bind("localhost", 0).await.unwrap();
        let url = format!("https://localhost:{}", listener.port());
        let router = Router::new().fallback(reply).with_state(Arc::clone(&self.replies));
        let options = ServeOptions { tls: Some(tls), ..ServeOptions::default() };
        tokio::spawn(serving::serve(listener, router, options, std::future::pending()));
        (url, certificate)
    }

    async fn examine(&self) -> Report {
        self.examine_trusting(None).await
    }

    async fn examine_trusting(&self, extra_ca_pem: Option<Vec<u8>>) -> Report {
        let client = http::client(&http::ClientOptions { extra_ca_pem, ..http::ClientOptions::default() }).unwrap();
        let clock = ManualClock::at(Timestamp::from_second(START + self.ahead).unwrap());
        examine(&self.options, &client, Arc::new(clock)).await
    }
}

/// A fault, how to plant it, and a word of the fix that it must get.
type Planted = (Fault, &'static str, fn(&mut World));

const NOWHERE: &str = "http://127.0.0.1:9";

fn about_the_resource() -> Vec<Planted> {
    vec![
        (Fault::ServerUnreachable, "start the server", |world| {
            world.options.resource = ResourceIdentifier::parse(&format!("{NOWHERE}/mcp")).unwrap();
        }),
        (Fault::ServerRedirects, "MCP_RESOURCE_PUBLIC_URL", |world| {
            world.says("/mcp", 307, &[("location", "https://elsewhere.example/mcp")], "");
        }),
        (Fault::ServerFailing, "proxy", |world| world.says("/mcp", 502, &[], "Bad Gateway")),
        (Fault::HostRefused, "MCP_RESOURCE_ALLOWED_HOSTS", |world| {
            world.says("/mcp", 403, &[], json!({"reason": "host_not_allowed"}));
        }),
        (Fault::EndpointMissing, "MCP_RESOURCE_PUBLIC_URL", |world| world.says("/mcp", 404, &[], "")),
        (Fault::ServerUnprotected, "not behind its layer", |world| world.says("/mcp", 200, &[], "{}")),
        (Fault::ChallengeMissing, "WWW-Authenticate", |world| world.says("/mcp", 401, &[], "{}")),
        (Fault::ChallengeElsewhere, "MCP_RESOURCE_PUBLIC_URL", |world| {
            let other = "Bearer resource_metadata=\"https://other.example/.well-known/oauth-protected-resource\"";
            world.says("/mcp", 401, &[("www-authenticate", other)], "{}");
        }),
        (Fault::PrmMissing, "/.well-known/oauth-protected-resource", |world| world.says(PRM, 404, &[], "")),
        (Fault::PrmMalformed, "/.well-known/oauth-protected-resource", |world| {
            world.says(PRM, 200, &[], "<html>");
        }),
        (Fault::PrmResourceMismatch, "MCP_RESOURCE_PUBLIC_URL", |world| {
            world.changes(PRM, json!({"resource": "https://other.example/mcp"}));
        }),
        (Fault::PrmIssuerMissing, "MCP_RESOURCE_AUTH_SERVER_URL", |world| {
            world.changes(PRM, json!({"authorization_servers": ["https://other.example"]}));
        }),
        (Fault::PrmNoCors, "Access-Control-Allow-Origin", |world| {
            world.replies.lock().unwrap().get_mut(PRM).unwrap().headers.clear();
        }),
    ]
}

fn about_the_metadata() -> Vec<Planted> {
    vec![
        (Fault::IssuerUnreachable, "MCP_RESOURCE_AUTH_SERVER_URL", |world| {
            world.issuer().places.metadata = NOWHERE.parse().ok();
        }),
        (Fault::MetadataMissing, "MCP_RESOURCE_METADATA_URL", |world| world.says(METADATA, 404, &[], "")),
        (Fault::MetadataRedirects, "MCP_RESOURCE_METADATA_URL", |world| {
            world.says(METADATA, 302, &[("location", "/elsewhere")], "");
        }),
        (Fault::MetadataMalformed, "MCP_RESOURCE_METADATA_URL", |world| world.says(METADATA, 200, &[], "<html>")),
        (Fault::MetadataIssuerSlash, "MCP_RESOURCE_AUTH_SERVER_URL", |world| {
            world.changes(METADATA, json!({"issuer": format!("{}/", world.url)}));
        }),
        (Fault::MetadataIssuerMismatch, "MCP_RESOURCE_AUTH_SERVER_URL", |world| {
            world.changes(METADATA, json!({"issuer": "https://other.example"}));
        }),
        (Fault::ClockSkew, "NTP", |world| world.ahead = 300),
        (Fault::ClockSkew, "NTP", |world| world.ahead = -60),
        (Fault::ClockDrift, "NTP", |world| world.ahead = 20),
        (Fault::ClockUnknown, "nothing to do", |world| {
            world.replies.lock().unwrap().get_mut(METADATA).unwrap().headers = vec![("date", "today".to_owned())];
        }),
    ]
}

fn about_clients() -> Vec<Planted> {
    vec![
        (Fault::AuthorizationEndpointMissing, "authorization code flow", |world| {
            world.changes(METADATA, json!({"authorization_endpoint": null}));
        }),
        (Fault::TokenEndpointMissing, "authorization code flow", |world| {
            world.changes(METADATA, json!({"token_endpoint": "/token"}));
        }),
        (Fault::CodeFlowMissing, "authorization code flow", |world| {
            world.changes(METADATA, json!({"response_types_supported": ["id_token"]}));
        }),
        (Fault::PkceNotAdvertised, "code_challenge_methods_supported", |world| {
            world.changes(METADATA, json!({"code_challenge_methods_supported": null}));
        }),
        (Fault::PkceNotAdvertised, "MCP_RESOURCE_METADATA_SHIM=on", |world| {
            world.changes(METADATA, json!({"code_challenge_methods_supported": null}));
        }),
        (Fault::PkceWithoutS256, "S256", |world| {
            world.changes(METADATA, json!({"code_challenge_methods_supported": ["plain"]}));
        }),
        (Fault::RegistrationClosed, "register each client", |world| {
            world.changes(METADATA, json!({"registration_endpoint": null}));
        }),
        (Fault::RegistrationClosed, "MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", |world| {
            world.stands_behind_a_shim();
            world.changes(METADATA, json!({"registration_endpoint": null}));
        }),
        (Fault::IssNotAdvertised, "mixing them up", |world| {
            world.changes(METADATA, json!({"authorization_response_iss_parameter_supported": false}));
        }),
        (Fault::PublicClientsRefused, "a secret of their own", |world| {
            world.changes(METADATA, json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}));
        }),
        (Fault::ScopeNotOffered, "create the scope", |world| {
            world.changes(METADATA, json!({"scopes_supported": ["openid"]}));
        }),
    ]
}

fn about_the_shim() -> Vec<Planted> {
    vec![
        (Fault::ShimIssuerSendsIss, "MCP_RESOURCE_METADATA_SHIM=off", |world| {
            world.stands_behind_a_shim();
            world.changes(BEHIND, json!({"authorization_response_iss_parameter_supported": true}));
        }),
        (Fault::PkceWithoutS256, "S256", |world| {
            world.stands_behind_a_shim();
            world.changes(BEHIND, json!({"code_challenge_methods_supported": ["plain"]}));
        }),
        (Fault::ShimMissing, "/.well-known/oauth-authorization-server", |world| {
            world.stands_behind_a_shim();
            world.says(METADATA, 503, &[], json!({"error": "temporarily_unavailable"}));
        }),
        (Fault::ShimEndpointMissing, "/oauth2/", |world| {
            world.stands_behind_a_shim();
            let register = format!("{}/oauth2/register", world.url);
            world.changes(METADATA, json!({"registration_endpoint": register}));
        }),
        (Fault::ShimEndpointMissing, "/oauth2/", |world| {
            world.stands_behind_a_shim();
            world.says("/oauth2/token", 200, &[], "<html>");
            world.says("/oauth2/authorize", 302, &[("location", "https://issuer.example/")], "");
            let (authorize, token) = (format!("{}/oauth2/authorize", world.url), format!("{}/oauth2/token", world.url));
            world.changes(METADATA, json!({"authorization_endpoint": authorize, "token_endpoint": token}));
        }),
        (Fault::ShimIssuerMismatch, "MCP_RESOURCE_PUBLIC_URL", |world| {
            world.stands_behind_a_shim();
            world.changes(METADATA, json!({"issuer": "https://other.example"}));
        }),
    ]
}

fn about_the_keys() -> Vec<Planted> {
    vec![
        (Fault::JwksUriMissing, "MCP_RESOURCE_JWKS_URL", |world| world.changes(METADATA, json!({"jwks_uri": null}))),
        (Fault::JwksUriInsecure, "MCP_RESOURCE_ALLOW_HTTP_HOSTS", |world| {
            world.changes(METADATA, json!({"jwks_uri": "http://keys.example/jwks"}));
        }),
        (Fault::JwksUnreachable, "MCP_RESOURCE_JWKS_URL", |world| {
            world.issuer().places.jwks = format!("{NOWHERE}/jwks").parse().ok();
        }),
        (Fault::JwksStatus, "MCP_RESOURCE_JWKS_URL", |world| world.says("/jwks", 503, &[], "")),
        (Fault::JwksMalformed, "a JWK Set", |world| world.says("/jwks", 200, &[], "<html>")),
        (Fault::JwksNoUsableKey, "RS256, PS256, ES256 or EdDSA", |world| {
            world.says("/jwks", 200, &[], json!({"keys": []}));
        }),
        (Fault::JwksSecretKey, "withdraw that key", |world| {
            world.says("/jwks", 200, &[], with_key(json!({"kty": "oct", "k": "c2VjcmV0"})));
        }),
        (Fault::JwksWeakKey, "2048 bits", |world| {
            let short = "wJENcRev-eXZKvhhWLiV3Lz2MvO-naQRHo59g3vaNQnbgyduN_L4krlrJ5c6FiikXdtJNb_QrsAHSyJWCu8j3w";
            world.says("/jwks", 200, &[], with_key(json!({"kty": "RSA", "n": short, "e": "AQAB", "kid": "short"})));
        }),
        (Fault::JwksKeyPassedOver, "unknown_key", |world| {
            world.says("/jwks", 200, &[], with_key(json!({"kty": "RSA", "use": "enc"})));
        }),
        (Fault::JwksKeyWithoutId, "name its keys", |world| {
            let mut key = TestKey::rsa_two().jwk();
            key.as_object_mut().unwrap().remove("kid");
            world.says("/jwks", 200, &[], with_key(key));
        }),
        (Fault::JwksDuplicateId, "name each key differently", |world| {
            world.says("/jwks", 200, &[], with_key(TestKey::rsa_two().with_kid("one").jwk()));
        }),
        (Fault::KeysNotFetched, "MCP_RESOURCE_JWKS_URL", |world| {
            world.changes(METADATA, json!({"introspection_endpoint": "http://other.example/introspect"}));
            world.issuer().places.introspection = None;
            world.issuer().introspection.mode = IntrospectionMode::Never;
        }),
    ]
}

/// A good set with one more key.
fn with_key(key: Value) -> Value {
    let keys = vec![TestKey::rsa_one().jwk(), key];
    json!({ "keys": keys })
}

fn about_introspection_and_settings() -> Vec<Planted> {
    vec![
        (Fault::IntrospectionNotOffered, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            world.changes(METADATA, json!({"introspection_endpoint": null}));
        }),
        (Fault::IntrospectionUnreachable, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            world.issuer().places.introspection = format!("{NOWHERE}/introspect").parse().ok();
        }),
        (Fault::IntrospectionUnauthorized, "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", |world| {
            world.says("/introspect", 401, &[], json!({"error": "invalid_client"}));
        }),
        (Fault::IntrospectionUnauthorized, "MCP_RESOURCE_INTROSPECT_CLIENT_METHOD", |world| {
            world.says("/introspect", 400, &[], json!({"error": "invalid_client"}));
        }),
        (Fault::IntrospectionStatus, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            world.says("/introspect", 404, &[], "");
        }),
        (Fault::IntrospectionMalformed, "RFC 7662", |world| world.says("/introspect", 200, &[], json!({"ok": true}))),
        (Fault::IntrospectionSaysYes, "MCP_RESOURCE_INTROSPECT=never", |world| {
            world.says("/introspect", 200, &[], json!({"active": true}));
        }),
        (Fault::AudienceNotChecked, "MCP_RESOURCE_ALLOWED_CLIENTS", |world| {
            world.issuer().audience.strictness = Strictness::False;
        }),
        (Fault::StrictOff, "MCP_RESOURCE_OAUTH_STRICT=true", |world| {
            let rules = &mut world.issuer().audience;
            rules.strictness = Strictness::Observe;
            rules.allowed_clients = Some(vec!["client-1".to_owned()]);
        }),
        (Fault::PublicUrlInsecure, "https", |world| {
            world.options.resource = ResourceIdentifier::parse("http://mcp.invalid/mcp").unwrap();
        }),
        (Fault::DemoCredentials, "MCP_RESOURCE_INTROSPECT_CLIENT_ID", |world| {
            world.options.resource = ResourceIdentifier::parse("http://mcp.invalid/mcp").unwrap();
        }),
    ]
}

/// The token information of Google, here at a place of its own.
fn token_information(world: &mut World, status: u16, body: &str) {
    let google: &'static Preset = "google".parse().unwrap();
    world.issuer().preset = google;
    world.says("/tokeninfo", status, &[], body);
    let url = format!("{}/tokeninfo", world.url);
    world.issuer().places.introspection = url.parse().ok();
}

fn about_token_information() -> Vec<Planted> {
    vec![
        (Fault::TokenInformationMalformed, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            token_information(world, 404, "");
        }),
        (Fault::TokenInformationMalformed, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            token_information(world, 400, "<html>");
        }),
        // An endpoint of RFC 7662 is none.
        (Fault::TokenInformationMalformed, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            token_information(world, 200, r#"{"active":false}"#);
        }),
        (Fault::IntrospectionSaysYes, "MCP_RESOURCE_INTROSPECT=never", |world| {
            token_information(world, 200, r#"{"aud":"c","azp":"c","exp":"1790003600"}"#);
        }),
        (Fault::IntrospectionUnreachable, "MCP_RESOURCE_INTROSPECT_URL", |world| {
            token_information(world, 400, "{}");
            world.issuer().places.introspection = format!("{NOWHERE}/tokeninfo").parse().ok();
        }),
    ]
}

#[tokio::test]
async fn faults_of_googles_token_information_are_found() {
    assert_found(about_token_information()).await;
}

#[tokio::test]
async fn token_information_that_refuses_a_made_up_token_is_good() {
    let mut world = World::healthy().await;
    token_information(&mut world, 400, r#"{"error":"invalid_token","error_description":"Invalid Value"}"#);
    let report = world.examine().await;
    assert_eq!(report.findings(), [], "{report}");
    assert!(report.to_string().contains("/tokeninfo answers this server's questions"), "{report}");
}

/// The same with the URL of answers over https.
type PlantedCertificate = (Fault, &'static str, fn(&mut World, &str));

fn about_certificates() -> Vec<PlantedCertificate> {
    vec![
        (Fault::ServerCertificate, "MCP_CA_CERT", |world, https| {
            world.options.resource = ResourceIdentifier::parse(&format!("{https}/mcp")).unwrap();
        }),
        (Fault::IssuerCertificate, "MCP_CA_CERT", |world, https| {
            world.issuer().places.metadata = format!("{https}{METADATA}").parse().ok();
        }),
    ]
}

async fn assert_found(planted: Vec<Planted>) {
    for (fault, word, plant) in planted {
        let mut world = World::healthy().await;
        plant(&mut world);
        let report = world.examine().await;
        let found = report.findings().iter().filter(|finding| finding.fault == fault).count();
        assert_eq!(found, 1, "{} in\n{report}", fault.id());
        assert!(fault.fix().contains(word), "{}: {}", fault.id(), fault.fix());
        let text = report.to_string();
        assert!(text.contains(fault.id()) && text.contains(fault.fix()), "{text}");
        let exit_code = match fault.severity() {
            Severity::Info => 0,
            Severity::Warning => 1,
            Severity::Error => 2,
        };
        assert!(report.exit_code() >= exit_code, "{text}");
        // What follows from the fault may be told too, but nothing worse than it.
        let worst = report.findings().iter().map(|finding| finding.fault.severity()).max().unwrap();
        let beyond_reach = world.options.resource.as_str().contains("invalid");
        assert!(beyond_reach || worst == fault.severity(), "{text}");
    }
}

#[tokio::test]
async fn nothing_is_found_where_nothing_is_wrong() {
    let report = World::healthy().await.examine().await;
    assert_eq!(report.findings(), [], "{report}");
    assert_eq!(report.exit_code(), 0);
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["good"].as_array().unwrap().len() >= 7, "{json}");
}

#[tokio::test]
async fn the_age_of_the_keys_is_told() {
    let world = World::healthy().await;
    let rows: [(&[(&'static str, &str)], &str); 2] = [
        (&[("age", "12"), ("cache-control", "public, max-age=300")], "(12 s old, Cache-Control: public, max-age=300)"),
        (&[], "(fresh, no Cache-Control)"),
    ];
    for (headers, told) in rows {
        world.says("/jwks", 200, headers, jwk_set([&TestKey::rsa_one()]));
        let report = world.examine().await.to_string();
        assert!(report.contains(&format!("/jwks has 1 usable key, for RS256 {told}")), "{report}");
    }
}

#[tokio::test]
async fn faults_of_the_resource_are_found() {
    assert_found(about_the_resource()).await;
}

#[tokio::test]
async fn faults_of_the_metadata_and_the_clock_are_found() {
    assert_found(about_the_metadata()).await;
}

#[tokio::test]
async fn what_keeps_clients_from_using_the_issuer_is_found() {
    assert_found(about_clients()).await;
}

#[tokio::test]
async fn faults_of_the_shim_are_found() {
    assert_found(about_the_shim()).await;
}

#[tokio::test]
async fn a_shim_puts_right_what_the_issuer_lacks() {
    let mut world = World::healthy().await;
    world.stands_behind_a_shim();
    let report = world.examine().await;
    assert_eq!(report.findings(), [], "{report}");
}

#[tokio::test]
async fn faults_of_the_keys_are_found() {
    assert_found(about_the_keys()).await;
}

#[tokio::test]
async fn faults_of_introspection_and_settings_are_found() {
    assert_found(about_introspection_and_settings()).await;
}

#[tokio::test]
async fn a_certificate_is_found_that_nobody_trusts_and_only_then() {
    for (fault, word, plant) in about_certificates() {
        let mut world = World::healthy().await;
        let (https, certificate) = world.over_https().await;
        plant(&mut world, &https);
        let report = world.examine().await;
        let found: Vec<_> = report.findings().iter().filter(|finding| finding.fault == fault).collect();
        assert_eq!(found.len(), 1, "{} in\n{report}", fault.id());
        assert!(found[0].detail.contains(&https) && fault.fix().contains(word), "{report}");
        assert_eq!(report.exit_code(), 2);
        let trusted = world.examine_trusting(Some(certificate)).await;
        assert!(trusted.findings().iter().all(|finding| finding.fault != fault), "{trusted}");
    }
}

#[test]
fn every_fault_is_planted() {
    let all = [
        about_the_resource(),
        about_the_metadata(),
        about_clients(),
        about_the_shim(),
        about_the_keys(),
        about_introspection_and_settings(),
        about_token_information(),
    ];
    let certificates = about_certificates();
    let planted = all.iter().flatten().map(|(fault, ..)| *fault).chain(certificates.iter().map(|(fault, ..)| *fault));
    let planted: HashSet<Fault> = planted.chain([SETTING]).collect();
    let missing: Vec<&str> =
        Fault::ALL.iter().filter(|fault| !planted.contains(fault)).map(|fault| fault.id()).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(planted.len() >= 25, "{}", planted.len());
}

/// Planted through the command line, below.
const SETTING: Fault = Fault::SettingInvalid;

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_a_finding_too() {
    let output = Command::new(env!("CARGO_BIN_EXE_mcp-server"))
        .args(["doctor", "--json", "--oauth-strict", "maybe", "--auth-server", "nonsense"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{report}");
    assert!(findings.iter().all(|finding| finding["id"] == SETTING.id()));
    assert!(findings.iter().all(|finding| finding["found"].as_str().unwrap().contains(" Fix: use ")), "{report}");
    assert!(findings.iter().any(|finding| finding["found"].as_str().unwrap().contains("MCP_RESOURCE_OAUTH_STRICT")));
}
