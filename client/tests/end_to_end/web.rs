//! `client web` on https, and the way to introduce itself that only https has: by its own metadata document.

use client::demo::{
    browser::{Arrival, Browser, Decision, Page, forms},
    demo_person, ports,
};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::process::{Child, Command};
use url::Url;
use verification_keys::http::{ClientOptions, client};

use crate::realm::Realm;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_page_on_https_signs_in_with_its_own_metadata_document() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let realm = Realm::start_with(|plan| {
        std::fs::write(plan.authz.folder.join("cert.pem"), &pem).unwrap();
        std::fs::write(plan.authz.folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        plan.authz.settings.push(("MCP_CA_CERT", "cert.pem".to_owned()));
    })
    .await;
    let http = client(&ClientOptions { extra_ca_pem: Some(pem.into_bytes()), ..ClientOptions::default() }).unwrap();
    let (_serving, page) = serve(realm.folder.path(), &realm.server(), &http).await;
    let mut browser = Browser::new(http, None);

    let start = shown(browser.open(&page).await);
    assert!(start.body.contains("value=\"pre-registered\" disabled"), "the demo's client is for http: {}", start.body);
    let sign_in = forms(&start.body).into_iter().find(|form| form.action == "/sign-in").expect("the form to sign in");
    let turn = shown(browser.submit(&start, &sign_in, &[("way", "document")], None).await);
    let visit = visit_of(&turn);
    let identifier = page.join("/client-metadata.json").unwrap();
    assert!(visit.query_pairs().any(|(name, value)| name == "client_id" && value == identifier.as_str()), "{visit}");

    let back = shown(browser.walk(&visit, &demo_person(), Decision::Allow).await);
    assert_eq!(back.url.origin(), page.origin(), "{}", back.body);
    assert!(back.body.contains("Who you are") && back.body.contains(identifier.as_str()), "{}", back.body);
}

/// Where the page sends the person.
fn visit_of(page: &Page) -> Url {
    let (_, link) = page.body.split_once("id=\"go\" href=\"").expect("a link to authz");
    let (link, _) = link.split_once('"').unwrap();
    Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).unwrap()
}

fn shown<E: std::fmt::Debug>(arrival: Result<Arrival, E>) -> Page {
    match arrival.unwrap() {
        Arrival::Page(page) => page,
        Arrival::Client(_) => unreachable!("this browser follows every redirect"),
    }
}

async fn serve(folder: &Path, server: &Url, http: &reqwest::Client) -> (Child, Url) {
    let port = ports::free().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MCP_")) {
        command.env_remove(name);
    }
    command
        .args(["web", "--tls-cert", "cert.pem", "--tls-key", "key.pem"])
        .current_dir(folder)
        .env("MCP_SERVER_URL", server.as_str())
        .env("MCP_CLIENT_STATE_DIR", folder.join("client-state"))
        .env("MCP_CLIENT_WEB_PORT", port.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let serving = command.spawn().unwrap();
    let page = Url::parse(&format!("https://localhost:{port}")).unwrap();
    let ready = async {
        while http.get(page.join("/readyz").unwrap()).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("the page is served");
    (serving, page)
}
