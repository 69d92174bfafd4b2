//! The rules of the account pages, by the whole router in process.

use crate::{
    pages::testing::{HTTPS_REDIRECT, Tab, field, operator_client, register},
    protocol::AuthenticationMethod,
    routes,
    testing::{
        Answer, CLIENT, ISSUER, Options, Parameter as _, RESOURCE, RESOURCE_SERVER, SECRET, Server, exchange, with,
    },
};
use http::{StatusCode, header};
use std::time::Duration;

async fn active(server: &Server, token: &str) -> bool {
    let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", token)]).await;
    answer.json()["active"].as_bool().unwrap()
}

/// The person allows the demo client, which gets its token.
async fn connect(tab: &mut Tab<'_>) -> String {
    let request = tab.begin_signed_in(&[]).await;
    let code = tab.decide(&request, "allow").await.location().parameter("code").unwrap();
    let answer = tab.server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn change(tab: &mut Tab<'_>, (old, new, again): (&str, &str, &str)) -> Answer {
    let csrf = tab.csrf().await;
    tab.post(routes::PASSWORD, &[("csrf", &csrf), ("password", old), ("new", new), ("again", again)]).await
}

async fn sign_up(tab: &mut Tab<'_>, fields: &[(&str, &str)]) -> Answer {
    let csrf = field(&tab.get(routes::SIGN_UP).await, "csrf").unwrap();
    let form: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    tab.post(routes::SIGN_UP, &form).await
}

#[tokio::test]
async fn the_page_says_which_applications_have_access_since_when_and_last_used() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    connect(&mut tab).await;
    let page = tab.get(routes::ACCOUNT).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["Simple MCP Client", RESOURCE, "15 Jan 2027, 08:00 UTC", "Disconnect", "demo_user"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let mut other = Tab::new(&server);
    other.begin(&[]).await;
    assert_eq!(other.get(routes::ACCOUNT).await.location().as_str(), format!("{ISSUER}/login?to=account"));
}

#[tokio::test]
async fn an_application_with_an_access_token_alone_is_shown_for_as_long_as_that_lives() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let client = register(&server, "Notes", HTTPS_REDIRECT).await;
    let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", HTTPS_REDIRECT)]).await;
    let code = tab.decide(&request, "allow").await.location().parameter("code").unwrap();
    let changes = [("redirect_uri", HTTPS_REDIRECT), ("client_id", client.as_str())];
    let answer = server.post(routes::TOKEN, &with(&exchange(&code), &changes)).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (StatusCode::OK, None), "{}", answer.body);
    server.clock.advance(Duration::from_mins(59));
    assert!(tab.get(routes::ACCOUNT).await.body.contains("Notes"));
    server.clock.advance(Duration::from_mins(1));
    assert!(!tab.get(routes::ACCOUNT).await.body.contains("Notes"));
}

#[tokio::test]
async fn disconnecting_ends_the_access_of_that_application() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let token = connect(&mut tab).await;
    assert!(active(&server, &token).await);
    let csrf = tab.csrf().await;
    for (client, gone) in [("somebody-else", false), (CLIENT, true), (CLIENT, true)] {
        let answer = tab.post(routes::DISCONNECT, &[("csrf", &csrf), ("client_id", client)]).await;
        assert_eq!(answer.location().as_str(), format!("{ISSUER}/account?done=disconnected"));
        assert_eq!(active(&server, &token).await, !gone, "{client}");
    }
    let page = tab.get("/account?done=disconnected").await;
    assert!(page.body.contains("No application has access") && page.body.contains("Disconnected."), "{}", page.body);
}

#[tokio::test]
async fn nobody_disconnects_for_somebody_else() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let token = connect(&mut tab).await;
    let csrf = tab.csrf().await;
    let form = [("csrf", csrf.as_str()), ("client_id", CLIENT)];
    assert_eq!(Tab::new(&server).post(routes::DISCONNECT, &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(tab.post(routes::DISCONNECT, &form[1..]).await.status, StatusCode::FORBIDDEN);
    tab.headers = vec![(header::ORIGIN, "https://evil.example")];
    assert_eq!(tab.post(routes::DISCONNECT, &form).await.status, StatusCode::FORBIDDEN);
    let mut stranger = Tab::new(&server);
    let csrf = stranger.csrf().await;
    let answer = stranger.post(routes::DISCONNECT, &[("csrf", &csrf), ("client_id", CLIENT)]).await;
    assert_eq!(answer.location().path(), "/login");
    assert!(active(&server, &token).await);
}

#[tokio::test]
async fn remembered_consent_is_a_connection_and_an_application_that_never_came_back_is_none() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let client = operator_client(&server, AuthenticationMethod::ClientSecretBasic).await;
    let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", HTTPS_REDIRECT)]).await;
    tab.decide(&request, "allow").await;
    let page = tab.get(routes::ACCOUNT).await;
    assert!(page.body.contains("not yet"), "{}", page.body);
    // Without a token and without a memory there is no access.
    let mut other = Tab::new(&server);
    let dynamic = register(&server, "Never came back", HTTPS_REDIRECT).await;
    let request = other.begin_signed_in(&[("client_id", &dynamic), ("redirect_uri", HTTPS_REDIRECT)]).await;
    other.decide(&request, "allow").await;
    assert!(!other.get(routes::ACCOUNT).await.body.contains("Never came back"));
}

#[tokio::test]
async fn the_password_changes_for_whoever_knows_it_and_signs_out_every_other_browser() {
    let server = Server::start().await;
    let (mut tab, mut other) = (Tab::new(&server), Tab::new(&server));
    let token = connect(&mut tab).await;
    other.begin_signed_in(&[]).await;
    for (form, status) in [
        (("wrong", "a new password", "a new password"), StatusCode::UNAUTHORIZED),
        (("demo_password", "a new password", "another one"), StatusCode::BAD_REQUEST),
        (("demo_password", "short", "short"), StatusCode::BAD_REQUEST),
        (("", "a new password", "a new password"), StatusCode::UNAUTHORIZED),
    ] {
        let answer = change(&mut tab, form).await;
        assert_eq!(answer.status, status, "{form:?}");
        assert!(answer.body.contains(r#"role="alert""#) && !answer.body.contains(form.1), "{}", answer.body);
        let for_managers = r#"name="username" value="demo_user" autocomplete="username" readonly hidden"#;
        assert!(answer.body.contains(for_managers), "whose password it is: {}", answer.body);
    }
    let before = tab.cookie.clone();
    let answer = change(&mut tab, ("demo_password", "a new password", "a new password")).await;
    assert_eq!(answer.location().as_str(), format!("{ISSUER}/account?done=password"));
    assert_ne!(tab.cookie, before);
    assert_eq!(tab.get(routes::ACCOUNT).await.status, StatusCode::OK);
    assert_eq!(other.get(routes::ACCOUNT).await.location().path(), "/login");
    assert!(active(&server, &token).await, "applications keep their access");
    let mut fresh = Tab::new(&server);
    assert_eq!(fresh.sign_in("", "demo_user", "demo_password").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fresh.sign_in("", "demo_user", "a new password").await.status, StatusCode::SEE_OTHER);
    fresh.cookie = None;
    assert_eq!(fresh.get(routes::PASSWORD).await.location().path(), "/login");
}

#[tokio::test]
async fn wrong_passwords_slow_down_on_both_pages_and_time_heals() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    tab.begin_signed_in(&[]).await;
    for _ in 0..6 {
        let answer = change(&mut tab, ("wrong", "a new password", "a new password")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = change(&mut tab, ("demo_password", "a new password", "a new password")).await;
    assert_eq!((answer.status, answer.header(header::RETRY_AFTER)), (StatusCode::TOO_MANY_REQUESTS, Some("1")));
    let verifications = server.services.passwords.verifications();
    // The right password too, and a name that nobody has just the same.
    let mut fresh = Tab::new(&server);
    for _ in 0..6 {
        fresh.sign_in("", "nobody", "wrong").await;
    }
    let known = fresh.sign_in("", "demo_user", "demo_password").await;
    let unknown = fresh.sign_in("", "nobody", "demo_password").await;
    for answer in [&known, &unknown] {
        assert_eq!((answer.status, answer.header(header::RETRY_AFTER)), (StatusCode::TOO_MANY_REQUESTS, Some("1")));
        assert!(answer.body.contains("Try again in a second."), "{}", answer.body);
    }
    assert_eq!(known.body.replace("demo_user", "nobody"), unknown.body);
    assert_eq!(server.services.passwords.verifications(), verifications + 6, "the others were not looked at");
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(fresh.sign_in("", "demo_user", "demo_password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn there_is_no_sign_up_page_unless_the_setting_says_so() {
    let server = Server::start().await;
    assert_eq!(Tab::new(&server).get(routes::SIGN_UP).await.status, StatusCode::NOT_FOUND);
    assert!(!Tab::new(&server).get(routes::LOGIN).await.body.contains("signup"));
    let server = Server::with(Options { signup: true, ..Options::default() }).await;
    assert_eq!(Tab::new(&server).get(routes::SIGN_UP).await.status, StatusCode::OK);
    assert!(Tab::new(&server).get(routes::LOGIN).await.body.contains("/signup"));
}

#[tokio::test]
async fn who_signs_up_is_signed_in_and_goes_on_with_what_the_page_was_about() {
    let server = Server::with(Options { signup: true, ..Options::default() }).await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let ann = [("username", "ann"), ("password", "a password of ann"), ("request", request.as_str())];
    let answer = sign_up(&mut tab, &ann).await;
    assert_eq!((answer.location().path(), answer.location().parameter("request")), ("/consent", Some(request.clone())));
    assert!(tab.decide(&request, "allow").await.location().parameter("code").is_some());
    let mut fresh = Tab::new(&server);
    assert_eq!(fresh.sign_in("", "ann", "a password of ann").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_bad_sign_up_is_told_beside_its_field_and_makes_nobody() {
    let server = Server::with(Options { signup: true, ..Options::default() }).await;
    let mut tab = Tab::new(&server);
    let password = ("password", "a password of ann");
    for (fields, status, wrong) in [
        (vec![("username", "demo_user"), password], StatusCode::CONFLICT, "username"),
        (vec![("username", " ann"), password], StatusCode::BAD_REQUEST, "username"),
        (vec![("username", "ann"), ("password", "short")], StatusCode::BAD_REQUEST, "password"),
        (vec![("username", "ann"), ("email", "ann"), password], StatusCode::BAD_REQUEST, "email"),
        (vec![("username", "ann"), ("name", " "), password], StatusCode::BAD_REQUEST, "name"),
    ] {
        let answer = sign_up(&mut tab, &fields).await;
        assert_eq!(answer.status, status, "{fields:?}");
        assert!(answer.body.contains(&format!("href=\"#{wrong}\"")), "{}", answer.body);
    }
    assert_eq!(tab.post(routes::SIGN_UP, &[("username", "ann"), password]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.services.store.people().await.unwrap().len(), 1);
}
