use super::*;
use crate::{
    cli::Settings,
    oauth::testing::{
        http_client, random,
        world::{Asked, Reply, TOKEN, World, allows, query},
    },
};
use http::{StatusCode, header};
use verification_keys::testing::ManualClock;

/// The page, beside a scripted server, and a browser without a head.
struct Scene {
    world: World,
    origin: String,
    _folder: tempfile::TempDir,
}

struct Seen {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

/// A browser: it keeps its cookie.
#[derive(Clone, Default)]
struct Tab {
    cookie: String,
}

impl Scene {
    async fn start() -> Self {
        verification_keys::install_crypto_providers();
        let (world, folder) = (World::start().await, tempfile::tempdir().unwrap());
        let listener = Listener::bind("localhost", 0).await.unwrap();
        let settings = Settings {
            url: Some(world.server()),
            client_id: Some("mine".into()),
            state_dir: Some(folder.path().join("state")),
            web: crate::cli::WebSettings {
                web_port: Some(listener.port().to_string()),
                ..crate::cli::WebSettings::default()
            },
            ..Settings::default()
        };
        let config = Config::try_from(&settings).unwrap();
        let edge = Edge {
            clock: Arc::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH)),
            random: Arc::new(random()),
            notice: Arc::new(|_| {}),
            waits: Waits::without_a_person(),
        };
        let web = Web::new(&config, &edge).unwrap();
        tokio::spawn(serve(listener, routes::router(web), ServeOptions::default(), std::future::pending()));
        Self { world, origin: config.web.origin.as_str().to_owned(), _folder: folder }
    }

    async fn get(&self, tab: &mut Tab, path: &str) -> Seen {
        self.send(tab, http_client().get(format!("{}{path}", self.origin))).await
    }

    /// Sends a form with the token that the page holds.
    async fn post(&self, tab: &mut Tab, path: &str, fields: &[(&str, &str)]) -> Seen {
        let page = self.get(tab, "/").await.body;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
        self.post_raw(tab, path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    async fn post_raw(&self, tab: &mut Tab, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.send(tab, http_client().post(format!("{}{path}", self.origin)).form(fields)).await
    }

    async fn send(&self, tab: &mut Tab, request: reqwest::RequestBuilder) -> Seen {
        let answer = request.header(header::COOKIE, &tab.cookie).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        if let Some(cookie) = headers.get(header::SET_COOKIE) {
            tab.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        Seen { status, headers, body: answer.text().await.unwrap() }
    }

    /// Asks to sign in, and what the person is then asked.
    async fn asked(&self, tab: &mut Tab) -> Asked {
        let went = self.post(tab, "/sign-in", &[("way", "pre-registered")]).await;
        assert_eq!(went.status, StatusCode::SEE_OTHER, "{}", went.body);
        let page = self.get(tab, "/").await.body;
        let url = between(&page, "id=\"go\" href=\"", "\"").replace("&#38;", "&").replace("&amp;", "&");
        Asked::from_notice(&format!("open\n\n  {url}\n")).unwrap_or_else(|| panic!("{page}"))
    }

    async fn signed_in(&self) -> Tab {
        let mut tab = Tab::default();
        let asked = self.asked(&mut tab).await;
        let back = self.get(&mut tab, &format!("/callback?{}", allows(&asked))).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
        tab
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end).unwrap().0
}

#[tokio::test]
async fn a_visitor_signs_in_calls_a_tool_and_signs_out() {
    let scene = Scene::start().await;
    let unknown = serde_json::json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32601, "message": "no"}});
    for method in ["mcp:resources/list", "mcp:resources/templates/list", "mcp:prompts/list"] {
        scene.world.reply(method, Reply::json(200, &unknown));
    }
    let mut tab = scene.signed_in().await;
    assert!(scene.get(&mut tab, "/").await.body.contains("Who you are"));
    scene.post(&mut tab, "/fetch", &[]).await;
    let page = scene.get(&mut tab, "/").await.body;
    assert!(page.contains("Call get_time"), "{page}");
    scene.post(&mut tab, "/call", &[("name", "get_time")]).await;
    let page = scene.get(&mut tab, "/").await.body;
    assert!(page.contains("Answer of get_time") && page.contains("noon"), "{page}");
    scene.post(&mut tab, "/sign-out", &[]).await;
    assert!(scene.get(&mut tab, "/").await.body.contains("Log in"));
}

#[tokio::test]
async fn the_token_never_reaches_the_browser() {
    let scene = Scene::start().await;
    let mut tab = scene.signed_in().await;
    for path in ["/", "/steps", "/watch"] {
        let seen = scene.get(&mut tab, path).await;
        assert!(!seen.body.contains(TOKEN), "{path}");
        assert!(seen.body.contains("/token"), "the step is there: {path}");
    }
}

#[tokio::test]
async fn a_form_without_the_token_of_its_own_session_does_nothing() {
    let scene = Scene::start().await;
    let (mut tab, mut other) = (Tab::default(), Tab::default());
    let (ours, foreign) = (scene.get(&mut tab, "/").await.body, scene.get(&mut other, "/").await.body);
    let (ours, foreign) =
        (between(&ours, "name=\"csrf\" value=\"", "\""), between(&foreign, "name=\"csrf\" value=\"", "\""));
    for fields in [&[][..], &[("csrf", "")], &[("csrf", foreign)]] {
        assert_eq!(scene.post_raw(&mut tab, "/sign-in", fields).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(scene.post_raw(&mut Tab::default(), "/sign-in", &[("csrf", ours)]).await.status, StatusCode::FORBIDDEN);
    let evil = http_client().post(format!("{}/sign-in", scene.origin)).form(&[("csrf", ours)]);
    let evil = evil.header(header::ORIGIN, "https://evil.example");
    assert_eq!(scene.send(&mut tab, evil).await.status, StatusCode::FORBIDDEN);
    assert!(scene.world.seen("/mcp").is_empty());
    assert_eq!(scene.post_raw(&mut tab, "/sign-in", &[("csrf", ours)]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_answer_with_another_state_is_dropped_and_the_right_one_is_still_awaited() {
    let scene = Scene::start().await;
    let mut tab = Tab::default();
    let asked = scene.asked(&mut tab).await;
    for wrong in ["", "code=x", "code=x&state=", "code=x&state=another", &format!("{}&state=two", allows(&asked))] {
        let seen = scene.get(&mut tab, &format!("/callback?{wrong}")).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert!(scene.world.seen("/token").is_empty());
    let right = scene.get(&mut tab, &format!("/callback?{}", allows(&asked))).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.world.seen("/token").len(), 1);
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused_and_no_code_is_sent() {
    let scene = Scene::start().await;
    let mut tab = Tab::default();
    let asked = scene.asked(&mut tab).await;
    let forged = query(&[("code", "c"), ("state", &asked.state), ("iss", "https://evil.example")]);
    scene.get(&mut tab, &format!("/callback?{forged}")).await;
    assert!(scene.get(&mut tab, "/").await.body.contains("another authorization server"));
    assert!(scene.world.seen("/token").is_empty());
}

#[tokio::test]
async fn an_answer_brought_by_another_browser_is_not_taken() {
    let scene = Scene::start().await;
    let (mut tab, mut other) = (Tab::default(), Tab::default());
    let asked = scene.asked(&mut tab).await;
    scene.asked(&mut other).await;
    let stolen = format!("/callback?{}", allows(&asked));
    for thief in [&mut other, &mut Tab::default()] {
        assert_eq!(scene.get(thief, &stolen).await.status, StatusCode::BAD_REQUEST);
    }
    assert!(scene.world.seen("/token").is_empty());
}

#[tokio::test]
async fn the_session_has_another_name_after_the_sign_in() {
    let scene = Scene::start().await;
    let mut tab = Tab::default();
    let asked = scene.asked(&mut tab).await;
    let mut planted = tab.clone();
    scene.get(&mut tab, &format!("/callback?{}", allows(&asked))).await;
    assert_ne!(tab.cookie, planted.cookie);
    assert!(scene.get(&mut tab, "/").await.body.contains("Who you are"));
    assert!(!scene.get(&mut planted, "/").await.body.contains("Who you are"));
}

#[tokio::test]
async fn every_answer_forbids_what_a_page_of_ours_never_does() {
    let scene = Scene::start().await;
    for path in ["/", "/steps", "/watch", "/nowhere", "/style.css", "/callback"] {
        let seen = scene.get(&mut Tab::default(), path).await;
        let policy = seen.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert!(!seen.body.contains("style=\"") && !seen.body.contains("<style"), "{path}");
        assert!(!seen.body.replace("<script src=\"/diagram.js\" defer></script>", "").contains("<script"), "{path}");
    }
}

#[tokio::test]
async fn steps_come_as_events_and_those_seen_already_do_not_come_again() {
    let scene = Scene::start().await;
    let tab = scene.signed_in().await;
    let events = http_client().get(format!("{}/events?after=1", scene.origin)).header(header::COOKIE, &tab.cookie);
    let mut events = events.send().await.unwrap();
    assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut text = String::new();
    while !text.contains("id=\"step-6\"") {
        text.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(
        !text.contains("id=\"step-1\"") && text.contains("id=\"step-2\"") && text.contains("event: step"),
        "{text}"
    );
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_listen_to() {
    let scene = Scene::start().await;
    assert_eq!(scene.get(&mut Tab::default(), "/events").await.status, StatusCode::NO_CONTENT);
}
