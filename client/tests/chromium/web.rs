//! The page of `client web`: login, call, step-up, each refusal and logout, and the steps that the diagram tells of them.

use super::*;

/// A step of the diagram: who asks whom, for what, with what outcome, and where that is written.
type Told = (&'static str, &'static str, &'static str, &'static str);

const SIGN_IN: [Told; 7] = [
    ("client → mcp-server", "POST /mcp server/discover", "401", "RFC 9728 §5.1"),
    ("client → mcp-server", "GET /.well-known/oauth-protected-resource/mcp", "200", "RFC 9728 §3"),
    ("client → authz", "GET /.well-known/oauth-authorization-server", "200", "RFC 8414 §3"),
    ("browser → authz", "GET /oauth2/authorize", "the person", "OAuth 2.1 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1"),
    ("browser → client", "GET /callback", "the code", "OAuth 2.1 §4.1.2, RFC 9207 §2"),
    (
        "client → authz",
        "POST /oauth2/token authorization_code",
        "200",
        "OAuth 2.1 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2",
    ),
    ("client → mcp-server", "POST /mcp server/discover", "200", "MCP 2026-07-28 server/discover, RFC 6750 §2.1"),
];

const FETCH: [Told; 4] = [
    ("client → mcp-server", "POST /mcp tools/list", "200", "MCP tools, RFC 6750 §2.1"),
    ("client → mcp-server", "POST /mcp resources/list", "200", "MCP resources, RFC 6750 §2.1"),
    ("client → mcp-server", "POST /mcp resources/templates/list", "200", "MCP resources, RFC 6750 §2.1"),
    ("client → mcp-server", "POST /mcp prompts/list", "200", "MCP prompts, RFC 6750 §2.1"),
];

const CALL: Told = ("client → mcp-server", "POST /mcp tools/call get_time", "200", "MCP tools, RFC 6750 §2.1");
const NOTE: Told =
    ("client → mcp-server", "POST /mcp tools/call create_secure_note", "200", "MCP tools, RFC 6750 §2.1");
const STEP_UP: &str = "RFC 6750 §3.1 insufficient_scope, MCP scope challenge handling";
const FLAWED: Told = ("client → authz", "POST /demo/flawed-token", "200", "no RFC: this is for demonstrations");

const REFUSALS: [(&str, &str); 4] = [
    ("Expired token", "token_expired"),
    ("Wrong audience", "audience_mismatch"),
    ("Forged signature", "signature_invalid"),
    ("Missing scope", "insufficient_scope"),
];

/// What the whole visit leads to.
fn expected() -> Vec<Told> {
    let refused =
        |reason| ("client → mcp-server", "POST /mcp tools/call get_time", reason, "RFC 6750 §3.1 invalid_token");
    let forbidden = ("client → mcp-server", "POST /mcp tools/call create_secure_note", "insufficient_scope", STEP_UP);
    let mut all = SIGN_IN.to_vec();
    all.extend(FETCH);
    all.extend([CALL, forbidden]);
    // The server is known; what is new is the person's answer, the token, and a session with it.
    all.extend(SIGN_IN.get(1..).unwrap());
    all.extend(FETCH.get(..1).unwrap());
    all.push(NOTE);
    all.extend([FLAWED, refused("token_expired"), FLAWED, refused("audience_mismatch"), refused("signature_invalid")]);
    all.extend([("client → authz", "POST /oauth2/token refresh_token", "200", "OAuth 2.1 §4.3.1"), forbidden]);
    all.extend(SIGN_IN.get(..3).unwrap());
    all.push(("client → authz", "POST /revoke", "200", "RFC 7009 §2.1"));
    all
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_visitor_sees_every_step_from_the_first_401_to_the_revocation() {
    let realm = Realm::start().await;
    let (_client, page) = serve(&realm).await;
    in_chromium(async move |browser| {
        browser.goto(&page).await.unwrap();
        press(&browser, "Log in").await;
        go(&browser).await;
        super::sign_in(&browser).await;
        press(&browser, "Allow").await;
        heading(&browser, "Who you are").await;
        press(&browser, "Fetch MCP data").await;
        heading(&browser, "Tools").await;
        call(&browser, "get_time", &[("timezone", "Asia/Tokyo")]).await;
        heading(&browser, "Answer of get_time").await;
        assert!(text_of(&browser, "#result").await.contains("+09:00"));
        call(&browser, "create_secure_note", &[("content", "Buy milk.")]).await;
        heading(&browser, "Your turn").await;
        assert!(text_of(&browser, ".turn").await.contains("create_secure_note needs more"));
        go(&browser).await;
        press(&browser, "Allow").await;
        heading(&browser, "Answer of create_secure_note").await;
        for (button, reason) in REFUSALS {
            press(&browser, button).await;
            heading(&browser, button).await;
            let shown = text_of(&browser, "#result").await;
            assert!(shown.contains(&format!("\"reason\":\"{reason}\"")) && shown.contains("HTTP 40"), "{shown}");
        }
        press(&browser, "Log out").await;
        button(&browser, "Log in").await;
        assert_steps(&browser, &expected()).await;
        assert_eq!(console(&browser).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_diagram_grows_by_itself_and_each_step_opens_with_the_keyboard() {
    let realm = Realm::start().await;
    let (_client, page) = serve(&realm).await;
    in_chromium(async move |browser| {
        browser.goto(&page).await.unwrap();
        let (first, second) = (browser.window().await.unwrap(), browser.new_window(true).await.unwrap().handle);
        browser.switch_to_window(second.clone()).await.unwrap();
        browser.goto(&format!("{page}/watch")).await.unwrap();
        browser.switch_to_window(first).await.unwrap();
        shown(&browser, Locator::XPath("//input[@value='dynamic']")).await.click().await.unwrap();
        press(&browser, "Log in").await;
        heading(&browser, "Your turn").await;
        browser.switch_to_window(second).await.unwrap();
        let registration = shown(&browser, Locator::Css("#step-4 summary")).await;
        assert!(registration.text().await.unwrap().contains("POST /register"));
        browser.execute("document.querySelector('#step-4 summary').focus()", Vec::new()).await.unwrap();
        registration.send_keys("\u{e007}").await.unwrap();
        let exchange = text_of(&browser, "#step-4 .exchange").await;
        for part in ["introduces itself", "RFC 7591 §3", "redirect_uris", "201", "client_id"] {
            assert!(exchange.contains(part), "{part} in {exchange}");
        }
        assert_eq!(console(&browser).await, Vec::<String>::new());
    })
    .await;
}

/// `client web` beside the servers of `realm`, and where it is.
async fn serve(realm: &Realm) -> (Child, String) {
    let port = ports::free().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MCP_")) {
        command.env_remove(name);
    }
    command
        .arg("web")
        .current_dir(realm.folder.path())
        .env("MCP_SERVER_URL", realm.servers.addresses().server.as_str())
        .env("MCP_CLIENT_STATE_DIR", realm.folder.path().join("client-state"))
        .env("MCP_CLIENT_WEB_PORT", port.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let client = command.spawn().unwrap();
    let page = format!("http://localhost:{port}");
    let http = super::client(&ClientOptions::default()).unwrap();
    let ready = async {
        while http.get(format!("{page}/readyz")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, ready).await.expect("the page is served");
    (client, page)
}

/// Follows the link to the authorization server.
async fn go(browser: &Browser) {
    shown(browser, Locator::Css("#go")).await.click().await.unwrap();
}

async fn heading(browser: &Browser, words: &str) {
    shown(browser, Locator::XPath(&format!("//*[self::h1 or self::h2][normalize-space()='{words}']"))).await;
}

/// Fills in the form of a tool, and sends it.
async fn call(browser: &Browser, tool: &str, fields: &[(&str, &str)]) {
    let summary = format!("//summary[span[normalize-space()='{tool}']]");
    shown(browser, Locator::XPath(&summary)).await.click().await.unwrap();
    for (name, value) in fields {
        let field = format!("#tool-{tool} [name='arg.{name}']");
        shown(browser, Locator::Css(&field)).await.send_keys(value).await.unwrap();
    }
    press(browser, &format!("Call {tool}")).await;
}

/// The diagram shows exactly these steps, in this order.
async fn assert_steps(browser: &Browser, expected: &[Told]) {
    const READ: &str = "return [...document.querySelectorAll('#steps > li')].map((step) => [
        step.querySelector('.who').textContent, step.querySelector('code').textContent,
        step.querySelector('.answer').textContent, step.dataset.reference])";
    let steps = browser.execute(READ, Vec::new()).await.unwrap();
    let steps: Vec<[String; 4]> = serde_json::from_value(steps).unwrap();
    for (number, ([who, what, answer, reference], told)) in steps.iter().zip(expected).enumerate() {
        let same = (who.as_str(), what.as_str(), reference.as_str()) == (told.0, told.1, told.3);
        assert!(
            same && answer.contains(told.2),
            "step {}: {who}, {what}, {answer}, {reference}; not {told:?}",
            number + 1
        );
    }
    assert_eq!(steps.len(), expected.len(), "{steps:#?}");
}
