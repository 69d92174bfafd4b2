//! Hostile tokens and credentials (RFC 6750 §3, RFC 8725, RFC 9068 §4): each with its exact answer. Strict
//! mode, the issuer is never asked.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use mcp_server::resource_server::{Preset, Strictness};
use serde_json::{Value, json};
use verification_keys::SigningAlgorithm;
use verification_keys::testing::TestKey;

use crate::bench::{Bench, START, set_strictness};
use crate::issuer::RESOURCE;
use crate::log;

const HEADER: &str = r#"{"typ":"at+jwt","alg":"RS256","kid":"one"}"#;

/// A token with this header, signed by the issuer's key.
fn with_header(bench: &Bench, header: impl AsRef<[u8]>) -> String {
    bench.issuer.key().sign(header, bench.claims(json!({})).to_string())
}

async fn assert_all(bench: &Bench, reason: &str, tokens: impl IntoIterator<Item = (String, String)>) {
    for (what, token) in tokens {
        bench.call(&token).await.assert_refused(reason, &what);
    }
    assert_eq!((bench.handled(), bench.issuer.introspections()), (0, 0));
}

#[tokio::test]
async fn a_good_token_gets_through_and_stays_behind_the_layer() {
    let bench = Bench::new().await;
    let answer = bench.call(&bench.token(json!({}))).await;
    assert_eq!(answer.verdict(), (200, "ok".to_owned()));
    assert_eq!(answer.body["subject"], "user-1");
    assert_eq!(answer.body["client_id"], "client-1");
    assert_eq!(answer.body["scopes"], "mcp:read");
    assert_eq!(answer.body["audience"], json!([RESOURCE]));
    assert_eq!(answer.body["authorization"], false);
    assert_eq!(answer.header("cache-control"), Some("private"));
    for typ in ["AT+JWT", "application/at+jwt"] {
        let token = with_header(&bench, HEADER.replace("at+jwt", typ));
        assert_eq!(bench.verdict(&token).await.0, 200, "{typ}");
    }
    assert_eq!((bench.issuer.fetches(), bench.issuer.introspections()), (1, 0));
}

#[tokio::test]
async fn no_credentials_get_the_challenge_without_an_error() {
    let bench = Bench::new().await;
    for method in ["POST", "GET", "DELETE", "PUT", "TRACE", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/mcp").header(header::HOST, "localhost:8001");
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.verdict(), (401, "missing_token".to_owned()), "{method}");
        let expected = "Bearer scope=\"mcp:read\", \
             resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\"";
        assert_eq!(answer.header("www-authenticate"), Some(expected), "{method}");
        assert_eq!(answer.body.get("error"), None, "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
    }
}

#[tokio::test]
async fn malformed_and_repeated_credentials_are_a_bad_request() {
    let bench = Bench::new().await;
    let good = bench.token(json!({}));
    let (bearer, basic) = (format!("Bearer {good}"), "Basic YTpi".to_owned());
    let malformed =
        ["Bearer", "Bearer ", "Bearer\ta", "Bearer a, Bearer b", "Bearer {\"payload\": 1}"].map(ToOwned::to_owned);
    let rows = malformed.map(|value| (vec![value], "authorization_malformed")).into_iter().chain([
        (vec![bearer.clone(), bearer.clone()], "multiple_credentials"),
        (vec![bearer.clone(), basic.clone()], "multiple_credentials"),
        (vec![basic, bearer], "multiple_credentials"),
    ]);
    for (values, reason) in rows {
        let mut request = Bench::request(None);
        for value in &values {
            request.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let answer = bench.send(request).await;
        assert_eq!(answer.verdict(), (400, reason.to_owned()), "{values:?}");
        assert_eq!(answer.body["error"], "invalid_request");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_request\""));
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn a_token_anywhere_but_in_the_header_is_not_looked_at() {
    let bench = Bench::new().await;
    let token = bench.token(json!({}));
    let host = |request: axum::http::request::Builder| request.header(header::HOST, "localhost:8001");
    let requests = [
        host(Request::post(format!("/mcp?access_token={token}"))).body(Body::empty()),
        host(Request::post("/mcp"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("access_token={token}"))),
        host(Request::post("/mcp")).header("cookie", format!("access_token={token}")).body(Body::empty()),
        host(Request::post("/mcp")).header("x-access-token", &token).body(Body::empty()),
        host(Request::post("/mcp")).header("x-forwarded-authorization", format!("Bearer {token}")).body(Body::empty()),
    ];
    for request in requests {
        assert_eq!(bench.send(request.unwrap()).await.verdict(), (401, "missing_token".to_owned()));
    }
    // Beside a good header it changes nothing.
    let mut both = Bench::request(Some(&token));
    *both.uri_mut() = "/mcp?access_token=something-else".parse().unwrap();
    assert_eq!(bench.send(both).await.status, 200);
}

#[tokio::test]
async fn an_algorithm_is_never_chosen_by_the_token() {
    let bench = Bench::new().await;
    let payload = bench.claims(json!({})).to_string();
    let unsigned = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none\u{0}",
        "hs256",
        "HS256",
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "PS512",
        "ES384",
        "n\u{43e}ne",
        " ",
    ];
    let labelled = |alg: &str| {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": "one"}).to_string();
        (alg.to_owned(), bench.issuer.key().sign(header, &payload))
    };
    assert_all(&bench, "algorithm_not_allowed", unsigned.map(labelled)).await;
    // Allowed ones that are not those of the key.
    let pss = TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256).access_token(&bench.claims(json!({})));
    let ec = TestKey::p256().with_kid("one").access_token(&bench.claims(json!({})));
    let edwards = TestKey::ed25519().with_kid("one").access_token(&bench.claims(json!({})));
    let tokens = [("PS256", pss), ("ES256", ec), ("EdDSA", edwards)].map(|(what, token)| (what.to_owned(), token));
    assert_all(&bench, "algorithm_not_allowed", tokens).await;
    let stripped = |token: String| token.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).unwrap();
    let empty = unsigned.map(|alg| (alg.to_owned(), stripped(labelled(alg).1)));
    assert_all(&bench, "algorithm_not_allowed", empty).await;
    assert_all(&bench, "token_malformed", [("RS256".to_owned(), stripped(bench.token(json!({}))))]).await;
}

#[tokio::test]
async fn keys_in_the_header_are_never_used() {
    let bench = Bench::new().await;
    let attacker = TestKey::rsa_two();
    let canary = format!("{}/jwks?canary", bench.issuer.url());
    bench.server.fetch_keys().await.unwrap();
    let headers =
        [json!({"jwk": attacker.jwk()}), json!({"jku": canary}), json!({"x5u": canary}), json!({"x5c": ["MIIB"]})];
    let payload = bench.claims(json!({})).to_string();
    let tokens = headers.map(|mut header| {
        let what = header.to_string();
        header["typ"] = json!("at+jwt");
        header["alg"] = json!("RS256");
        header["kid"] = json!("one");
        (what, attacker.sign(header.to_string(), &payload))
    });
    assert_all(&bench, "signature_invalid", tokens).await;
    assert_eq!(bench.issuer.fetches(), 1);
}

#[tokio::test]
async fn a_key_id_is_only_ever_looked_up() {
    let bench = Bench::new().await;
    let hostile = [
        "../../../../dev/null",
        "' OR 1=1 --",
        "$(id)",
        "one\u{0}",
        "one\r\n",
        "https://evil.example",
        "",
        "ONE",
        "one ",
    ];
    let payload = bench.claims(json!({})).to_string();
    let named = |kid: Value| {
        let header = json!({"typ": "at+jwt", "alg": "RS256", "kid": kid}).to_string();
        (kid.to_string(), bench.issuer.key().sign(header, &payload))
    };
    // Looked for once; within the cooldown the keys are older than the token, so the clock stays.
    assert_all(&bench, "unknown_key", hostile.map(|kid| named(json!(kid)))).await;
    assert_all(&bench, "unknown_key", [named(json!("k".repeat(7000)))]).await;
    assert_all(&bench, "token_malformed", [named(json!(1)), named(json!({})), named(Value::Null)]).await;
    let unnamed = with_header(&bench, r#"{"typ":"at+jwt","alg":"RS256"}"#);
    assert_all(&bench, "key_id_missing", [("no kid".to_owned(), unnamed)]).await;
    assert!(bench.issuer.fetches() <= 2, "{}", bench.issuer.fetches());
}

#[tokio::test]
async fn nothing_critical_is_understood() {
    let bench = Bench::new().await;
    let shapes = [r#"["exp"]"#, r#"["b64"]"#, r#"["x"]"#, "[]", "null", "\"exp\"", "1", "{}"];
    let tokens = shapes.map(|shape| {
        (
            shape.to_owned(),
            with_header(&bench, format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":"one","crit":{shape},"x":1}}"#)),
        )
    });
    assert_all(&bench, "critical_header", tokens).await;
    let unencoded = with_header(&bench, r#"{"typ":"at+jwt","alg":"RS256","kid":"one","b64":false}"#);
    assert_all(&bench, "critical_header", [("b64".to_owned(), unencoded)]).await;
}

#[tokio::test]
async fn json_has_one_reading() {
    let bench = Bench::new().await;
    let headers: [&[u8]; 8] = [
        br#"{"typ":"at+jwt","alg":"RS256","kid":"one","kid":"one"}"#,
        br#"{"typ":"at+jwt","alg":"none","alg":"RS256","kid":"one"}"#,
        br#"{"typ":"at+jwt","alg":"RS256","kid":"one"} x"#,
        b"\xef\xbb\xbf{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"one\"}",
        b"{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"one\",\"x\":\"\xff\"}",
        br#"{"typ":"at+jwt","alg":"RS256",/* */"kid":"one"}"#,
        b"[]",
        b"",
    ];
    let tokens = headers.map(|header| (String::from_utf8_lossy(header).into_owned(), with_header(&bench, header)));
    assert_all(&bench, "token_malformed", tokens).await;
    let good = bench.claims(json!({})).to_string();
    let inner = good.trim_end_matches('}');
    let payloads = [
        format!("{inner},\"sub\":\"admin\"}}"),
        format!("{inner},\"x\":1,\"x\":2}}"),
        format!("{inner},\"x\":{{\"y\":1,\"y\":2}}}}"),
        format!("{good} "),
        format!("{good}x"),
        format!("\u{feff}{good}"),
        format!("{inner},\"x\":{}1{}}}", "[".repeat(5000), "]".repeat(5000)),
        "[]".to_owned(),
        String::new(),
    ];
    for (number, payload) in payloads.into_iter().enumerate() {
        // A blank after the object is JSON; everything else is not one object.
        let expected = if number == 3 { (200, "ok") } else { (401, "claims_malformed") };
        let verdict = bench.verdict(&bench.issuer.key().sign(HEADER, &payload)).await;
        assert_eq!(verdict, (expected.0, expected.1.to_owned()), "payload {number}");
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let bench = Bench::new().await;
    let good = bench.token(json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let malformed = [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.+{}", &signature[1..]),
        format!("{header}.{payload}./{}", &signature[1..]),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.~{payload}.{signature}"),
        format!("\"{good}\""),
        format!(
            "{{\"payload\":\"{payload}\",\"signatures\":[{{\"protected\":\"{header}\",\"signature\":\"{signature}\"}}]}}"
        ),
    ];
    assert_all(&bench, "token_malformed", malformed.map(|token| (token.clone(), token))).await;
    let opaque = [
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{good}."),
        "opaque-token".to_owned(),
    ];
    assert_all(&bench, "opaque_token", opaque.map(|token| (token.clone(), token))).await;
}

#[tokio::test]
async fn a_signature_is_over_this_token_by_this_key() {
    let bench = Bench::new().await;
    let good = bench.token(json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = bench.token(json!({"sub": "admin"}));
    let (_, other_payload) = other.rsplit_once('.').unwrap().0.split_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let flipped = format!("{first}{}", &signature[1..]);
    let stranger = TestKey::rsa_two().with_kid("one").access_token(&bench.claims(json!({})));
    let tokens = [
        ("a flipped bit", format!("{signed}.{flipped}")),
        ("another payload", format!("{header}.{other_payload}.{signature}")),
        ("another key", stranger),
        ("zero", format!("{signed}.{}", "A".repeat(signature.len() - 1) + "A")),
        ("too short", format!("{signed}.AAAA")),
        ("too long", format!("{signed}.{}", "A".repeat(400))),
    ];
    assert_all(&bench, "signature_invalid", tokens.map(|(what, token)| (what.to_owned(), token))).await;
    assert_eq!(bench.issuer.fetches(), 1, "a bad signature fetches nothing");
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    let bench = Bench::new().await;
    let url = bench.issuer.url().to_owned();
    let others = [
        format!("{url}/"),
        url.to_uppercase(),
        url.replace("http:", "https:"),
        format!("{url}.evil.example"),
        format!("x{url}"),
        url.replace("127.0.0.1", "localhost"),
        String::new(),
    ];
    let tokens = others.map(|other| (other.clone(), bench.token(json!({"iss": other}))));
    assert_all(&bench, "issuer_unknown", tokens).await;
    let wrong = [json!(null), json!([url]), json!(1), json!({})];
    let tokens = wrong.map(|value| (value.to_string(), bench.token(json!({"iss": value}))));
    assert_all(&bench, "claims_malformed", tokens).await;
}

#[tokio::test]
async fn lifetime_has_a_minute_of_tolerance_and_a_day_of_length() {
    let bench = Bench::new().await;
    let rows = [
        (json!({"exp": START - 59}), "ok"),
        (json!({"exp": START - 60}), "token_expired"),
        (json!({"exp": START - 120}), "token_expired"),
        (json!({"exp": 0}), "token_expired"),
        (json!({"exp": -1}), "token_expired"),
        (json!({"nbf": START + 60}), "ok"),
        (json!({"nbf": START + 61}), "token_not_yet_valid"),
        (json!({"iat": START + 60, "exp": START + 3600}), "ok"),
        (json!({"iat": START + 61}), "token_not_yet_valid"),
        (json!({"exp": START + 86_400}), "ok"),
        (json!({"exp": START + 86_401}), "lifetime_too_long"),
        (json!({"iat": START - 86_400, "exp": START + 1}), "lifetime_too_long"),
    ];
    for (changes, reason) in rows {
        let status = if reason == "ok" { 200 } else { 401 };
        assert_eq!(bench.verdict(&bench.token(changes.clone())).await, (status, reason.to_owned()), "{changes}");
    }
}

#[tokio::test]
async fn times_are_integers_and_nothing_else() {
    let bench = Bench::new().await;
    let wrong = [
        "null",
        "\"1790000100\"",
        "true",
        "[1790000100]",
        "1790000100.5",
        "1.79e9",
        "1e400",
        "NaN",
        "01790000100",
        "9223372036854775808",
        "99999999999999",
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in wrong {
            let mut claims = bench.claims(json!({}));
            claims[name] = json!("@");
            let payload = claims.to_string().replace("\"@\"", value);
            let token = bench.issuer.key().sign(HEADER, payload);
            bench.call(&token).await.assert_refused("claims_malformed", &format!("{name}: {value}"));
        }
    }
}

#[tokio::test]
async fn required_claims_are_there_and_of_their_type() {
    let bench = Bench::new().await;
    for name in ["exp", "sub", "client_id", "iat", "jti"] {
        let values = [json!(null), json!({}), json!([]), json!(true)];
        for value in values {
            let token = bench.token(json!({name: value}));
            bench.call(&token).await.assert_refused("claims_malformed", &format!("{name}: {value}"));
        }
    }
    for name in ["sub", "client_id", "jti"] {
        bench.call(&bench.token(json!({name: ""}))).await.assert_refused("claims_malformed", name);
        bench.call(&bench.token(json!({name: 1}))).await.assert_refused("claims_malformed", name);
    }
    bench.call(&bench.token(json!({"scope": ["mcp:read"]}))).await.assert_refused("claims_malformed", "scope list");
}

#[tokio::test]
async fn another_kind_of_token_is_refused_by_its_type() {
    let bench = Bench::new().await;
    let types =
        ["JWT", "jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", "at+jwt+x", "rt+jwt", ""];
    let tokens = types.map(|typ| (typ.to_owned(), with_header(&bench, HEADER.replace("at+jwt", typ))));
    assert_all(&bench, "token_type_mismatch", tokens).await;
    let untyped = with_header(&bench, r#"{"alg":"RS256","kid":"one"}"#);
    assert_all(&bench, "token_type_mismatch", [("no typ".to_owned(), untyped)]).await;
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let bench = Bench::new().await;
    let signed =
        |claims: &Value| bench.issuer.key().sign(r#"{"typ":"JWT","alg":"RS256","kid":"one"}"#, claims.to_string());
    // What authz says of somebody who signed in, and the same with all that an access token has.
    let id_token = json!({
        "iss": bench.issuer.url(), "sub": "user-1", "aud": "client-1", "iat": START, "exp": START + 3600,
        "auth_time": START, "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "nonce": "n-0S6_WzA2Mj", "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
    });
    let both = bench.claims(json!({"nonce": "n-0S6_WzA2Mj", "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}));
    let tokens = [("as issued", signed(&id_token)), ("for this server", signed(&both))];
    assert_all(&bench, "token_type_mismatch", tokens.map(|(what, token)| (what.to_owned(), token))).await;
}

#[tokio::test]
async fn where_the_type_says_nothing_the_claims_tell_an_id_token() {
    let bench = Bench::with(&|options| options.issuers[0].preset = Preset::GENERIC).await;
    let plain = |claims: Value| bench.issuer.key().sign(r#"{"alg":"RS256","kid":"one"}"#, claims.to_string());
    let good =
        json!({"client_id": null, "azp": "client-1", "scope": null, "scp": ["mcp:read"], "jti": null, "iat": null});
    let answer = bench.call(&plain(bench.claims(good))).await;
    assert_eq!(answer.verdict(), (200, "ok".to_owned()));
    assert_eq!((&answer.body["client_id"], &answer.body["scopes"]), (&json!("client-1"), &json!("mcp:read")));
    let others = [
        json!({"token_use": "id"}),
        json!({"token_use": "refresh_token"}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"nonce": "n"}),
        json!({"at_hash": "h"}),
        json!({"c_hash": "h"}),
    ];
    for changes in others {
        let token = plain(bench.claims(changes.clone()));
        bench.call(&token).await.assert_refused("not_an_access_token", &changes.to_string());
    }
    for changes in [json!({"token_use": "access"}), json!({"typ": "Bearer"})] {
        assert_eq!(bench.verdict(&plain(bench.claims(changes))).await.0, 200);
    }
    let too_long = plain(bench.claims(json!({"iat": null, "exp": START + 86_401})));
    bench.call(&too_long).await.assert_refused("lifetime_too_long", "no iat");
}

#[tokio::test]
async fn a_sender_constrained_token_is_no_bearer_token() {
    let bench = Bench::new().await;
    let confirmations = [json!({"jkt": "x"}), json!({"x5t#S256": "x"}), json!({}), json!(1)];
    let tokens = confirmations.map(|cnf| (cnf.to_string(), bench.token(json!({"cnf": cnf}))));
    assert_all(&bench, "sender_constrained", tokens).await;
}

#[tokio::test]
async fn a_missing_scope_is_403_before_the_tool_runs() {
    let bench = Bench::new().await;
    for scope in [json!(null), json!(""), json!("other"), json!("mcp:reader"), json!("MCP:READ")] {
        let answer = bench.call(&bench.token(json!({"scope": scope}))).await;
        assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()), "{scope}");
        let expected = "Bearer error=\"insufficient_scope\", \
             error_description=\"The access token lacks a scope that this operation needs\", scope=\"mcp:read\", \
             resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\"";
        assert_eq!(answer.header("www-authenticate"), Some(expected), "{scope}");
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn big_tokens_are_refused_and_the_next_call_works() {
    let bench = Bench::new().await;
    for (length, reason) in [(8_000, "opaque_token"), (64_000, "token_too_large"), (1_000_000, "token_too_large")] {
        bench.call(&"a".repeat(length)).await.assert_refused(reason, &length.to_string());
    }
    assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200);
}

#[tokio::test]
async fn nothing_of_a_token_is_quoted_before_its_signature_is_verified() {
    let bench = Bench::new().await;
    let marker = "marker-marker";
    let claims = bench.claims(json!({"aud": marker, "iss": bench.issuer.url(), "sub": marker}));
    let forged = TestKey::rsa_two().with_kid("one").access_token(&claims);
    let unknown = TestKey::rsa_two().with_kid(marker).access_token(&claims);
    let foreign = bench.token(json!({"iss": marker}));
    for token in [forged, unknown, foreign, format!("{marker}.{marker}.{marker}")] {
        let answer = bench.call(&token).await;
        let shown = format!("{:?}{}", answer.headers, answer.body);
        assert!(!shown.contains(marker) && !shown.contains("bWFya2Vy"), "{shown}");
    }
}

#[tokio::test]
async fn neither_log_nor_answer_holds_a_token() {
    let bench = Bench::with(&set_strictness(Strictness::Observe, None)).await;
    let good = bench.token(json!({"aud": "https://other.example"}));
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    log::start();
    let mut answers = Vec::new();
    for token in [&good, &forged, &"opaque-marker".to_owned()] {
        let answer = bench.call(token).await;
        answers.push(format!("{:?}{}", answer.headers, answer.body));
    }
    let written = log::written();
    assert!(written.contains("would_refuse=audience_mismatch"), "{written}");
    assert!(written.contains("reason=signature_invalid") && written.contains("reason=opaque_token"), "{written}");
    for part in good.split('.').chain(forged.split('.')).chain(["opaque-marker"]) {
        assert!(!written.contains(part) && !answers.concat().contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_plain_host_and_no_line_of_its_own() {
    let bench = Bench::new().await;
    let refused = |host: HeaderValue| {
        let mut request = Bench::request(None);
        request.headers_mut().insert(header::HOST, host);
        bench.send(request)
    };
    log::start();
    refused(HeaderValue::from_static("evil.example:80")).await;
    refused(HeaderValue::from_static("a\" reason=ok x=\"")).await;
    refused(HeaderValue::from_bytes(b"\xff.example").unwrap()).await;
    bench.send(Request::post("/mcp").body(Body::empty()).unwrap()).await;
    let written = log::written();
    assert!(written.contains(r#"host="evil.example:80""#), "{written}");
    assert!(written.contains(r#"host="a\" reason=ok x=\"""#), "{written}");
    assert!(written.contains("host=\"\u{fffd}.example\""), "{written}");
    assert!(!written.contains("Some(") && !written.contains("None"), "{written}");
    assert_eq!(written.matches("reason=host_not_allowed").count(), 4, "{written}");
}
