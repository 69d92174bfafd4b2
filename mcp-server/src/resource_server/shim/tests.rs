//! The rules of the shim, without a network.

use serde_json::{Map, Value, json};
use url::Url;
use verification_keys::{HttpHosts, Issuer};

use super::authorize::target;
use super::document::Face;
use super::registration::{self, Refused};
use super::{ShimClient, ShimError, ShimOptions, ShimRedirectUri, parameters};
use crate::resource_server::{AudienceRules, IssuerOptions, Preset, ResourceIdentifier, ScopeNames, Scopes};

const COGNITO: &str = include_str!("../../../tests/it/providers/data/transcribed/cognito/discovery.json");
const ENTRA: &str = include_str!("../../../tests/it/providers/data/transcribed/entra/discovery_v2_tenant.json");

fn members(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

fn face(preset: &str, options: &ShimOptions) -> Face {
    let resource = ResourceIdentifier::parse("https://MCP.example:443/mcp").unwrap();
    let issuer = Issuer::parse("https://issuer.example/oauth2/", &HttpHosts::default()).unwrap();
    let preset: &'static Preset = preset.parse().unwrap();
    let mut trusted = IssuerOptions::new(issuer, preset, AudienceRules::strict(resource.clone()));
    trusted.scope_names = ScopeNames { prefix: "https://mcp.example/mcp/".to_owned(), ..ScopeNames::default() };
    Face::new(&trusted, options, &resource, &Scopes::parse("mcp:read"))
}

fn document(preset: &str, options: &ShimOptions, theirs: &Map<String, Value>) -> Value {
    serde_json::from_str(&face(preset, options).read(theirs).unwrap().document).unwrap()
}

fn refused(theirs: Value) -> ShimError {
    let mut all = members(COGNITO);
    all.extend(serde_json::from_value::<Map<String, Value>>(theirs).unwrap());
    all.retain(|_, value| !value.is_null());
    face("cognito", &ShimOptions::default()).read(&all).unwrap_err()
}

fn client(uris: &[&str]) -> ShimClient {
    let redirect_uris = uris.iter().map(|uri| ShimRedirectUri::parse(uri).unwrap()).collect();
    ShimClient { client_id: "client-1".to_owned(), redirect_uris }
}

#[test]
fn cognitos_document_gets_what_mcp_clients_need() {
    let options = ShimOptions { client: Some(client(&["https://app.example/cb"])), ..ShimOptions::default() };
    let expected = json!({
        "issuer": "https://mcp.example",
        "authorization_endpoint": "https://mydomain.auth.us-east-1.amazoncognito.com/oauth2/authorize",
        "token_endpoint": "https://mydomain.auth.us-east-1.amazoncognito.com/oauth2/token",
        "registration_endpoint": "https://mcp.example/oauth2/register",
        "revocation_endpoint": "https://mydomain.auth.us-east-1.amazoncognito.com/oauth2/revoke",
        "scopes_supported": ["https://mcp.example/mcp/mcp:read"],
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    });
    assert_eq!(document("cognito", &options, &members(COGNITO)), expected);
}

#[test]
fn entras_requests_are_led_through_us_because_resource_has_to_go() {
    let options = ShimOptions { drop_resource: true, ..ShimOptions::default() };
    let document = document("entra", &options, &members(ENTRA));
    assert_eq!(document["authorization_endpoint"], "https://mcp.example/oauth2/authorize");
    assert_eq!(document["token_endpoint"], "https://mcp.example/oauth2/token");
    // An assertion of private_key_jwt would name us instead of the issuer.
    let methods = json!(["none", "client_secret_basic", "client_secret_post"]);
    assert_eq!(document["token_endpoint_auth_methods_supported"], methods);
    assert!(document.get("registration_endpoint").is_none());
}

#[test]
fn adding_an_audience_leaves_the_token_endpoint_where_it_is() {
    let options = ShimOptions { add_audience: Some("https://api.example".to_owned()), ..ShimOptions::default() };
    let document = document("auth0", &options, &members(COGNITO));
    assert_eq!(document["authorization_endpoint"], "https://mcp.example/oauth2/authorize");
    let there = "https://mydomain.auth.us-east-1.amazoncognito.com/oauth2/token";
    assert_eq!(document["token_endpoint"], there);
    // Public clients are promised only where the preset or a configured client says that there are any.
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    assert_eq!(document["token_endpoint_auth_methods_supported"], methods);
}

#[test]
fn what_a_client_would_rightly_refuse_is_not_hidden() {
    let error = refused(json!({"authorization_response_iss_parameter_supported": true}));
    assert!(matches!(error, ShimError::SendsIss) && error.is_final(), "{error}");
    let error = refused(json!({"code_challenge_methods_supported": ["plain"]}));
    assert!(matches!(error, ShimError::NoS256) && error.is_final(), "{error}");
}

#[test]
fn members_and_urls_that_nobody_expects_are_not_passed_on() {
    let mut theirs = members(COGNITO);
    theirs.insert("revocation_endpoint".to_owned(), json!("javascript:alert(1)"));
    theirs.insert("registration_endpoint".to_owned(), json!("http://evil.example/register"));
    theirs.insert("service_documentation".to_owned(), json!("<script>"));
    theirs.insert("grant_types_supported".to_owned(), json!(["authorization_code", "password", 7]));
    let document = document("cognito", &ShimOptions::default(), &theirs);
    for gone in ["revocation_endpoint", "registration_endpoint", "service_documentation", "end_session_endpoint"] {
        assert!(document.get(gone).is_none(), "{gone}");
    }
    assert_eq!(document["grant_types_supported"], json!(["authorization_code"]));
    for bad in
        ["http://evil.example/x", "javascript:x", "/authorize", "https://me:pw@a.example/", "https://a.example/#x"]
    {
        for member in ["authorization_endpoint", "token_endpoint"] {
            let error = refused(json!({ member: bad }));
            assert!(matches!(error, ShimError::BadEndpoint { member: told, .. } if told == member), "{bad}: {error}");
            assert!(!error.is_final());
        }
    }
    assert!(matches!(refused(json!({"token_endpoint": null})), ShimError::BadEndpoint { problem: "missing", .. }));
}

#[test]
fn registration_gives_the_one_client_and_no_secret() {
    let client = client(&["http://localhost:3030/callback", "https://app.example/cb"]);
    let asked = json!({
        "client_name": "Any", "redirect_uris": ["http://localhost:51234/callback", "https://app.example/cb"],
        "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
    });
    let expected = json!({
        "client_id": "client-1",
        "redirect_uris": ["http://localhost:51234/callback", "https://app.example/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    assert_eq!(registration::answer(&client, asked.to_string().as_bytes()), Ok(expected));
}

#[test]
fn registration_refuses_other_redirect_uris_and_what_is_no_metadata() {
    let client = client(&["http://localhost:3030/callback"]);
    let refused = |body: &str| registration::answer(&client, body.as_bytes()).unwrap_err();
    for uris in
        [r#"["https://evil.example/cb"]"#, r#"["http://localhost:3030/callback","https://evil.example"]"#, "[7]"]
    {
        assert_eq!(refused(&format!(r#"{{"redirect_uris":{uris}}}"#)), Refused::RedirectUri, "{uris}");
    }
    for body in [r"{}", r#"{"redirect_uris":[]}"#, r#"{"redirect_uris":"http://localhost:3030/callback"}"#] {
        assert_eq!(refused(body), Refused::NoRedirectUri, "{body}");
    }
    for body in ["", "[]", "not json", r#"{"redirect_uris":[],"redirect_uris":[]}"#] {
        assert_eq!(refused(body), Refused::NotMetadata, "{body}");
    }
    assert_eq!(
        (Refused::RedirectUri.code(), Refused::NoRedirectUri.code()),
        ("invalid_redirect_uri", "invalid_redirect_uri")
    );
    assert_eq!(Refused::NotMetadata.code(), "invalid_client_metadata");
}

#[test]
fn a_redirect_uri_matches_exactly_but_for_the_port_of_a_loopback_host() {
    let own = ShimRedirectUri::parse("http://127.0.0.1:3030/callback?x=1").unwrap();
    for same in
        ["http://127.0.0.1:3030/callback?x=1", "http://127.0.0.1/callback?x=1", "http://127.0.0.1:65535/callback?x=1"]
    {
        assert!(own.allows(same), "{same}");
    }
    for other in [
        "http://localhost:3030/callback?x=1",
        "http://[::1]:3030/callback?x=1",
        "https://127.0.0.1:3030/callback?x=1",
        "http://127.0.0.1:3030/callback",
        "http://127.0.0.1:3030/callback/?x=1",
        "http://127.0.0.1:0/callback?x=1",
        "http://127.0.0.1:65536/callback?x=1",
        "http://127.0.0.1:/callback?x=1",
        "http://127.0.0.1:80@evil.example/callback?x=1",
        "http://127.0.0.1.evil.example/callback?x=1",
        "HTTP://127.0.0.1:3030/callback?x=1",
        "http://127.0.0.1:3030/callback?x=1#f",
        "",
    ] {
        assert!(!own.allows(other), "{other}");
    }
    let https = ShimRedirectUri::parse("https://app.example:8443/cb").unwrap();
    assert!(https.allows("https://app.example:8443/cb") && !https.allows("https://app.example:9443/cb"));
    for bad in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://app.example/cb",
        "/cb",
        "https://a.example/#f",
        "https://me@a.example/",
    ] {
        assert!(ShimRedirectUri::parse(bad).is_err(), "{bad}");
    }
    assert!(ShimRedirectUri::parse("com.example.app:/cb").is_ok());
}

#[test]
fn resource_is_taken_out_and_the_rest_stays_byte_for_byte() {
    let without = |raw| parameters::without(raw, &["resource"]);
    assert_eq!(without("a=%2B+x&resource=https%3A%2F%2Fm&b=&c&resource=2"), "a=%2B+x&b=&c");
    assert_eq!(without("re%73ource=x&&resources=1&state=%ff"), "resources=1&state=%ff");
    assert_eq!(without("resource"), "");
}

#[test]
fn the_browser_goes_to_the_issuers_endpoint_and_nowhere_else() {
    let endpoint: Url = "https://issuer.example/authorize?tenant=1".parse().unwrap();
    let both =
        ShimOptions { client: None, drop_resource: true, add_audience: Some("https://api.example/x y".to_owned()) };
    let query = "state=%26&resource=x&audience=evil&redirect_uri=https%3A%2F%2Fevil.example";
    let expected = "https://issuer.example/authorize?tenant=1&state=%26&redirect_uri=https%3A%2F%2Fevil.example\
                    &audience=https%3A%2F%2Fapi.example%2Fx+y";
    assert_eq!(target(&endpoint, query, &both).as_str(), expected);
    let bare = target(
        &"https://issuer.example/a".parse().unwrap(),
        "",
        &ShimOptions { drop_resource: true, ..ShimOptions::default() },
    );
    assert_eq!(bare.as_str(), "https://issuer.example/a?");
}
