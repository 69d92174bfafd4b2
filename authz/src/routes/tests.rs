//! What is where: metadata, keys, health, CORS, hosts.

use crate::{routes, testing::*};
use axum::body::Body;
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::json;

async fn send(server: &Server, method: Method, uri: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_metadata_says_what_exists_and_nothing_else() {
    let server = Server::start().await;
    let answer = server.get(routes::METADATA).await;
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, Some("application/json")));
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "http://localhost:9000/oauth2/authorize",
        "token_endpoint": "http://localhost:9000/oauth2/token",
        "jwks_uri": "http://localhost:9000/.well-known/jwks.json",
        "registration_endpoint": "http://localhost:9000/register",
        "device_authorization_endpoint": "http://localhost:9000/oauth2/device_authorization",
        "revocation_endpoint": "http://localhost:9000/revoke",
        "introspection_endpoint": "http://localhost:9000/introspect",
        "userinfo_endpoint": "http://localhost:9000/userinfo",
        "scopes_supported": ["mcp:read", "mcp:write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "revocation_endpoint_auth_methods_supported":
            ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "introspection_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "protected_resources": [RESOURCE, OTHER_RESOURCE],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn with_a_path_in_the_issuer_the_metadata_is_path_inserted_and_all_else_below() {
    let server = Server::with(Options { public_url: "http://localhost:9000/tenant1", ..Options::default() }).await;
    let metadata = server.get("/.well-known/oauth-authorization-server/tenant1").await.json();
    assert_eq!(metadata["issuer"], "http://localhost:9000/tenant1");
    assert_eq!(metadata["jwks_uri"], "http://localhost:9000/tenant1/.well-known/jwks.json");
    assert_eq!(server.get("/tenant1/.well-known/jwks.json").await.status, StatusCode::OK);
    for elsewhere in [routes::METADATA, routes::JWKS, routes::AUTHORIZE] {
        assert_eq!(server.get(elsewhere).await.status, StatusCode::NOT_FOUND, "{elsewhere}");
    }
    let target = server.get(&format!("/tenant1/oauth2/authorize?{}", encode(&AUTHORIZATION_REQUEST))).await.location();
    assert_eq!(target.path(), "/tenant1/login");
}

#[tokio::test]
async fn the_key_set_is_public_for_five_minutes_and_has_nothing_private() {
    let server = Server::start().await;
    let answer = server.get(routes::JWKS).await;
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("public, max-age=300"));
    assert_eq!(answer.header(header::CONTENT_TYPE), Some("application/json"));
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let mut names: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
}

#[tokio::test]
async fn scripts_may_read_metadata_and_keys_and_call_token_register_revoke_and_userinfo() {
    let server = Server::start().await;
    let (host, origin) = ((header::HOST, "localhost:9000"), (header::ORIGIN, "https://app.example"));
    for path in [routes::METADATA, routes::OPENID_CONFIGURATION, routes::JWKS] {
        let answer = send(&server, Method::GET, path, &[host.clone(), origin.clone()]).await;
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"), "{path}");
    }
    for path in [routes::TOKEN, routes::REGISTER, routes::REVOKE, routes::USERINFO, routes::METADATA] {
        let preflight = [
            host.clone(),
            origin.clone(),
            (header::ACCESS_CONTROL_REQUEST_METHOD, "POST"),
            (header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,mcp-protocol-version"),
        ];
        let answer = send(&server, Method::OPTIONS, path, &preflight).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"), "{path}");
        assert!(answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap().contains("authorization"), "{path}");
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), None);
    }
}

#[tokio::test]
async fn scripts_may_not_use_the_pages_or_introspection() {
    let server = Server::start().await;
    let (host, origin) = ((header::HOST, "localhost:9000"), (header::ORIGIN, "https://app.example"));
    for path in [routes::AUTHORIZE, routes::LOGIN, routes::CONSENT, routes::LOGOUT, routes::INTROSPECT] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = send(&server, method, path, &[host.clone(), origin.clone()]).await;
            assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), None, "{path}");
        }
    }
}

#[tokio::test]
async fn a_foreign_host_is_not_served_and_not_reflected() {
    let server = Server::start().await;
    for path in [routes::METADATA, routes::AUTHORIZE, routes::LOGIN, "/nowhere"] {
        let answer = send(&server, Method::GET, path, &[(header::HOST, "evil.example")]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(!answer.body.contains("evil.example"));
        assert_eq!(send(&server, Method::GET, path, &[]).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn forwarded_headers_are_never_reflected() {
    let server = Server::start().await;
    let asked = format!("{}?{}", routes::AUTHORIZE, encode(&AUTHORIZATION_REQUEST));
    for name in ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-original-url", "forwarded"] {
        let forwarded = (header::HeaderName::from_static(name), "host=evil.example;proto=evil.example");
        for path in [routes::METADATA, routes::LOGIN, &asked, "/nowhere"] {
            let headers = [(header::HOST, "localhost:9000"), forwarded.clone()];
            let answer = send(&server, Method::GET, path, &headers).await;
            assert!(!answer.body.contains("evil"), "{name} {path}");
            assert!(!answer.headers.values().any(|value| value.to_str().unwrap().contains("evil")), "{name} {path}");
        }
    }
}

#[tokio::test]
async fn probes_may_call_by_any_name() {
    let server = Server::start().await;
    for path in [routes::HEALTHZ, routes::READYZ] {
        assert_eq!(send(&server, Method::GET, path, &[(header::HOST, "10.0.0.7")]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = Server::start().await;
    for path in ["/", "/metrics", "/debug", "/oauth2/", "//login"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.body.contains("panicked"));
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_503_with_a_time_to_come_back_everywhere() {
    let server = Server::start().await;
    let (code, token) = (server.code(&AUTHORIZATION_REQUEST).await, server.token(RESOURCE).await);
    assert_eq!(server.get(routes::READYZ).await.status, StatusCode::OK);
    server.change_database("ALTER TABLE clients RENAME TO lost").await;
    let metadata = json!({ "redirect_uris": [REDIRECT_URI] });
    for answer in [
        server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await,
        server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await,
        server.post_json(routes::REGISTER, &metadata).await,
    ] {
        assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(answer.header(header::RETRY_AFTER), Some("2"));
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), None);
    }
    let page = server.get(&format!("{}?{}", routes::AUTHORIZE, encode(&AUTHORIZATION_REQUEST))).await;
    assert_eq!((page.status, page.header(header::RETRY_AFTER)), (StatusCode::SERVICE_UNAVAILABLE, Some("2")));
    assert_eq!(page.header(header::LOCATION), None);
    assert_eq!(server.get(routes::READYZ).await.status, StatusCode::SERVICE_UNAVAILABLE);
    server.change_database("ALTER TABLE lost RENAME TO clients").await;
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "nothing was used up: {}", answer.body);
    assert_eq!(server.get(routes::READYZ).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413_with_the_headers_of_every_answer() {
    let server = Server::start().await;
    for path in [routes::TOKEN, routes::INTROSPECT, routes::REGISTER, routes::LOGIN, routes::CONSENT, "/nowhere"] {
        let mut request = post(path, &[("x", &"x".repeat(2_000_000))]);
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("2000002"));
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"), "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{path}");
        assert_eq!(answer.header(header::X_FRAME_OPTIONS), Some("DENY"), "{path}");
    }
}
