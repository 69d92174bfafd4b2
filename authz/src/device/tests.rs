//! The rules of the page for devices, by the whole router in process.

use crate::{
    domain::{DEVICE_LIFETIME, Person, Subject, Username},
    pages::testing::Tab,
    routes,
    testing::{Answer, CLIENT, ISSUER, Parameter as _, RESOURCE, SECRET, Server},
};
use http::{StatusCode, header};
use serde_json::Value;

/// A device of the demo client asks.
async fn begun(server: &Server) -> (String, Value) {
    let form = [("resource", RESOURCE), ("scope", "mcp:read")];
    let answer = server.post_as((CLIENT, SECRET), routes::DEVICE_AUTHORIZATION, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = answer.json();
    (json["user_code"].as_str().unwrap().to_owned(), json)
}

async fn poll(server: &Server, device: &Value) -> Value {
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let form = [grant, ("device_code", device["device_code"].as_str().unwrap())];
    server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await.json()
}

async fn typed(tab: &mut Tab<'_>, code: &str, decision: Option<&str>) -> Answer {
    let csrf = tab.csrf().await;
    let mut form = vec![("csrf", csrf.as_str()), ("user_code", code)];
    form.extend(decision.map(|decision| ("decision", decision)));
    tab.post(routes::DEVICE, &form).await
}

async fn signed_in(server: &Server) -> Tab<'_> {
    let mut tab = Tab::new(server);
    tab.begin_signed_in(&[]).await;
    tab
}

/// Somebody else, with the same password.
async fn signed_in_as_ann(server: &Server) -> Tab<'_> {
    let store = &server.services.store;
    let demo = store.person(&server.subject().await).await.unwrap().unwrap();
    let subject = Subject::generate(server.services.random.as_ref()).unwrap();
    store.put_person(&Person { subject, username: Username::parse("ann").unwrap(), ..demo }).await.unwrap();
    let mut tab = Tab::new(server);
    let request = tab.begin(&[]).await;
    assert_eq!(tab.sign_in(&request, "ann", "demo_password").await.status, StatusCode::SEE_OTHER);
    tab
}

#[tokio::test]
async fn the_page_says_which_client_asks_for_what_before_anything_is_allowed() {
    let server = Server::start().await;
    let (code, device) = begun(&server).await;
    let mut tab = signed_in(&server).await;
    let page = typed(&mut tab, &code.to_lowercase().replace('-', " "), None).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["Simple MCP Client", RESOURCE, "mcp:read", &code, "on a device in front of you", "demo_user"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(poll(&server, &device).await["error"], "authorization_pending");
}

#[tokio::test]
async fn allowed_once_the_device_gets_its_token_and_the_person_sees_the_connection() {
    let server = Server::start().await;
    let (code, device) = begun(&server).await;
    let mut tab = signed_in(&server).await;
    let page = typed(&mut tab, &code, Some("allow")).await;
    assert!(page.status == StatusCode::OK && page.body.contains("Your device is connected"), "{}", page.body);
    assert!(poll(&server, &device).await["access_token"].is_string());
    assert!(tab.get(routes::ACCOUNT).await.body.contains("Simple MCP Client"));
}

#[tokio::test]
async fn denied_the_device_is_told() {
    let server = Server::start().await;
    let (code, device) = begun(&server).await;
    let page = typed(&mut signed_in(&server).await, &code, Some("deny")).await;
    assert!(page.status == StatusCode::OK && page.body.contains("You denied this"), "{}", page.body);
    assert_eq!(poll(&server, &device).await["error"], "access_denied");
}

#[tokio::test]
async fn a_decision_that_is_posted_twice_shows_what_became_of_it_to_whoever_decided() {
    let server = Server::start().await;
    let mut tab = signed_in(&server).await;
    let mut ann = signed_in_as_ann(&server).await;
    for (decision, words, outcome) in
        [("allow", "Your device is connected", "access_token"), ("deny", "You denied this", "error")]
    {
        let (code, device) = begun(&server).await;
        typed(&mut tab, &code, Some(decision)).await;
        for again in ["allow", "deny"] {
            let page = typed(&mut tab, &code, Some(again)).await;
            assert!(page.status == StatusCode::OK && page.body.contains(words), "{again}: {}", page.body);
            let page = typed(&mut ann, &code, Some(again)).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST);
            assert!(page.body.contains("No device waits with this code any more"), "{}", page.body);
        }
        assert!(poll(&server, &device).await[outcome].is_string(), "nothing was decided anew");
    }
    let (code, _) = begun(&server).await;
    typed(&mut tab, &code, Some("allow")).await;
    server.clock.advance(DEVICE_LIFETIME.unsigned_abs());
    assert_eq!(typed(&mut tab, &code, Some("allow")).await.status, StatusCode::BAD_REQUEST, "too late");
}

#[tokio::test]
async fn a_code_that_no_device_waits_with_is_told_beside_the_field() {
    let server = Server::start().await;
    let (late, _) = begun(&server).await;
    server.clock.advance(DEVICE_LIFETIME.unsigned_abs());
    let mut tab = signed_in(&server).await;
    for wrong in ["", "BBBB-BBBB", &late, "\"><script>alert(1)</script>", &"B".repeat(5000)] {
        let page = typed(&mut tab, wrong, None).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(page.body.contains("No device waits with this code.") && !page.body.contains("<script"));
    }
    let (code, _) = begun(&server).await;
    assert_eq!(typed(&mut tab, &code, Some("yes")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_decides_without_signing_in_and_the_code_goes_along() {
    let server = Server::start().await;
    let (code, device) = begun(&server).await;
    let mut tab = Tab::new(&server);
    let login = tab.get(&format!("/device?user_code={code}")).await.location();
    assert_eq!(login.as_str(), format!("{ISSUER}/login?to=device&user_code={code}"));
    assert_eq!(typed(&mut tab, &code, Some("allow")).await.location(), login);
    let csrf = tab.csrf().await;
    let form = [
        ("csrf", csrf.as_str()),
        ("to", "device"),
        ("user_code", &code),
        ("username", "demo_user"),
        ("password", "demo_password"),
    ];
    let target = tab.post("/login", &form).await.location();
    assert_eq!((target.path(), target.parameter("user_code")), ("/device", Some(code.clone())));
    let page = tab.get(&format!("/device?user_code={code}")).await;
    assert!(page.body.contains(&format!("value=\"{code}\"")) && page.body.contains("Compare this code"));
    assert_eq!(poll(&server, &device).await["error"], "authorization_pending");
    assert_eq!(tab.get("/device?user_code=%22%3E%3Cscript%3E").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_decision_posted_by_another_site_or_without_the_token_is_refused() {
    let server = Server::start().await;
    let (code, device) = begun(&server).await;
    let mut tab = signed_in(&server).await;
    let form = [("user_code", code.as_str()), ("decision", "allow")];
    assert_eq!(tab.post(routes::DEVICE, &form).await.status, StatusCode::FORBIDDEN);
    tab.headers = vec![(header::ORIGIN, "https://evil.example")];
    assert_eq!(typed(&mut tab, &code, Some("allow")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(poll(&server, &device).await["error"], "authorization_pending");
}

#[tokio::test]
async fn another_account_can_take_over_the_code() {
    let server = Server::start().await;
    let mut tab = signed_in(&server).await;
    let csrf = tab.csrf().await;
    let form = [("csrf", csrf.as_str()), ("to", "device"), ("user_code", "BCDF-GHJK")];
    let target = tab.post("/logout", &form).await.location();
    assert_eq!(target.as_str(), format!("{ISSUER}/login?to=device&user_code=BCDF-GHJK"));
    assert!(!tab.get("/login").await.body.contains("You are signed in"));
}
