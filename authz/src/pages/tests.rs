//! What holds for every page.

use super::testing::{Tab, field, register};
use crate::testing::{Answer, REDIRECT_URI, Server, encode, request_with};
use http::{StatusCode, header};

fn assert_safe(answer: &Answer) {
    let policy = answer.header(header::CONTENT_SECURITY_POLICY).unwrap();
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header(header::X_FRAME_OPTIONS), Some("DENY"));
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
    assert_eq!(answer.header(header::REFERRER_POLICY), Some("no-referrer"));
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert!(!answer.body.contains("<script"), "{}", answer.body);
    for elsewhere in ["src=", "url(", "@import", "<link", "onload", "style=\""] {
        assert!(!answer.body.contains(elsewhere), "{elsewhere}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_page_and_every_redirect_has_the_security_headers() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    for uri in [
        "/login",
        "/account",
        "/account/password",
        "/device",
        "/nowhere",
        "/consent",
        "/oauth2/authorize?client_id=nobody",
        "/login?request=x",
    ] {
        assert_safe(&tab.get(uri).await);
    }
    assert_safe(&tab.get(&format!("/login?request={request}")).await);
    assert_safe(&tab.sign_in(&request, "demo_user", "wrong").await);
    assert_safe(&tab.sign_in(&request, "demo_user", "demo_password").await);
    assert_safe(&tab.get("/login").await);
    assert_safe(&tab.get(&format!("/consent?request={request}")).await);
    assert_safe(&tab.post("/consent", &[]).await);
    assert_safe(&tab.decide(&request, "allow").await);
    assert_safe(&tab.decide(&request, "allow").await);
    for uri in ["/account", "/account?done=password", "/account/password", "/device"] {
        assert_safe(&tab.get(uri).await);
    }
}

#[tokio::test]
async fn forms_may_lead_to_the_validated_redirect_and_nowhere_else() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let form_action = |answer: &Answer| {
        let policy = answer.header(header::CONTENT_SECURITY_POLICY).unwrap().to_owned();
        policy.split("; ").find(|directive| directive.starts_with("form-action")).unwrap().to_owned()
    };
    let request = tab.begin_signed_in(&[("redirect_uri", "http://localhost:49152/callback")]).await;
    let consent = tab.get(&format!("/consent?request={request}")).await;
    assert_eq!(form_action(&consent), "form-action 'self' http://localhost:49152");
    assert_eq!(form_action(&tab.get("/login").await), "form-action 'self'");
    let mut other = Tab::new(&server);
    let request = other.begin(&[]).await;
    let login = other.get(&format!("/login?request={request}")).await;
    assert_eq!(form_action(&login), "form-action 'self' http://localhost:3030");
    assert_eq!(form_action(&other.get("/nowhere").await), "form-action 'none'");
}

#[tokio::test]
async fn the_name_of_a_client_is_text_on_every_page() {
    let server = Server::start().await;
    let hostile = r#"</bdi><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"'&"#;
    let client = register(&server, hostile, REDIRECT_URI).await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[("client_id", &client)]).await;
    let login = tab.get(&format!("/login?request={request}")).await;
    tab.sign_in(&request, "demo_user", "demo_password").await;
    let consent = tab.get(&format!("/consent?request={request}")).await;
    for page in [login, consent] {
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{}", page.body);
        assert!(page.body.contains("{{7*7}}"), "{}", page.body);
    }
}

#[tokio::test]
async fn nothing_of_the_address_reaches_a_page() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let hostile = "\"><script>alert(1)</script>{{7*7}}";
    let parameters = [("state", hostile), ("login_hint", hostile)];
    let request = tab.begin(&parameters).await;
    let mut pages = vec![tab.get(&format!("/login?request={request}")).await];
    for (uri, parameter) in [("/login", "request"), ("/login", "next"), ("/consent", "request")] {
        pages.push(tab.get(&format!("{uri}?{}", encode(&[(parameter, hostile)]))).await);
    }
    let unknown = encode(&request_with(&[("client_id", hostile), ("redirect_uri", hostile)]));
    pages.push(tab.get(&format!("/oauth2/authorize?{unknown}")).await);
    pages.push(tab.get("/%3Cscript%3Ealert(1)%3C/script%3E").await);
    for page in pages {
        assert!(!page.body.contains("alert(1)") && !page.body.contains("7*7"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_repeated_parameter_of_a_page_is_refused() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    for page in ["/login", "/consent"] {
        let answer = tab.get(&format!("{page}?request={request}&request={request}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let page = tab.get(&format!("/consent?request={request}")).await;
    let csrf = field(&page, "csrf").unwrap();
    let twice = [("csrf", csrf.as_str()), ("request", &request), ("decision", "deny"), ("decision", "allow")];
    assert_eq!(tab.post("/consent", &twice).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(tab.get(&format!("/consent?request={request}")).await.status, StatusCode::OK, "not decided");
}
