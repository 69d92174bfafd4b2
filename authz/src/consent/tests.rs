//! The rules of the consent page, by the whole router in process.

use crate::{
    domain::{CODE_LIFETIME, CodeSecret, DisplayName, PENDING_LIFETIME, ServedResource},
    pages::testing::{HTTPS_REDIRECT, Tab, field, operator_client, register},
    protocol::AuthenticationMethod,
    routes,
    testing::{
        Answer, CLIENT, ISSUER, NOW, OTHER_RESOURCE, Parameter as _, REDIRECT_URI, RESOURCE, SECRET, Server, exchange,
        with,
    },
};
use http::{StatusCode, header};

/// Refused with a page: nothing went to the client.
fn assert_page(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header(header::LOCATION), None);
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("scope", "mcp:read")]).await;
    let page = tab.get(&format!("/consent?request={request}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "Simple MCP Client",
        "<code>localhost:3030</code>",
        &format!("<code>{RESOURCE}</code>"),
        "Use tools that read, and read resources.",
        "mcp:read",
        "Signed in as <bdi>demo_user</bdi>",
        r#"value="allow""#,
        r#"value="deny""#,
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("mcp:write") && !page.body.contains("not verified"), "{}", page.body);
}

#[tokio::test]
async fn a_resource_with_a_name_shows_it_beside_its_identifier() {
    let server = Server::start().await;
    let store = server.services.store.as_ref();
    let resource = ServedResource {
        name: Some(DisplayName::parse("<b>Notes</b>").unwrap()),
        ..server.services.resources.current().find(RESOURCE).unwrap().clone()
    };
    store.put_resource(&resource, None).await.unwrap();
    server.services.resources.reload(store).await.unwrap();
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let page = tab.get(&format!("/consent?request={request}")).await;
    let expected = format!("&lt;b&gt;Notes&lt;/b&gt;</bdi> <code>{RESOURCE}</code>");
    assert!(page.body.replace("&#60;", "&lt;").replace("&#62;", "&gt;").contains(&expected), "{}", page.body);
}

#[tokio::test]
async fn warns_of_a_redirect_to_this_computer_and_of_a_client_that_registered_itself() {
    const LOOPBACK: &str = "goes to a program on this computer";
    const UNCHECKED: &str = "Nobody checked this application";
    let server = Server::start().await;
    for (redirect_uri, loopback) in [(REDIRECT_URI, true), ("https://app.example/cb", false)] {
        let client = register(&server, "Notes", redirect_uri).await;
        let mut tab = Tab::new(&server);
        let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", redirect_uri)]).await;
        let page = tab.get(&format!("/consent?request={request}")).await;
        assert!(page.body.contains(UNCHECKED) && page.body.contains("not verified"), "{}", page.body);
        assert_eq!(page.body.contains(LOOPBACK), loopback, "{}", page.body);
    }
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let page = tab.get(&format!("/consent?request={request}")).await;
    assert!(page.body.contains(LOOPBACK) && !page.body.contains(UNCHECKED), "{}", page.body);
}

#[tokio::test]
async fn allow_gives_the_client_a_code_with_state_and_issuer() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let target = tab.decide(&request, "allow").await.location();
    assert!(target.as_str().starts_with(&format!("{REDIRECT_URI}?")), "{target}");
    assert!(target.parameter("code").is_some() && target.parameter("error").is_none());
    assert_eq!(target.parameter("state").as_deref(), Some("xyz"));
    assert_eq!(target.parameter("iss").as_deref(), Some(ISSUER));
}

#[tokio::test]
async fn deny_tells_the_client_access_denied() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let target = tab.decide(&request, "deny").await.location();
    assert_eq!(target.parameter("error").as_deref(), Some("access_denied"));
    assert!(target.parameter("code").is_none());
    assert_eq!(target.parameter("state").as_deref(), Some("xyz"));
    assert_eq!(target.parameter("iss").as_deref(), Some(ISSUER));
}

#[tokio::test]
async fn a_decision_counts_once_and_a_second_post_of_it_carries_the_same_answer() {
    let server = Server::start().await;
    for (first, other, answer) in [("allow", "deny", "code"), ("deny", "allow", "error")] {
        let mut tab = Tab::new(&server);
        let request = tab.begin_signed_in(&[]).await;
        let target = tab.decide(&request, first).await.location();
        assert_page(&tab.decide(&request, other).await, StatusCode::BAD_REQUEST);
        assert_page(&tab.get(&format!("/consent?request={request}")).await, StatusCode::BAD_REQUEST);
        let again = tab.decide(&request, first).await;
        assert_page(&again, StatusCode::OK);
        let value = target.parameter(answer).unwrap();
        assert!(again.body.contains(&format!("{answer}={value}")), "{}", again.body);
        assert!(again.body.contains(r#"http-equiv="refresh""#), "{}", again.body);
    }
}

#[tokio::test]
async fn an_answer_that_reached_the_client_is_not_sent_again() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let code = tab.decide(&request, "allow").await.location().parameter("code").unwrap();
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_page(&tab.decide(&request, "allow").await, StatusCode::BAD_REQUEST);
    let request = tab.begin(&[]).await;
    tab.decide(&request, "allow").await;
    server.clock.advance(CODE_LIFETIME.unsigned_abs());
    assert_page(&tab.decide(&request, "allow").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn consent_to_a_confidential_client_of_the_operator_is_remembered() {
    let server = Server::start().await;
    let client = operator_client(&server, AuthenticationMethod::ClientSecretBasic).await;
    let ask = [("client_id", client.as_str()), ("redirect_uri", HTTPS_REDIRECT), ("scope", "mcp:read")];
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&ask).await;
    let first = tab.decide(&request, "allow").await.location();
    let again = tab.authorize(&ask).await.location();
    assert!(again.as_str().starts_with(HTTPS_REDIRECT) && again.parameter("code").is_some(), "{again}");
    assert_ne!(again.parameter("code"), first.parameter("code"));
    assert_eq!(again.parameter("iss").as_deref(), Some(ISSUER));
    // The same in another browser, where the person signs in first.
    let mut other = Tab::new(&server);
    let request = other.begin(&ask).await;
    other.sign_in(&request, "demo_user", "demo_password").await;
    let target = other.get(&format!("/consent?request={request}")).await.location();
    assert!(target.as_str().starts_with(HTTPS_REDIRECT) && target.parameter("code").is_some(), "{target}");
    // More than before, or a client that wants the page: it is shown.
    for more in [("scope", "mcp:read mcp:write"), ("prompt", "consent"), ("resource", OTHER_RESOURCE)] {
        let target = tab.authorize(&with(&ask, &[more])).await.location();
        assert_eq!(target.path(), "/consent", "{more:?}");
    }
}

#[tokio::test]
async fn consent_to_public_loopback_and_dynamic_clients_is_never_remembered() {
    let server = Server::start().await;
    let public = operator_client(&server, AuthenticationMethod::None).await;
    let dynamic = register(&server, "Notes", HTTPS_REDIRECT).await;
    for (client, redirect_uri) in
        [(public.as_str(), HTTPS_REDIRECT), (&dynamic, HTTPS_REDIRECT), (CLIENT, REDIRECT_URI)]
    {
        let mut tab = Tab::new(&server);
        let ask = [("client_id", client), ("redirect_uri", redirect_uri)];
        let request = tab.begin_signed_in(&ask).await;
        assert!(tab.decide(&request, "allow").await.location().parameter("code").is_some());
        assert_eq!(tab.authorize(&ask).await.location().path(), "/consent", "{client}");
        let silent = tab.authorize(&[ask[0], ask[1], ("prompt", "none")]).await.location();
        assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"), "{client}");
    }
}

#[tokio::test]
async fn what_was_revoked_or_disconnected_is_asked_for_again() {
    let server = Server::start().await;
    let client = operator_client(&server, AuthenticationMethod::ClientSecretBasic).await;
    let ask = [("client_id", client.as_str()), ("redirect_uri", HTTPS_REDIRECT)];
    let mut tab = Tab::new(&server);
    let mut request = tab.begin_signed_in(&ask).await;
    for disconnect in [true, false] {
        let code = tab.decide(&request, "allow").await.location().parameter("code").unwrap();
        let silent = tab.authorize(&[ask[0], ask[1], ("prompt", "none")]).await.location();
        assert!(silent.parameter("code").is_some());
        let store = &server.services.store;
        let grant = store.code(&CodeSecret::parse(&code).unwrap().hash()).await.unwrap().unwrap().grant;
        if disconnect {
            store.disconnect(&grant.subject, &grant.client_id, NOW).await.unwrap();
        } else {
            store.revoke_grant(&grant.id, NOW).await.unwrap();
        }
        let silent = tab.authorize(&[ask[0], ask[1], ("prompt", "none")]).await.location();
        assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"));
        request = tab.begin(&ask).await;
    }
}

#[tokio::test]
async fn the_form_of_one_session_is_unusable_in_another() {
    let server = Server::start().await;
    let mut victim = Tab::new(&server);
    let request = victim.begin_signed_in(&[]).await;
    let csrf = field(&victim.get(&format!("/consent?request={request}")).await, "csrf").unwrap();
    let mut attacker = Tab::new(&server);
    attacker.begin_signed_in(&[]).await;
    let form = [("csrf", csrf.as_str()), ("request", &request), ("decision", "allow")];
    assert_page(&attacker.post("/consent", &form).await, StatusCode::FORBIDDEN);
    // With a token of its own, the request still is not its own.
    assert_page(&attacker.decide(&request, "allow").await, StatusCode::BAD_REQUEST);
    assert_page(&attacker.get(&format!("/consent?request={request}")).await, StatusCode::BAD_REQUEST);
    assert!(victim.decide(&request, "allow").await.location().parameter("code").is_some());
}

#[tokio::test]
async fn a_form_without_cookie_or_token_or_from_another_site_gives_no_code() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let csrf = tab.csrf().await;
    let form = [("csrf", csrf.as_str()), ("request", &request), ("decision", "allow")];
    let mut bare = Tab::new(&server);
    assert_page(&bare.post("/consent", &form).await, StatusCode::FORBIDDEN);
    assert_page(&tab.post("/consent", &[("csrf", ""), form[1], form[2]]).await, StatusCode::FORBIDDEN);
    assert_page(&tab.post("/consent", &form[1..]).await, StatusCode::FORBIDDEN);
    tab.headers = vec![(header::ORIGIN, "https://evil.example")];
    assert_page(&tab.post("/consent", &form).await, StatusCode::FORBIDDEN);
    tab.headers = vec![(header::ORIGIN, ISSUER)];
    assert!(tab.post("/consent", &form).await.location().parameter("code").is_some());
}

#[tokio::test]
async fn a_decision_is_allow_or_deny_and_extra_fields_are_ignored() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("scope", "mcp:read")]).await;
    for unknown in ["", "Allow", "yes", "allow "] {
        assert_page(&tab.decide(&request, unknown).await, StatusCode::BAD_REQUEST);
    }
    let csrf = tab.csrf().await;
    let form = [
        ("csrf", csrf.as_str()),
        ("request", &request),
        ("decision", "allow"),
        ("scope", "mcp:write"),
        ("redirect_uri", "https://evil.example/"),
        ("subject", "u_somebody"),
    ];
    let target = tab.post("/consent", &form).await.location();
    assert!(target.as_str().starts_with(REDIRECT_URI), "{target}");
}

#[tokio::test]
async fn nobody_decides_without_signing_in() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    assert_eq!(tab.get(&format!("/consent?request={request}")).await.location().path(), "/login");
    assert_eq!(tab.decide(&request, "allow").await.location().path(), "/login");
    assert_page(&Tab::new(&server).get(&format!("/consent?request={request}")).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_request_that_waited_too_long_is_over() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    server.clock.advance(PENDING_LIFETIME.unsigned_abs());
    assert_page(&tab.get(&format!("/consent?request={request}")).await, StatusCode::BAD_REQUEST);
    assert_page(&tab.decide(&request, "allow").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_restart_between_sign_in_and_decision_changes_nothing() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let cookie = tab.cookie.clone();
    let server = server.restart().await;
    let mut tab = Tab { cookie, ..Tab::new(&server) };
    assert!(tab.decide(&request, "allow").await.location().parameter("code").is_some());
}
