//! The rules of the consent page, by the whole router in process.

use crate::{
    domain::{DisplayName, PENDING_LIFETIME, ServedResource},
    pages::testing::{Tab, field, register},
    testing::{Answer, ISSUER, Parameter as _, REDIRECT_URI, RESOURCE, Server},
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
async fn a_decision_counts_once() {
    let server = Server::start().await;
    for first in ["allow", "deny"] {
        let mut tab = Tab::new(&server);
        let request = tab.begin_signed_in(&[]).await;
        assert_eq!(tab.decide(&request, first).await.status, StatusCode::SEE_OTHER);
        for second in ["allow", "deny"] {
            assert_page(&tab.decide(&request, second).await, StatusCode::BAD_REQUEST);
        }
        assert_page(&tab.get(&format!("/consent?request={request}")).await, StatusCode::BAD_REQUEST);
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
