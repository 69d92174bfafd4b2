//! Other ways to a token than a browser on this computer, between the real programs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client::{
    demo::{
        browser::{Arrival, Browser, Decision, Page},
        demo_person,
    },
    oauth::signing::SigningKey,
};
use serde_json::{Value, json};
use std::fs;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use url::Url;

use crate::{
    identity_provider,
    realm::{Realm, random},
    terminal::{Terminal, appears, stderr, stdout},
};

const WHOAMI: [&str; 2] = ["whoami", "--json"];

/// authz with these clients of its operator.
async fn realm_with(clients: &Value, trusted: &str) -> Realm {
    let clients = clients.to_string();
    Realm::start_with(|plan| {
        fs::write(plan.authz.folder.join("clients.json"), clients).unwrap();
        plan.authz.set("MCP_AUTH_CLIENTS_FILE", "clients.json");
        plan.authz.set("MCP_AUTH_TRUSTED_ASSERTION_ISSUERS", trusted);
    })
    .await
}

#[tokio::test]
async fn a_program_with_a_key_calls_a_tool_and_nobody_signs_in() {
    let random = random();
    let pkcs8 = SigningKey::generate_p256(&random).unwrap();
    let mut public = SigningKey::p256(&pkcs8, &random).unwrap().public_jwk().unwrap();
    public["kid"] = json!("k1");
    let robot = json!({
        "client_id": "robot",
        "client_name": "Robot",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public]},
        "grant_types": ["client_credentials"],
    });
    let realm = realm_with(&json!([robot]), "").await;
    let key = realm.folder.path().join("key.pem");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
    fs::write(&key, pem).unwrap();
    let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
    terminal.set("MCP_CLIENT_GRANT", "client-credentials");
    terminal.set("MCP_CLIENT_ID", "robot");
    terminal.set("MCP_CLIENT_PRIVATE_KEY", key.to_str().unwrap());
    terminal.set("MCP_CLIENT_PRIVATE_KEY_ID", "k1");
    let output = terminal.run(&WHOAMI).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("robot"), "{}", stdout(&output));
    assert!(!terminal.has_asked());
    terminal.set("MCP_CLIENT_PRIVATE_KEY_ID", "another");
    fs::remove_dir_all(terminal.state_folder()).unwrap();
    let output = terminal.run(&WHOAMI).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("invalid_client"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_person_whom_the_organisation_vouches_for_calls_a_tool() {
    let provider = identity_provider::start("reports").await;
    let reports = json!({
        "client_id": "reports",
        "client_secret": "reports-secret-0123456789",
        "client_name": "Reports",
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    });
    let realm = realm_with(&json!([reports]), &provider).await;
    let id_token = realm.folder.path().join("id-token");
    fs::write(&id_token, identity_provider::ID_TOKEN).unwrap();
    let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
    terminal.set("MCP_CLIENT_GRANT", "enterprise");
    terminal.set("MCP_CLIENT_ID", "reports");
    terminal.set("MCP_CLIENT_SECRET", "reports-secret-0123456789");
    terminal.set("MCP_CLIENT_IDP_ISSUER", &provider);
    terminal.set("MCP_CLIENT_IDP_ID", identity_provider::CLIENT);
    terminal.set("MCP_CLIENT_IDP_TOKEN_FILE", id_token.to_str().unwrap());
    let output = terminal.run(&WHOAMI).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("reports"), "{}", stdout(&output));
    assert!(!terminal.has_asked());
    fs::write(&id_token, "a.b.c").unwrap();
    fs::remove_dir_all(terminal.state_folder()).unwrap();
    let output = terminal.run(&WHOAMI).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("identity provider"), "{}", stderr(&output));
}

/// What the person at the other device sees after `decision`.
async fn decide_elsewhere(browser: &mut Browser, link: &Url, decision: Decision) -> Page {
    let page = |arrival| match arrival {
        Arrival::Page(page) => page,
        Arrival::Client(_) => panic!("an answer for a client"),
    };
    let login = page(browser.open(link).await.unwrap());
    let code = page(browser.sign_in(&login, &demo_person()).await.unwrap());
    let form = client::demo::browser::forms(&code.body).into_iter().find(|form| form.is_post).unwrap();
    let consent = page(browser.submit(&code, &form, &[], None).await.unwrap());
    page(browser.decide(&consent, decision).await.unwrap())
}

#[tokio::test]
async fn a_person_signs_in_on_another_device() {
    let realm = Realm::start().await;
    for (decision, exit) in [(Decision::Deny, 3), (Decision::Allow, 0)] {
        let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
        terminal.set("MCP_CLIENT_GRANT", "device-code");
        let mut running = terminal.start(&WHOAMI);
        let mut told = BufReader::new(running.stderr.take().unwrap()).lines();
        let link = loop {
            let line = told.next_line().await.unwrap().expect("a link with the code");
            if line.contains("user_code=") {
                break line.trim().parse().unwrap();
            }
        };
        decide_elsewhere(&mut realm.browser(None), &link, decision).await;
        let output = running.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(exit));
        assert_eq!(stdout(&output).contains(realm.server().as_str()), exit == 0);
        assert!(!terminal.has_asked());
    }
}

#[tokio::test]
async fn a_code_that_the_page_shows_is_pasted() {
    let realm = Realm::start().await;
    let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
    terminal.set("MCP_USE_DCR", "true");
    terminal.set("MCP_CLIENT_REDIRECT_URI", "urn:ietf:wg:oauth:2.0:oob");
    terminal.set("MCP_CALLBACK_PORT", "");
    let mut running = terminal.start(&WHOAMI);
    let url = appears(&terminal.asked_page()).await;
    let shown = realm.browser(None).walk(&url, &demo_person(), Decision::Allow).await.unwrap();
    let Arrival::Page(page) = shown else { panic!("an answer for a client") };
    let (_, rest) = page.body.split_once("<code class=\"copy\">").expect("a code to copy");
    let code = rest.split('<').next().unwrap();
    let mut keyboard = running.stdin.take().unwrap();
    keyboard.write_all(format!("{code}\n").as_bytes()).await.unwrap();
    let output = running.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(realm.server().as_str()), "{}", stdout(&output));
}
