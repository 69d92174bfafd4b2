//! The pages of authz in a real browser: chromedriver leads a headless Chromium through its forms, and back to the page
//! of the `client` program, whose tool call then prints the time; and the page of `client web`. `.ci/chromium` installs what this needs and runs it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the helpers of a test may end it")]

#[path = "chromium/web.rs"]
mod web;

use client::demo::{
    binaries::{Beside, Binaries},
    children::{Children, Plan},
    ports,
    servers::Servers as _,
};
use fantoccini::{Client as Browser, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    future::Future,
    process::{Output, Stdio},
    sync::OnceLock,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;
use verification_keys::http::{ClientOptions, client};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_person_signs_in_allows_and_the_tool_answers() {
    let realm = Realm::start().await;
    let (client, callback) = realm.client();
    let output = in_chromium(async move |browser| {
        let (running, url) = asks_to_open(client).await;
        browser.goto(url.as_str()).await.unwrap();
        sign_in(&browser).await;
        button(&browser, "Deny").await;
        let consent = text_of(&browser, "main").await;
        assert!(consent.contains("localhost") && consent.contains("/mcp"), "{consent}");
        press(&browser, "Allow").await;
        arrives(&browser, &callback).await;
        assert!(text_of(&browser, "main").await.contains("You are signed in."));
        assert_eq!(console(&browser).await, Vec::<String>::new());
        ended(running).await
    })
    .await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert!(result.to_string().contains("+09:00"), "{result}");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_person_who_denies_ends_the_client_with_a_clear_refusal() {
    let realm = Realm::start().await;
    let (client, callback) = realm.client();
    let (output, refusal) = in_chromium(async move |browser| {
        let (mut running, url) = asks_to_open(client).await;
        browser.goto(url.as_str()).await.unwrap();
        sign_in(&browser).await;
        press(&browser, "Deny").await;
        arrives(&browser, &callback).await;
        assert!(text_of(&browser, "main").await.contains("You are not signed in."));
        let refusal = rest_of_stderr(&mut running).await;
        (ended(running).await, refusal)
    })
    .await;
    assert_eq!(output.status.code(), Some(3), "{refusal}");
    assert!(output.stdout.is_empty());
    assert!(refusal.contains("access_denied") || refusal.to_lowercase().contains("denied"), "{refusal}");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_wrong_password_is_said_and_the_right_one_goes_on() {
    let realm = Realm::start().await;
    let (client, callback) = realm.client();
    in_chromium(async move |browser| {
        let (_running, url) = asks_to_open(client).await;
        browser.goto(url.as_str()).await.unwrap();
        type_and_send(&browser, "demo_user", "a wrong one").await;
        assert!(text_of(&browser, "[role=alert]").await.contains("wrong"));
        type_and_send(&browser, "", "demo_password").await;
        press(&browser, "Allow").await;
        arrives(&browser, &callback).await;
    })
    .await;
}

/// The pages that no client leads to: a device's code, the connections, the end of both. One browser goes through all.
#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_person_allows_a_device_disconnects_it_denies_another_and_signs_out() {
    let realm = Realm::start().await;
    let issuer = realm.issuer().await;
    let (allowed, denied) = (Device::begin(&realm, &issuer).await, Device::begin(&realm, &issuer).await);
    let account = issuer.join("/account").unwrap();
    in_chromium(async move |browser| {
        browser.goto(&allowed.page).await.unwrap();
        sign_in(&browser).await;
        button(&browser, "Go on").await;
        assert!(text_of(&browser, "main").await.contains("Compare this code"));
        press(&browser, "Go on").await;
        button(&browser, "Deny").await;
        assert!(text_of(&browser, "main").await.contains("on a device in front of you"));
        press(&browser, "Allow").await;
        says(&browser, "Your device is connected").await;
        let token = allowed.poll().await;
        assert!(token["access_token"].is_string(), "{token}");
        browser.goto(account.as_str()).await.unwrap();
        press(&browser, "Disconnect").await;
        says(&browser, "No application has access").await;
        browser.goto(&denied.page).await.unwrap();
        press(&browser, "Go on").await;
        press(&browser, "Deny").await;
        says(&browser, "You denied this").await;
        assert_eq!(denied.poll().await["error"], "access_denied");
        browser.goto(account.as_str()).await.unwrap();
        press(&browser, "Sign out").await;
        button(&browser, "Sign in").await;
        browser.goto(account.as_str()).await.unwrap();
        button(&browser, "Sign in").await;
        assert_eq!(console(&browser).await, Vec::<String>::new());
    })
    .await;
}

/// authz and mcp-server on free ports, ended when dropped.
struct Realm {
    servers: Children,
    folder: TempDir,
}

impl Realm {
    async fn start() -> Self {
        // Built once for all tests: `cargo test` builds this package's programs only.
        static BUILT: OnceLock<Binaries> = OnceLock::new();
        verification_keys::install_crypto_providers();
        let folder = tempfile::tempdir().unwrap();
        let binaries = BUILT.get_or_init(|| Binaries::build(Beside::Tests).unwrap());
        let plan = Plan::isolated(binaries, folder.path()).unwrap();
        let servers = plan.start(&client(&ClientOptions::default()).unwrap()).await.unwrap();
        Self { servers, folder }
    }

    /// As the resource server names it.
    async fn issuer(&self) -> Url {
        let metadata = self.servers.addresses().server.join("/.well-known/oauth-protected-resource/mcp").unwrap();
        let http = client(&ClientOptions::default()).unwrap();
        let metadata: Value = http.get(metadata).send().await.unwrap().json().await.unwrap();
        metadata.pointer("/authorization_servers/0").and_then(Value::as_str).unwrap().parse().unwrap()
    }

    /// The client, registering itself and calling `get_time`, and where the browser has to come back to.
    fn client(&self) -> (Command, String) {
        let port = ports::free().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MCP_")) {
            command.env_remove(name);
        }
        command
            .args(["--no-browser", "call", "get_time", r#"{"timezone":"Asia/Tokyo"}"#, "--json"])
            .current_dir(self.folder.path())
            .env("MCP_SERVER_URL", self.servers.addresses().server.as_str())
            .env("MCP_CLIENT_STATE_DIR", self.folder.path().join("client-state"))
            .env("MCP_USE_DCR", "true")
            .env("MCP_CALLBACK_PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        (command, format!("http://localhost:{port}/callback"))
    }
}

/// A device of the demo client that waits for a person.
struct Device {
    page: String,
    code: String,
    token_endpoint: Url,
}

impl Device {
    async fn begin(realm: &Realm, issuer: &Url) -> Self {
        let resource = realm.servers.addresses().server.as_str();
        let asked = post(&issuer.join("/oauth2/device_authorization").unwrap(), &[("resource", resource)]).await;
        let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{asked}")).to_owned();
        Self {
            page: text("verification_uri_complete"),
            code: text("device_code"),
            token_endpoint: issuer.join("/oauth2/token").unwrap(),
        }
    }

    async fn poll(&self) -> Value {
        let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
        post(&self.token_endpoint, &[("grant_type", grant_type), ("device_code", &self.code)]).await
    }
}

async fn post(url: &Url, form: &[(&str, &str)]) -> Value {
    let http = client(&ClientOptions::default()).unwrap();
    let request = http.post(url.clone()).basic_auth("simple-mcp-client", Some("simple-mcp-secret-123")).form(form);
    request.send().await.unwrap().json().await.unwrap()
}

/// Waits until the page says it.
async fn says(browser: &Browser, words: &str) {
    shown(browser, Locator::XPath(&format!("//main[contains(normalize-space(.), '{words}')]"))).await;
}

/// Starts the client and reads on until it prints the page that a person has to open.
async fn asks_to_open(mut client: Command) -> (Child, Url) {
    let mut running = client.spawn().unwrap();
    let mut stderr = BufReader::new(running.stderr.take().unwrap());
    let mut seen = String::new();
    let url = async {
        loop {
            let start = seen.len();
            assert!(stderr.read_line(&mut seen).await.unwrap() > 0, "the client ended: {seen}");
            if let Some(url) = seen.get(start..).map(str::trim).filter(|line| line.starts_with("http")) {
                return url.parse().unwrap();
            }
        }
    };
    let url = timeout(PATIENCE, url).await.expect("the client prints a page to open");
    // What is left in the buffer is the end of the same notice.
    running.stderr = Some(stderr.into_inner());
    (running, url)
}

async fn rest_of_stderr(running: &mut Child) -> String {
    let mut text = String::new();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    while let Some(line) = timeout(PATIENCE, lines.next_line()).await.expect("the client ends").unwrap() {
        text.push_str(&line);
    }
    text
}

async fn ended(running: Child) -> Output {
    timeout(PATIENCE, running.wait_with_output()).await.expect("the client ends").unwrap()
}

/// The element, of this page or of the one that is about to come.
async fn shown(browser: &Browser, search: Locator<'_>) -> Element {
    browser.wait().at_most(PATIENCE).for_element(search).await.unwrap()
}

async fn text_of(browser: &Browser, css: &str) -> String {
    shown(browser, Locator::Css(css)).await.text().await.unwrap()
}

/// Each page is known by its buttons: seeing one means that the page before is gone.
async fn button(browser: &Browser, label: &str) -> Element {
    shown(browser, Locator::XPath(&format!("//button[normalize-space()='{label}']"))).await
}

async fn press(browser: &Browser, label: &str) {
    button(browser, label).await.click().await.unwrap();
}

async fn sign_in(browser: &Browser) {
    type_and_send(browser, "demo_user", "demo_password").await;
}

async fn type_and_send(browser: &Browser, username: &str, password: &str) {
    shown(browser, Locator::Css("input[autocomplete=username]")).await.send_keys(username).await.unwrap();
    shown(browser, Locator::Css("input[type=password]")).await.send_keys(password).await.unwrap();
    press(browser, "Sign in").await;
}

/// A redirect that the page's own `form-action` forbids would leave Chromium where it was.
async fn arrives(browser: &Browser, callback: &str) {
    let arrival = async {
        while !browser.current_url().await.unwrap().as_str().starts_with(callback) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let arrived = timeout(PATIENCE, arrival).await.is_ok();
    assert!(arrived, "still at {}: {:?}", browser.current_url().await.unwrap(), console(browser).await);
}

/// What the browser had to say about the page: violations of its Content-Security-Policy stand here.
async fn console(browser: &Browser) -> Vec<String> {
    let entries = browser.issue_cmd(ReadConsole).await.unwrap();
    let messages = entries.as_array().unwrap().iter().map(|entry| entry["message"].to_string());
    // Every browser asks for this picture, which nobody has.
    messages.filter(|message| !message.contains("favicon.ico")).collect()
}

#[derive(Debug)]
struct ReadConsole;

impl WebDriverCompatibleCommand for ReadConsole {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// Runs `visit` with a fresh Chromium, and ends that also when `visit` panics.
async fn in_chromium<V, F, T>(visit: V) -> T
where
    V: FnOnce(Browser) -> F,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut driver = start_driver();
    let port = announced_port(&mut driver).await;
    let profile = tempfile::tempdir().unwrap();
    let browser = ClientBuilder::new(HttpConnector::new())
        .capabilities(serde_json::from_value(capabilities(&profile)).unwrap())
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .expect("Chromium starts");
    let outcome = tokio::spawn(visit(browser.clone())).await;
    browser.close().await.expect("Chromium ends");
    driver.kill().await.expect("chromedriver ends");
    outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn start_driver() -> Child {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().expect("chromedriver starts")
}

/// Chosen by chromedriver, so that it is free: `ChromeDriver was started successfully on port 38033.`
async fn announced_port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = timeout(PATIENCE, lines.next_line()).await.expect("chromedriver listens").unwrap() {
        if let Some((_, port)) = line.split_once("successfully on port ") {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver ended before it listened");
}

fn capabilities(profile: &TempDir) -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        &format!("--user-data-dir={}", profile.path().display()),
    ];
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": arguments },
    })
}
