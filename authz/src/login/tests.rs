//! The rules of signing in and out, by the whole router in process.

use super::Browser;
use crate::{
    consent::Asking,
    domain::RequestSecret,
    pages::testing::{Tab, field},
    testing::{Answer, Options, Parameter as _, Server},
};
use http::{HeaderMap, HeaderName, StatusCode, header};
use std::time::Duration;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[tokio::test]
async fn the_right_password_leads_to_the_consent_page_with_303() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let answer = tab.sign_in(&request, "demo_user", "demo_password").await;
    assert_eq!(answer.location().path(), "/consent");
    assert_eq!(answer.location().parameter("request"), Some(request));
}

#[tokio::test]
async fn who_is_signed_in_is_not_asked_again() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    assert_eq!(tab.get(&format!("/login?request={request}")).await.location().path(), "/consent");
    let page = tab.get("/login").await;
    assert!(page.body.contains("You are signed in") && page.body.contains("demo_user"), "{}", page.body);
}

#[tokio::test]
async fn the_cookie_is_for_this_server_alone() {
    let server = Server::start().await;
    let answer = Tab::new(&server).get("/login").await;
    let cookie = answer.header(header::SET_COOKIE).unwrap().to_owned();
    assert!(
        cookie.starts_with("portcullis_authz=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"),
        "{cookie}"
    );
    let server = Server::with(Options { public_url: "https://as.example/tenant", ..Options::default() }).await;
    let answer = Tab::at(&server, "as.example").get("/tenant/login").await;
    let cookie = answer.header(header::SET_COOKIE).unwrap().to_owned();
    assert!(cookie.starts_with("__Host-portcullis_authz="), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{cookie}");
    assert!(answer.body.contains(r#"action="/tenant/login""#), "{}", answer.body);
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_the_old_one_is_worth_nothing() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let before = tab.cookie.clone();
    tab.sign_in(&request, "demo_user", "demo_password").await;
    assert_ne!(tab.cookie, before);
    assert_eq!(tab.get(&format!("/consent?request={request}")).await.status, StatusCode::OK);
    let mut planted = Tab { cookie: before, ..Tab::new(&server) };
    assert_eq!(planted.get(&format!("/consent?request={request}")).await.status, StatusCode::BAD_REQUEST);
    assert!(planted.get("/login").await.body.contains("<h1>Sign in</h1>"));
}

#[tokio::test]
async fn of_a_form_that_is_posted_twice_at_once_the_later_answer_leads_on() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, tab.cookie.clone().unwrap().parse().unwrap());
    let (services, subject) = (&server.services, server.subject().await);
    let hash = RequestSecret::parse(&request).unwrap().hash();
    let first = Browser::known(services, &headers).await.unwrap().unwrap();
    let second = Browser::known(services, &headers).await.unwrap().unwrap();
    let first = first.renewed(services, Some(&subject), Some(&hash)).await.unwrap();
    let second = second.renewed(services, Some(&subject), Some(&hash)).await.unwrap();
    assert!(Asking::load(services, &second, Some(&request)).await.unwrap().is_some());
    assert!(Asking::load(services, &first, Some(&request)).await.is_err());
}

#[tokio::test]
async fn a_failed_sign_in_keeps_the_session_and_the_request() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let before = tab.cookie.clone();
    let page = tab.sign_in(&request, "demo_user", "wrong").await;
    assert_eq!(tab.cookie, before);
    assert_eq!(field(&page, "request"), Some(request.clone()));
    assert_eq!(tab.sign_in(&request, "demo_user", "demo_password").await.location().path(), "/consent");
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer_for_the_same_work() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin(&[]).await;
    let mut pages = Vec::new();
    for (index, username) in ["demo_user", "nobody", "' OR 1=1 --", "\u{7}", &"x".repeat(5000)].into_iter().enumerate()
    {
        let page = tab.sign_in(&request, username, "wrong").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{username}");
        assert_eq!(server.services.passwords.verifications(), index as u64 + 1, "{username}");
        // The name that was typed is all that may differ.
        let shown = field(&page, "username").or_else(|| {
            page.body.split_once(r#"type="text" value=""#).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
        });
        pages.push(page.body.replacen(&format!("value=\"{}\"", shown.unwrap()), "value=\"\"", 1));
    }
    // Where no name is shown, the name is what is typed first.
    let pages: Vec<_> = pages.iter().map(|page| page.replace(" autofocus", "")).collect();
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
}

#[tokio::test]
async fn of_twenty_five_wrong_passwords_most_wait_and_are_not_checked() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let mut refused = 0;
    for _ in 0..25 {
        let page = tab.sign_in("", "demo_user", "wrong").await;
        assert_eq!(page.header(header::LOCATION), None);
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(page.header(header::RETRY_AFTER).is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
            refused += 1;
        } else {
            assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!((refused, server.services.passwords.verifications()), (19, 6));
    assert_eq!(tab.sign_in("", "demo_user", "demo_password").await.status, StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(tab.sign_in("", "demo_user", "demo_password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_name_is_shown_again_as_text_and_the_password_never() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let page = tab.sign_in("", "\"><script>alert(1)</script>", "correct horse battery").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("&lt;script&gt;") || page.body.contains("&#60;script&#62;"), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("correct horse"), "{}", page.body);
}

#[tokio::test]
async fn a_problem_is_told_above_and_beside_its_field() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    for (username, password, wrong) in [("", "x", "username"), ("demo_user", "", "password"), ("a", "b", "password")] {
        let page = tab.sign_in("", username, password).await;
        assert!(page.body.contains(r#"role="alert""#) && page.body.contains(&format!("href=\"#{wrong}\"")));
        let field = page.body.lines().find(|line| line.contains(&format!("id=\"{wrong}\""))).unwrap();
        assert!(field.contains("aria-invalid") && field.contains("autofocus"), "{field}");
        assert!(page.body.contains(&format!("id=\"{wrong}-problem\"")));
    }
}

#[tokio::test]
async fn a_huge_password_is_refused_before_it_is_hashed() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    for (length, expected) in [(1_000_000, StatusCode::PAYLOAD_TOO_LARGE), (1025, StatusCode::BAD_REQUEST)] {
        assert_eq!(tab.sign_in("", "demo_user", &"x".repeat(length)).await.status, expected);
        assert_eq!(server.services.passwords.verifications(), 0);
    }
    assert_eq!(tab.sign_in("", "demo_user", &"x".repeat(1024)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.services.passwords.verifications(), 1);
}

#[tokio::test]
async fn a_full_pool_is_429_with_a_time_to_come_back() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let full = server.services.passwords.fill();
    // What was not looked at is no wrong password, however often it comes.
    for _ in 0..25 {
        let answer = tab.sign_in("", "demo_user", "demo_password").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.header(header::RETRY_AFTER), Some("2"));
    }
    drop(full);
    assert_eq!(tab.sign_in("", "demo_user", "demo_password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_without_its_session_or_token_is_refused_and_no_password_is_checked() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let csrf = tab.csrf().await;
    let foreign = Tab::new(&server).csrf().await;
    for wrong in ["", &foreign, &csrf[1..], &format!("{csrf}A")] {
        assert_eq!(tab.post("/login", &right_form(wrong)).await.status, StatusCode::FORBIDDEN, "{wrong:?}");
    }
    let cookie = tab.cookie.clone();
    for wrong in [None, Some("portcullis_authz=".to_owned() + &"A".repeat(43)), Some("portcullis_authz=x".to_owned())] {
        tab.cookie = wrong;
        assert_eq!(tab.post("/login", &right_form(&csrf)).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(server.services.passwords.verifications(), 0);
    tab.cookie = cookie;
    assert_eq!(tab.post("/login", &right_form(&csrf)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_posted_by_another_site_is_refused() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let csrf = tab.csrf().await;
    let form = [("csrf", csrf.as_str()), ("username", "demo_user"), ("password", "demo_password")];
    for foreign in [
        vec![(header::ORIGIN, "https://evil.example")],
        vec![(header::ORIGIN, "http://localhost:3000"), (SEC_FETCH_SITE, "same-site")],
        vec![(header::ORIGIN, "null")],
        vec![(header::ORIGIN, "null"), (SEC_FETCH_SITE, "cross-site")],
    ] {
        tab.headers = foreign;
        assert_eq!(tab.post("/login", &form).await.status, StatusCode::FORBIDDEN, "{:?}", tab.headers);
    }
    assert_eq!(server.services.passwords.verifications(), 0);
    tab.headers = vec![(header::ORIGIN, "null"), (SEC_FETCH_SITE, "same-origin")];
    assert_eq!(tab.post("/login", &form).await.status, StatusCode::SEE_OTHER, "what a browser sends for our own page");
}

#[tokio::test]
async fn there_is_no_way_to_be_sent_elsewhere() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let evil = "https://evil.example/";
    assert_eq!(tab.sign_in(evil, "demo_user", "demo_password").await.status, StatusCode::BAD_REQUEST);
    let csrf = tab.csrf().await;
    let mut form = vec![("csrf", csrf.as_str()), ("username", "demo_user"), ("password", "demo_password")];
    form.extend(["next", "return_to", "redirect_uri", "continue"].map(|name| (name, evil)));
    let answer = tab.post("/login", &form).await;
    assert_eq!(answer.location().as_str(), "http://localhost:9000/login");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_forgets_the_cookie() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let cookie = tab.cookie.clone();
    let csrf = tab.csrf().await;
    let answer = tab.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!(answer.location().path(), "/login");
    assert!(answer.header(header::SET_COOKIE).unwrap().contains("Max-Age=0"));
    let mut again = Tab { cookie, ..Tab::new(&server) };
    assert_eq!(again.get(&format!("/consent?request={request}")).await.status, StatusCode::BAD_REQUEST);
    assert!(again.get("/login").await.body.contains("<h1>Sign in</h1>"));
}

#[tokio::test]
async fn another_person_can_take_over_a_request_after_signing_out() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[]).await;
    let csrf = tab.csrf().await;
    let answer = tab.post("/logout", &[("csrf", &csrf), ("request", &request)]).await;
    assert_eq!((answer.location().path(), answer.location().parameter("request")), ("/login", Some(request.clone())));
    assert_eq!(tab.get(&format!("/consent?request={request}")).await.location().path(), "/login");
    assert_eq!(tab.sign_in(&request, "demo_user", "demo_password").await.location().path(), "/consent");
}

#[tokio::test]
async fn a_sign_out_posted_by_another_site_is_refused() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    tab.begin_signed_in(&[]).await;
    assert_eq!(tab.post("/logout", &[]).await.status, StatusCode::FORBIDDEN);
    assert!(tab.get("/login").await.body.contains("You are signed in"));
}

fn right_form(csrf: &str) -> [(&'static str, &str); 3] {
    [("csrf", csrf), ("username", "demo_user"), ("password", "demo_password")]
}

#[tokio::test]
async fn a_disabled_person_is_refused_like_a_wrong_password_and_is_signed_out() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    tab.begin_signed_in(&[]).await;
    let wrong = tab.sign_in("", "demo_user", "wrong").await;
    server.services.store.disable_person(&server.subject().await, server.services.now()).await.unwrap();
    assert!(tab.get("/login").await.body.contains("<h1>Sign in</h1>"));
    let mut again = Tab::new(&server);
    let answer = again.sign_in("", "demo_user", "demo_password").await;
    assert_eq!((answer.status, wrong.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert!(answer.body.contains("The user name or the password is wrong."), "{}", answer.body);
    server.services.store.enable_person(&server.subject().await).await.unwrap();
    assert_eq!(again.sign_in("", "demo_user", "demo_password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn prompt_login_and_a_sign_in_older_than_max_age_ask_for_the_password_again() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    tab.begin_signed_in(&[]).await;
    server.clock.advance(Duration::from_mins(2));
    for (ask, again) in [
        (("prompt", "login"), true),
        (("prompt", "select_account"), true),
        (("max_age", "119"), true),
        (("max_age", "0"), true),
        (("max_age", "120"), false),
        (("prompt", "consent"), false),
    ] {
        let target = tab.authorize(&[ask]).await.location();
        assert_eq!(target.path(), if again { "/login" } else { "/consent" }, "{ask:?}");
        let request = target.parameter("request").unwrap();
        if again {
            // Nobody gets round the page, and it knows who has to type the password.
            assert_eq!(tab.decide(&request, "allow").await.location().path(), "/login");
            assert_eq!(tab.get(&format!("/consent?request={request}")).await.location().path(), "/login");
            let page = tab.get(&format!("/login?request={request}")).await;
            assert!(page.body.contains("sign in again") && page.body.contains("value=\"demo_user\""), "{}", page.body);
            let signed_in = tab.sign_in(&request, "demo_user", "demo_password").await.location();
            assert_eq!(signed_in.path(), "/consent");
            server.clock.advance(Duration::from_mins(2));
        }
        assert_eq!(tab.get(&format!("/consent?request={request}")).await.status, StatusCode::OK, "{ask:?}");
        assert!(tab.decide(&request, "allow").await.location().parameter("code").is_some());
    }
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    let error = |answer: &Answer| answer.location().parameter("error");
    assert_eq!(error(&tab.authorize(&[("prompt", "none")]).await).as_deref(), Some("login_required"));
    tab.begin_signed_in(&[]).await;
    assert_eq!(error(&tab.authorize(&[("prompt", "none")]).await).as_deref(), Some("consent_required"));
    server.clock.advance(Duration::from_mins(2));
    let too_old = tab.authorize(&[("prompt", "none"), ("max_age", "60")]).await;
    assert_eq!(error(&too_old).as_deref(), Some("login_required"));
    for odd in [("prompt", "none login"), ("prompt", "create"), ("max_age", "-1")] {
        let answer = tab.authorize(&[odd]).await.location();
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{odd:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("xyz"));
    }
}

#[tokio::test]
async fn the_page_starts_with_the_name_that_the_client_hints_at() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    for (hint, shown) in [("ann", "ann"), ("\"><script>", ""), ("\u{7}", "")] {
        let request = tab.begin(&[("login_hint", hint)]).await;
        let page = tab.get(&format!("/login?request={request}")).await;
        assert!(page.body.contains(&format!(r#"type="text" value="{shown}""#)), "{hint}: {}", page.body);
    }
}

#[tokio::test]
async fn a_second_cookie_of_the_same_name_does_not_hide_the_session() {
    let server = Server::start().await;
    let mut tab = Tab::new(&server);
    tab.begin_signed_in(&[]).await;
    let own = tab.cookie.clone().unwrap();
    let stranger = format!("portcullis_authz={}", "A".repeat(43));
    for cookies in [format!("{stranger}; {own}"), format!("portcullis_authz=x; {own}; {stranger}")] {
        tab.cookie = Some(cookies);
        assert!(tab.get("/login").await.body.contains("You are signed in"));
    }
    tab.cookie = Some(stranger);
    assert!(!tab.get("/login").await.body.contains("You are signed in"));
}
