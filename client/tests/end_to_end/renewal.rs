//! A token's life after the sign-in, between the real programs: renewed without the person, widened when a tool needs
//! more, given back at the end.

use client::demo::browser::Decision;
use http::StatusCode;
use serde_json::Value;
use std::{fs, path::PathBuf, process::Output};
use url::form_urlencoded;

use crate::{
    realm::Realm,
    terminal::{Terminal, stderr, stdout},
};

async fn signed_in(realm: &Realm, terminal: &Terminal) {
    let (output, _) = terminal.run_and_sign_in(&["list"], &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    terminal.forget_asking();
}

fn went_well(output: &Output, terminal: &Terminal) {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    assert!(!terminal.has_asked(), "nobody has to sign in for this");
}

/// The one token file of this client.
fn token_file(terminal: &Terminal) -> PathBuf {
    let files = fs::read_dir(terminal.state_folder().join("tokens")).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "json")).unwrap()
}

fn kept(terminal: &Terminal) -> Value {
    serde_json::from_slice(&fs::read(token_file(terminal)).unwrap()).unwrap()
}

/// Makes the client believe that its token is old, and says what was kept.
fn expire(terminal: &Terminal) -> Value {
    let mut token = kept(terminal);
    token["expires_at"] = Value::from(0);
    fs::write(token_file(terminal), token.to_string()).unwrap();
    token
}

#[tokio::test]
async fn a_token_is_renewed_without_the_person_also_by_many_processes_at_once() {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    signed_in(&realm, &terminal).await;
    let before = expire(&terminal);
    went_well(&terminal.run(&["whoami"]).await, &terminal);
    let after = kept(&terminal);
    assert_ne!(before["access_token"], after["access_token"]);
    assert_ne!(before["refresh_token"], after["refresh_token"], "refresh tokens rotate");
    let before = expire(&terminal);
    let (a, b, c) = tokio::join!(terminal.run(&["whoami"]), terminal.run(&["list"]), terminal.run(&["whoami"]));
    for output in [a, b, c] {
        went_well(&output, &terminal);
    }
    assert_ne!(before["refresh_token"], kept(&terminal)["refresh_token"]);
}

#[tokio::test]
async fn a_tool_that_needs_more_scope_leads_to_one_more_consent_and_its_answer() {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    signed_in(&realm, &terminal).await;
    let note = ["call", "create_secure_note", r#"{"content":"remember the milk"}"#];
    let (output, _) = terminal.run_and_sign_in(&note, &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    terminal.forget_asking();
    let output = terminal.run(&["call", "list_secure_notes"]).await;
    went_well(&output, &terminal);
    assert!(stdout(&output).contains("remember the milk"), "{}", stdout(&output));
    assert_eq!(kept(&terminal)["requested_scope"], "mcp:read mcp:write");
}

#[tokio::test]
async fn a_logout_ends_the_grant_at_the_issuer_as_well() {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    signed_in(&realm, &terminal).await;
    let refresh_token = kept(&terminal)["refresh_token"].as_str().unwrap().to_owned();
    went_well(&terminal.run(&["logout"]).await, &terminal);
    let (_, endpoints) = realm.discover().await.unwrap();
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", &refresh_token)
        .finish();
    let renewal = (realm.http.post(endpoints.token.clone()))
        .basic_auth("simple-mcp-client", Some("simple-mcp-secret-123"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer = renewal.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let refused: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(refused["error"], "invalid_grant");
}
