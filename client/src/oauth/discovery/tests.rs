use super::{issuer_metadata::Pkce, *};
use crate::oauth::{
    client::ClientAuthentication,
    scope::Scope,
    testing::{endpoint, json_answer},
};
use serde_json::{Value, json};

const SERVER: &str = "https://mcp.example/a/mcp";
const ISSUER: &str = "https://auth.example/tenant1";

fn challenge(resource_metadata: Option<&str>) -> BearerChallenge {
    BearerChallenge { resource_metadata: resource_metadata.map(str::to_owned), ..BearerChallenge::default() }
}

fn places(server: &str, resource_metadata: Option<&str>) -> Vec<String> {
    let locations = resource_metadata::locations(&endpoint(server), &challenge(resource_metadata)).unwrap();
    locations.iter().map(|location| location.url.as_str().to_owned()).collect()
}

#[test]
fn the_challenges_url_wins_then_the_inserted_path_then_the_root() {
    let custom = "https://mcp.example/custom/location.json";
    assert_eq!(places(SERVER, Some(custom)), [custom]);
    let both = [
        "https://mcp.example/.well-known/oauth-protected-resource/a/mcp",
        "https://mcp.example/.well-known/oauth-protected-resource",
    ];
    assert_eq!(places(SERVER, None), both);
    assert_eq!(places("https://mcp.example", None), both[1..]);
    assert_eq!(places("https://mcp.example/x/", None)[0], format!("{}/x/", both[1]));
}

#[test]
fn a_challenge_cannot_make_us_fetch_from_elsewhere() {
    let refused =
        |raw: &str| resource_metadata::locations(&endpoint(SERVER), &challenge(Some(raw))).map(drop).unwrap_err();
    for raw in ["https://evil.example/prm", "https://mcp.example:8443/prm", "https://169.254.169.254/prm"] {
        assert!(matches!(refused(raw), DiscoveryError::MetadataElsewhere { .. }), "{raw}");
    }
    for (raw, reason) in [
        ("http://169.254.169.254/latest", InvalidEndpoint::InsecureScheme),
        ("file:///etc/passwd", InvalidEndpoint::InsecureScheme),
        ("http://localhost:8001/prm", InvalidEndpoint::LoopbackFromElsewhere),
        ("/relative", InvalidEndpoint::NotAbsolute),
    ] {
        assert!(matches!(refused(raw), DiscoveryError::MetadataUrl(found) if found == reason), "{raw}");
    }
}

fn resource(server: &str, at: usize, document: &Value) -> Result<Option<ResourceMetadata>, DiscoveryError> {
    let locations = resource_metadata::locations(&endpoint(server), &challenge(None)).unwrap();
    resource_metadata::process(&json_answer(200, document.to_string()), &locations[at])
}

#[test]
fn the_resource_is_kept_byte_for_byte() {
    for published in ["https://mcp.example/a/mcp", "HTTPS://MCP.example:443/a/mcp"] {
        let document =
            json!({"resource": published, "authorization_servers": [ISSUER], "scopes_supported": ["a", "b"]});
        let metadata = resource(SERVER, 0, &document).unwrap().unwrap();
        assert_eq!(metadata.resource, published);
        assert_eq!(metadata.authorization_server.as_str(), ISSUER);
        assert_eq!(metadata.scopes_supported, Scope::parse("a b"));
    }
}

#[test]
fn rejects_metadata_for_another_resource() {
    for other in [
        "https://evil.example/a/mcp",
        "https://mcp.example/a/other",
        "https://mcp.example/a/mcp/",
        "https://mcp.example/a",
        "https://mcp.example",
        "https://mcp.example/a/mcp?x",
        "https://mcp.example/a/mcp#x",
        "http://mcp.example/a/mcp",
        "https://mcp.example:8443/a/mcp",
        "",
    ] {
        let document = json!({"resource": other, "authorization_servers": [ISSUER]});
        let refused = resource(SERVER, 0, &document).unwrap_err();
        assert!(matches!(&refused, DiscoveryError::ResourceMismatch { found, .. } if found == other), "{other:?}");
    }
}

#[test]
fn only_metadata_at_the_root_may_speak_for_the_root() {
    let document = json!({"resource": "https://mcp.example/", "authorization_servers": [ISSUER]});
    assert!(resource(SERVER, 1, &document).unwrap().is_some());
    assert!(matches!(resource(SERVER, 0, &document), Err(DiscoveryError::ResourceMismatch { .. })));
}

#[test]
fn the_first_usable_authorization_server_is_taken() {
    let chosen = |servers: Value| {
        let document = json!({"resource": SERVER, "authorization_servers": servers});
        resource(SERVER, 0, &document).map(|found| found.unwrap().authorization_server.as_str().to_owned())
    };
    assert_eq!(chosen(json!(["http://plain.example", ISSUER, "https://other.example"])).unwrap(), ISSUER);
    assert!(matches!(chosen(json!([])), Err(DiscoveryError::NoAuthorizationServer(_))));
    for (bad, expected) in [
        ("http://auth.example", InvalidEndpoint::InsecureScheme),
        ("http://localhost:9000", InvalidEndpoint::LoopbackFromElsewhere),
        ("https://auth.example?x=1", InvalidEndpoint::Query),
        ("javascript:alert(1)", InvalidEndpoint::InsecureScheme),
    ] {
        let refused = chosen(json!([bad])).unwrap_err();
        assert!(matches!(refused, DiscoveryError::Issuer { reason, .. } if reason == expected), "{bad}");
    }
    assert!(matches!(chosen(json!("https://auth.example")), Err(DiscoveryError::Malformed { .. })));
}

#[test]
fn a_resource_that_publishes_nothing_goes_by_its_canonical_address() {
    for (typed, resource, issuer) in [
        ("HTTPS://MCP.Example:443/mcp", "https://mcp.example/mcp", "https://mcp.example"),
        ("https://mcp.example/", "https://mcp.example", "https://mcp.example"),
        ("http://LocalHost:8001/mcp/", "http://localhost:8001/mcp/", "http://localhost:8001"),
        ("https://mcp.example/mcp?tenant=1", "https://mcp.example/mcp?tenant=1", "https://mcp.example"),
    ] {
        let stand_in = own_issuer::resource(&endpoint(typed));
        assert_eq!((stand_in.resource.as_str(), stand_in.authorization_server.as_str()), (resource, issuer), "{typed}");
    }
}

#[test]
fn issuer_metadata_is_looked_for_in_the_order_of_the_specification() {
    let places = |issuer: &str| -> Vec<String> {
        issuer_metadata::locations(&endpoint(issuer)).iter().map(|url| url.as_str().to_owned()).collect()
    };
    let with_path = [
        "https://auth.example/.well-known/oauth-authorization-server/tenant1",
        "https://auth.example/.well-known/openid-configuration/tenant1",
        "https://auth.example/tenant1/.well-known/openid-configuration",
    ];
    assert_eq!(places(ISSUER), with_path);
    let without = [
        "https://auth.example/.well-known/oauth-authorization-server",
        "https://auth.example/.well-known/openid-configuration",
    ];
    assert_eq!(places("https://auth.example"), without);
    assert_eq!(places("https://auth.example/"), without);
}

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://auth.example/authorize",
        "token_endpoint": "https://auth.example/token",
        "registration_endpoint": "https://auth.example/register",
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn issuer(document: &Value) -> Result<Option<IssuerMetadata>, DiscoveryError> {
    let issuer = endpoint(ISSUER);
    issuer_metadata::process(
        &json_answer(200, document.to_string()),
        &issuer_metadata::locations(&issuer)[0],
        &issuer,
        Pkce::Published,
    )
}

fn changed(member: &str, value: Value) -> Value {
    let mut document = document();
    document[member] = value;
    document
}

#[test]
fn pkce_and_an_authorization_endpoint_are_needed_where_a_browser_is_and_only_there() {
    let mut bare = document();
    for member in ["authorization_endpoint", "code_challenge_methods_supported"] {
        bare.as_object_mut().unwrap().remove(member);
    }
    let processed = |pkce| {
        let answer = json_answer(200, bare.to_string());
        issuer_metadata::process(&answer, &endpoint(ISSUER), &endpoint(ISSUER), pkce)
    };
    let metadata = processed(Pkce::NotNeeded).unwrap().unwrap();
    assert_eq!(metadata.authorization_endpoint, None);
    assert!(matches!(processed(Pkce::Published), Err(DiscoveryError::NoS256(_))));
    assert!(matches!(processed(Pkce::Assumed), Err(DiscoveryError::Malformed { .. })));
}

#[test]
fn a_good_document_yields_the_endpoints() {
    let metadata = issuer(&document()).unwrap().unwrap();
    assert_eq!(metadata.issuer, ISSUER);
    assert_eq!(metadata.token_endpoint.as_str(), "https://auth.example/token");
    assert_eq!(
        metadata.token_endpoint_auth_methods,
        [ClientAuthentication::PrivateKeyJwt, ClientAuthentication::None, ClientAuthentication::Post]
    );
    assert!(metadata.iss_parameter_supported);
    let mut least = document();
    for optional in [
        "registration_endpoint",
        "token_endpoint_auth_methods_supported",
        "authorization_response_iss_parameter_supported",
    ] {
        least.as_object_mut().unwrap().shift_remove(optional);
    }
    let metadata = issuer(&least).unwrap().unwrap();
    assert_eq!(metadata.token_endpoint_auth_methods, [ClientAuthentication::Basic]);
    assert!(!metadata.iss_parameter_supported && metadata.registration_endpoint.is_none());
}

#[test]
fn rejects_an_issuer_that_differs_in_anything() {
    for other in [
        "https://auth.example/tenant1/",
        "https://AUTH.example/tenant1",
        "https://auth.example:443/tenant1",
        "https://auth.example",
        "https://evil.example/tenant1",
        "",
    ] {
        let refused = issuer(&changed("issuer", json!(other))).unwrap_err();
        assert!(matches!(&refused, DiscoveryError::IssuerMismatch { found, .. } if found == other), "{other:?}");
    }
}

#[test]
fn rejects_an_issuer_without_s256_with_a_sentence_that_helps() {
    for methods in [json!(null), json!([]), json!(["plain"]), json!(["s256"])] {
        let mut document = changed("code_challenge_methods_supported", methods);
        if document["code_challenge_methods_supported"].is_null() {
            document.as_object_mut().unwrap().shift_remove("code_challenge_methods_supported");
        }
        let refused = issuer(&document).unwrap_err();
        assert!(matches!(refused, DiscoveryError::NoS256(_)), "{document}");
        assert!(refused.to_string().contains("code_challenge_methods_supported"));
    }
}

#[test]
fn rejects_endpoints_that_must_not_be_called_or_opened() {
    for member in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
        for bad in [
            "javascript:alert(1)",
            "file:///bin/sh",
            "data:text/html,x",
            "ssh://auth.example/",
            "http://auth.example/authorize",
            "http://localhost:9000/authorize",
            "https://auth.example/$(touch x)",
            "https://auth.example/`id`",
            "https://auth.example/;id",
            "https://auth.example/|id",
            "https://auth.example/\"",
            "https://auth.example/'",
            "-e",
            "--version",
            "",
        ] {
            let refused = issuer(&changed(member, json!(bad))).unwrap_err();
            assert!(matches!(refused, DiscoveryError::Endpoint { name, .. } if name == member), "{member} {bad:?}");
        }
        let wrong_type = issuer(&changed(member, json!(["https://auth.example/"])));
        assert!(matches!(wrong_type, Err(DiscoveryError::Malformed { .. })));
    }
    let mut missing = document();
    missing.as_object_mut().unwrap().shift_remove("token_endpoint");
    assert!(matches!(issuer(&missing), Err(DiscoveryError::Malformed { .. })));
}

#[test]
fn an_absent_a_moved_and_an_html_document_lead_to_the_next_place() {
    let at = endpoint("https://auth.example/x");
    let mut html = json_answer(200, "<html>");
    html.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    for absent in [json_answer(404, ""), json_answer(401, "{}"), json_answer(302, "{}"), json_answer(307, "{}"), html] {
        assert!(matches!(super::document(&absent, &at), Ok(None)), "{absent:?}");
    }
    for broken in [json_answer(500, "{}"), json_answer(204, "")] {
        assert!(matches!(super::document(&broken, &at), Err(DiscoveryError::Malformed { .. })), "{broken:?}");
    }
}

#[test]
fn broken_and_deep_json_is_an_error_and_not_a_crash() {
    let at = endpoint(ISSUER);
    let deep = "[".repeat(200_000);
    for body in ["", "{", "[]", "null", "\u{feff}{}", deep.as_str()] {
        let refused = issuer_metadata::process(&json_answer(200, body), &at, &at, Pkce::Published);
        assert!(matches!(refused, Err(DiscoveryError::Malformed { .. })));
    }
}

#[test]
fn a_401_is_a_challenge_even_without_a_readable_header() {
    let mut answer = json_answer(401, "{}");
    assert_eq!(process_probe(&answer), Probe::Challenged(BearerChallenge::default()));
    answer.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer scope=\"a\""));
    let Probe::Challenged(challenge) = process_probe(&answer) else { panic!() };
    assert_eq!(challenge.scope, Scope::parse("a"));
    assert_eq!(process_probe(&json_answer(200, "{}")), Probe::Open);
}

#[test]
fn the_probe_carries_no_token_and_the_headers_of_the_newest_version() {
    let request = probe_request(&endpoint(SERVER));
    assert!(!request.headers().contains_key(header::AUTHORIZATION));
    assert_eq!(request.headers()["mcp-method"], "server/discover");
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let version = &body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
    assert_eq!(version, request.headers()["mcp-protocol-version"].to_str().unwrap());
}
