//! Clients that cannot be redirected to: the person copies the code from a page.

use crate::{
    authorize::denied,
    pages::testing::{Tab, register},
    protocol::{RedirectRules, RedirectUri},
    routes,
    testing::*,
};
use http::{StatusCode, header};
use serde_json::json;
use serving::RequestId;

const OOB: &str = RedirectUri::OUT_OF_BAND;

async fn server() -> Server {
    let redirects = RedirectRules { out_of_band: true, ..RedirectRules::default() };
    Server::with(Options { redirects, ..Options::default() }).await
}

fn copied(page: &Answer) -> String {
    let (_, behind) = page.body.split_once(r#"<code class="copy">"#).unwrap_or_else(|| panic!("{}", page.body));
    behind.split_once('<').unwrap().0.to_owned()
}

/// A page of ours: nothing in an address, nothing kept, no referrer.
fn assert_own_page(page: &Answer, status: StatusCode) {
    assert_eq!((page.status, page.header(header::LOCATION)), (status, None), "{}", page.body);
    assert_eq!(page.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(page.header(header::REFERRER_POLICY), Some("no-referrer"));
    assert!(page.header(header::CONTENT_SECURITY_POLICY).unwrap().contains("form-action 'none'"));
    assert!(!page.body.contains("http-equiv"), "{}", page.body);
}

#[tokio::test]
async fn the_code_is_shown_to_be_copied_with_the_state_and_the_issuer() {
    let server = server().await;
    let client = register(&server, "A terminal", OOB).await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", OOB), ("state", "<b>&'\"")]).await;
    let consent = tab.get(&format!("/consent?request={request}")).await;
    assert!(consent.header(header::CONTENT_SECURITY_POLICY).unwrap().contains("form-action 'self';"));
    assert!(consent.body.contains("You will get a code"), "{}", consent.body);
    let page = tab.decide(&request, "allow").await;
    assert_own_page(&page, StatusCode::OK);
    assert!(page.body.contains(&format!("<code>{ISSUER}</code>")) && !page.body.contains("<b>&'"), "{}", page.body);
    let code = copied(&page);
    assert_eq!(copied(&tab.decide(&request, "allow").await), code, "a second click shows the same code");
    let form = exchange(&code);
    let form = with(&form, &[("client_id", &client), ("redirect_uri", OOB)]);
    assert_eq!(server.post(routes::TOKEN, &form).await.status, StatusCode::OK);
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_denied_request_shows_no_code() {
    let server = server().await;
    let client = register(&server, "A terminal", OOB).await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", OOB)]).await;
    let page = tab.decide(&request, "deny").await;
    assert_own_page(&page, StatusCode::OK);
    assert!(page.body.contains("You denied this") && !page.body.contains("class=\"copy\""), "{}", page.body);
}

#[tokio::test]
async fn what_is_wrong_is_said_on_the_error_page() {
    let server = server().await;
    let client = register(&server, "A terminal", OOB).await;
    for (name, value, code, words) in [
        ("code_challenge_method", "plain", "invalid_request", "S256"),
        ("code_challenge", "", "invalid_request", "S256"),
        ("resource", "http://localhost:9/mcp", "invalid_target", RESOURCE),
        ("resource", "http://localhost:9/mcp", "invalid_target", "MCP_AUTH_RESOURCES"),
        ("prompt", "none", "login_required", "a page has to be shown"),
    ] {
        let page =
            Tab::new(&server).authorize(&[("client_id", client.as_str()), ("redirect_uri", OOB), (name, value)]).await;
        assert_own_page(&page, StatusCode::BAD_REQUEST);
        assert!(page.body.contains(code) && page.body.contains(words), "{name}: {}", page.body);
    }
}

#[tokio::test]
async fn an_unknown_resource_is_answered_with_the_known_ones_and_the_setting() {
    let server = server().await;
    let client = register(&server, "A terminal", OOB).await;
    let wrong = [("client_id", client.as_str()), ("redirect_uri", OOB), ("resource", "http://localhost:9/mcp")];
    let page = Tab::new(&server).authorize(&wrong).await;
    assert_own_page(&page, StatusCode::BAD_REQUEST);
    for words in ["this one gives no access to", "MCP_AUTH_RESOURCES", &format!("<code>{RESOURCE}</code>")] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("localhost:9/mcp"), "nothing of the request: {}", page.body);
}

#[tokio::test]
async fn switched_off_it_is_neither_registered_nor_answered() {
    let before = server().await;
    let client = register(&before, "A terminal", OOB).await;
    let server = before.restart().await;
    let answer = server.post_json(routes::REGISTER, &json!({ "redirect_uris": [OOB] })).await;
    assert_eq!(answer.error(), (400, "invalid_redirect_uri".to_owned()));
    let page = Tab::new(&server).authorize(&[("client_id", client.as_str()), ("redirect_uri", OOB)]).await;
    assert_own_page(&page, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("MCP_AUTH_OUT_OF_BAND"), "{}", page.body);
}

#[tokio::test]
async fn the_page_carries_the_id_of_its_request() {
    let server = server().await;
    let client = register(&server, "A terminal", OOB).await;
    let pending = server.pending(&request_with(&[("client_id", &client), ("redirect_uri", OOB)])).await;
    let id = RequestId::next();
    let page = denied(&server.services, &pending).render(Some(id)).into_body();
    let page = axum::body::to_bytes(page, 1 << 20).await.unwrap();
    assert!(String::from_utf8_lossy(&page).contains(&format!("Request <code>{id}</code>")));
}
