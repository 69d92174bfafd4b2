//! Tokens as each provider documents them.

use super::bench::Column;
use super::bench::{Provider, RESOURCE, Setup, assert_columns, options, read, read_token, serve};
use crate::bench::introspection_by_nobody;

const NOW: i64 = 1_795_190_460;

/// A file, its client, what `true` answers, and what the others answer when the client is right.
type Row = (&'static str, &'static str, &'static str, &'static str);

const NONE: Setup = Setup { preset: "generic", issuer: "", tenants: &[], audiences: &[], prefix: "", map: &[] };
const COGNITO: Setup = Setup {
    preset: "cognito",
    issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE",
    prefix: "https://mcp.example.com/mcp/",
    ..NONE
};
const OKTA: Setup = Setup {
    preset: "okta",
    issuer: "https://dev-133320.okta.com/oauth2/default",
    audiences: &["api://default"],
    ..NONE
};
const AUTH0: Setup = Setup { preset: "auth0", issuer: "https://dev-example.us.auth0.com/", ..NONE };
const KEYCLOAK: Setup = Setup {
    preset: "keycloak",
    issuer: "https://kc.example.com/realms/demo",
    map: &[("tools.read", "mcp:tools")],
    ..NONE
};
const ENTRA: Setup = Setup {
    preset: "entra",
    issuer: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
    audiences: &["6666aaaa-7777-8888-9999-000000000000", "api://6666aaaa-7777-8888-9999-000000000000"],
    prefix: "api://6666aaaa-7777-8888-9999-000000000000/",
    map: &[("tools.read", "tools.read"), ("tools.read", "Tools.Read.All")],
    ..NONE
};
const ENTRA_V1: Setup = Setup { issuer: "https://sts.windows.net/11111111-2222-3333-4444-555555555555/", ..ENTRA };

async fn assert_table(setup: &Setup, folder: &str, rows: &[Row]) {
    let keys = serve(read(&format!("transcribed/{folder}/jwks.json"))).await;
    for &(file, client, strict, lenient) in rows {
        let token = read_token(&format!("transcribed/{folder}/{file}.jwt"));
        let name = format!("{} {file}", setup.issuer);
        assert_columns((setup, &keys, NOW), (&name, &token), client, (strict, lenient)).await;
    }
}

#[tokio::test]
async fn cognito() {
    const CLIENT: &str = "xxxxxxxxxxxxexample";
    let rows = [
        ("access_token_resource_bound", CLIENT, "ok", "ok"),
        ("access_token_no_aud", CLIENT, "audience_missing", "ok"),
        ("access_token_m2m", CLIENT, "audience_missing", "ok"),
        ("access_token_sdk", CLIENT, "audience_missing", "insufficient_scope"),
        ("id_token_NEGATIVE", CLIENT, "not_an_access_token", "not_an_access_token"),
    ];
    assert_table(&COGNITO, "cognito", &rows).await;
}

#[tokio::test]
async fn okta() {
    const CLIENT: &str = "0oabucvyc38HLL1ef0h7";
    assert_table(&OKTA, "okta-custom", &[("access_token", CLIENT, "ok", "ok")]).await;
    let unnamed = Setup { audiences: &[], ..OKTA };
    assert_table(&unnamed, "okta-custom", &[("access_token", CLIENT, "audience_mismatch", "ok")]).await;
}

#[tokio::test]
async fn the_tokens_of_oktas_own_server_are_for_okta() {
    let rows = |reason| [("access_token_NEGATIVE", "0oabucvyc38HLL1ef0h7", reason, reason)];
    assert_table(&OKTA, "okta-org", &rows("issuer_unknown")).await;
    // Nor does it help to trust that server: it does not publish the key.
    let trusted = Setup { issuer: "https://dev-133320.okta.com", ..OKTA };
    assert_table(&trusted, "okta-org", &rows("unknown_key")).await;
}

#[tokio::test]
async fn auth0() {
    let rows = [("access_token_default", "tpc_ABC123", "ok", "ok"), ("access_token_rfc9068", "tpc_ABC123", "ok", "ok")];
    assert_table(&AUTH0, "auth0", &rows).await;
}

#[tokio::test]
async fn auth0_without_an_audience_issues_what_nobody_can_verify() {
    let keys = serve(read("transcribed/auth0/jwks.json")).await;
    let encrypted = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..MTIzNDU2Nzg5MDEy.c2VjcmV0.dGFn";
    let reasons = ("opaque_token", "opaque_token");
    assert_columns((&AUTH0, &keys, NOW), ("five parts", encrypted), "tpc_ABC123", reasons).await;
}

#[tokio::test]
async fn entra() {
    const CLIENT: &str = "cccccccc-1111-2222-3333-444444444444";
    let rows = [
        ("access_token_v2_user", CLIENT, "ok", "ok"),
        ("access_token_v2_app_only", CLIENT, "ok", "ok"),
        ("access_token_v1_user", CLIENT, "issuer_unknown", "issuer_unknown"),
        ("graph_token_NEGATIVE", CLIENT, "issuer_unknown", "issuer_unknown"),
    ];
    assert_table(&ENTRA, "entra", &rows).await;
    let template = Setup {
        issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
        tenants: &["11111111-2222-3333-4444-555555555555"],
        ..ENTRA
    };
    assert_table(&template, "entra", &rows).await;
    let rows = [
        ("access_token_v1_user", CLIENT, "ok", "ok"),
        ("access_token_v2_user", CLIENT, "issuer_unknown", "issuer_unknown"),
        ("graph_token_NEGATIVE", CLIENT, "not_an_access_token", "not_an_access_token"),
    ];
    assert_table(&ENTRA_V1, "entra", &rows).await;
    let url_only = Setup { audiences: &[], ..ENTRA };
    assert_table(&url_only, "entra", &[("access_token_v2_user", CLIENT, "audience_mismatch", "ok")]).await;
}

#[tokio::test]
async fn keycloak() {
    const CLIENT: &str = "mcp-client";
    let rows = [
        ("access_token_aud_mapper", CLIENT, "ok", "ok"),
        ("access_token_resource_indicator", CLIENT, "ok", "ok"),
        ("access_token_rfc9068", CLIENT, "ok", "ok"),
        ("access_token_dcr_no_aud_NEGATIVE", CLIENT, "audience_missing", "ok"),
        ("access_token_account_only_NEGATIVE", CLIENT, "audience_mismatch", "ok"),
        ("id_token_NEGATIVE", CLIENT, "not_an_access_token", "not_an_access_token"),
    ];
    assert_table(&KEYCLOAK, "keycloak", &rows).await;
}

#[tokio::test]
async fn an_introspection_answer_of_keycloak_is_held_to_the_same_rules() {
    let answer = serve(read("transcribed/keycloak/introspection_active.json")).await;
    for (setup, strict, lenient) in [
        (KEYCLOAK, "ok", "ok"),
        (Setup { map: &[], ..KEYCLOAK }, "insufficient_scope", "insufficient_scope"),
        (Setup { issuer: "https://kc.example.com/realms/other", ..KEYCLOAK }, "issuer_unknown", "issuer_unknown"),
    ] {
        for (column, expected) in [(Column::True, strict), (Column::Observe, lenient), (Column::Listed, lenient)] {
            let mut issuer = options(&setup, column, "mcp-client");
            issuer.places.introspection = Some(answer.clone());
            issuer.introspection = introspection_by_nobody();
            issuer.opaque_tokens = true;
            assert_eq!(Provider::new(issuer, NOW).verdict("opaque").await, expected, "{column:?}");
        }
    }
}

#[tokio::test]
async fn scopes_are_named_as_the_issuer_is_asked_for_them() {
    let keys = serve(read("transcribed/cognito/jwks.json")).await;
    let mut issuer = options(&COGNITO, Column::False, "");
    issuer.places.jwks = Some(keys);
    let provider = Provider::new(issuer, NOW);
    let asked = format!("{RESOURCE}/tools.read");
    assert_eq!(provider.metadata().await["scopes_supported"], serde_json::json!([asked]));
    let forbidden = provider.call(&read_token("transcribed/cognito/access_token_sdk.jwt")).await;
    let unauthorized = provider.call("x.y.z").await;
    for answer in [forbidden, unauthorized] {
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(&format!("scope=\"{asked}\"")), "{challenge}");
    }
}

#[tokio::test]
async fn the_presets_own_bound_of_the_lifetime_applies() {
    let keys = serve(read("transcribed/auth0/jwks.json")).await;
    let mut issuer = options(&AUTH0, Column::True, "");
    issuer.places.jwks = Some(keys);
    issuer.max_token_lifetime = None;
    let token = read_token("transcribed/auth0/access_token_default.jwt");
    assert_eq!(Provider::new(issuer, NOW).verdict(&token).await, "lifetime_too_long");
}

#[tokio::test]
async fn time_is_that_of_the_clock() {
    let keys = serve(read("transcribed/auth0/jwks.json")).await;
    let token = read_token("transcribed/auth0/access_token_default.jwt");
    for (now, expected) in [
        (1_795_190_400 - 61, "token_not_yet_valid"),
        (1_795_190_400 - 60, "ok"),
        (4_102_444_800 + 59, "ok"),
        (4_102_444_800 + 60, "token_expired"),
    ] {
        let mut issuer = options(&AUTH0, Column::True, "");
        issuer.places.jwks = Some(keys.clone());
        assert_eq!(Provider::new(issuer, now).verdict(&token).await, expected, "{now}");
    }
}
