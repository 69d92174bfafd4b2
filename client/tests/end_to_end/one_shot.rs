//! `client call …`: one real sign-in, one answer on stdout, no second sign-in, and exit codes for scripts.

use client::demo::{browser::Decision, ports, servers::Servers as _};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use url::Url;

use crate::{
    realm::Realm,
    terminal::{Terminal, stderr, stdout},
};

const CALL: [&str; 4] = ["call", "get_time", r#"{"timezone":"Asia/Tokyo"}"#, "--json"];

async fn signed_in() -> (Realm, Terminal) {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    let (output, page) = terminal.run_and_sign_in(&CALL, &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(page.status.is_success(), "the browser ends on a page of the client");
    let printed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(printed.to_string().contains("+09:00"), "{printed}");
    (realm, terminal)
}

#[tokio::test]
async fn signs_in_once_prints_the_answer_and_needs_no_login_the_second_time_even_without_authz() {
    let (mut realm, terminal) = signed_in().await;
    terminal.forget_asking();
    realm.servers.stop_authz().await.unwrap();
    let output = terminal.run(&["whoami", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(realm.server().as_str()), "{}", stdout(&output));
    assert!(!terminal.has_asked(), "the second start must not open a browser");
}

#[tokio::test]
async fn what_is_kept_can_be_read_by_its_owner_only() {
    let (_realm, terminal) = signed_in().await;
    let mut folders = vec![terminal.state_folder()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
                files += 1;
            }
        }
    }
    assert!(files > 0, "the token is kept");
}

#[tokio::test]
async fn a_client_that_registers_itself_signs_in_as_well() {
    let realm = Realm::start().await;
    let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
    terminal.set("MCP_USE_DCR", "true");
    let (output, _) = terminal.run_and_sign_in(&["list"], &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("get_time") && stdout(&output).contains("whoami"), "{}", stdout(&output));
}

#[tokio::test]
async fn a_person_who_says_no_is_exit_code_3() {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    let (output, _) = terminal.run_and_sign_in(&CALL, &mut realm.browser(None), Decision::Deny).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[tokio::test]
async fn every_verb_of_the_prompt_is_a_command_with_json() {
    let (realm, terminal) = signed_in().await;
    for (arguments, holds) in [
        (&["list"][..], "get_time"),
        (&["call", "get_time", "timezone=Asia/Tokyo"], "+09:00"),
        (&["resources"], "user://profile"),
        (&["read", "user://profile"], "user_id"),
        (&["prompts"], "summarize_notes"),
        (&["prompt", "summarize_notes", "topic=tea"], "tea"),
        (&["whoami"], realm.server().as_str()),
        (&["token"], "at+jwt"),
        (&["login"], "seconds_left"),
    ] {
        let output = terminal.run(&[arguments, &["--json"]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        serde_json::from_str::<Value>(&stdout(&output)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert!(stdout(&output).contains(holds), "{arguments:?}: {}", stdout(&output));
    }
    let shown = stdout(&terminal.run(&["token"]).await);
    let raw = stdout(&terminal.run(&["token", "--reveal"]).await);
    assert!(shown.contains("aud") && shown.contains("min") && shown.contains(" left"), "{shown}");
    assert!(raw.starts_with("eyJ") && !shown.contains("eyJ") && !shown.contains('\u{1b}'), "{shown}");
    assert_eq!(terminal.run(&["logout"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_trace_tells_the_whole_login_in_order_and_no_secret() {
    let realm = Realm::start().await;
    let mut terminal = Terminal::new(realm.folder.path(), &realm.server());
    let file = realm.folder.path().join("trace.jsonl");
    terminal.set("MCP_CLIENT_TRACE_FILE", file.to_str().unwrap());
    let traced = [&["--trace"], &CALL[..]].concat();
    let (output, _) = terminal.run_and_sign_in(&traced, &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = std::fs::read_to_string(&file).unwrap();
    let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = steps.iter().map(|step| step["kind"].as_str().unwrap()).collect();
    let login = [
        "unauthenticated_request",
        "resource_metadata",
        "issuer_metadata",
        "authorization_request",
        "callback",
        "token_request",
    ];
    assert_eq!(kinds[..6], login, "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"call_tool"), "{kinds:?}");
    let shown = stderr(&output);
    let numbered = shown.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(numbered, steps.len(), "{shown}");
    assert!(shown.contains("grant_type=authorization_code") && shown.contains("tools/call get_time → 200"), "{shown}");
    let token = stdout(&terminal.run(&["token", "--reveal"]).await);
    for told in [&shown, &text] {
        assert!(!told.contains(token.trim()) && !told.contains("simple-mcp-secret-123"), "{told}");
    }
}

#[tokio::test]
async fn wrong_use_tool_errors_and_a_missing_server_have_codes_of_their_own() {
    let (_realm, terminal) = signed_in().await;
    for (arguments, code) in [
        (&["call", "get_time", "not json"][..], 2),
        (&["call", "get_time", "zone=Asia/Tokyo"], 2),
        (&["call", "list_secure_notes", "limit=many"], 2),
        (&["no-such-command"][..], 2),
        (&["call", "no_such_tool"][..], 4),
        (&["call", "get_time", r#"{"timezone":"Mars/Olympus"}"#][..], 4),
    ] {
        let output = terminal.run(arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    }
    let nobody = Url::parse(&format!("http://localhost:{}/mcp", ports::free().unwrap())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = Terminal::new(folder.path(), &nobody).run(&["list"]).await;
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
}
