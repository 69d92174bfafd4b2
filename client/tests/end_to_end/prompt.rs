//! The prompt: the same verbs as the commands, and what only the prompt has: servers, connecting, the trace.

use client::demo::browser::Decision;
use serde_json::json;
use std::fs;

use crate::{
    realm::Realm,
    terminal::{Terminal, stderr, stdout},
};

#[tokio::test]
async fn one_prompt_talks_to_several_servers_and_traces_when_told_to() {
    let realm = Realm::start().await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    let (output, _) = terminal.run_and_sign_in(&["list"], &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let file = realm.folder.path().join("servers.json");
    let url = realm.server().to_string();
    fs::write(&file, json!({"servers": {"a": {"url": url}, "b": {"url": url}}}).to_string()).unwrap();

    let lines = "servers\ncall get_time {\"timezone\": \"Asia/Tokyo\"}\nconnect b\nservers\ntrace on\n\
                 call get_time timezone=Europe/Berlin\ntrace off\nwhoami --json\nlst\nconnect nowhere\nhelp token\nquit\n";
    let output = terminal.run_lines(&["--config", file.to_str().unwrap(), "--server", "a"], lines).await;
    let (said, complained) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{complained}");
    for part in ["* a  ", "  b  ", "+09:00", "* b  ", "Europe/Berlin", "\"content\"", "--reveal"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(complained.matches("tools/call get_time → 200").count(), 1, "{complained}");
    assert!(complained.contains("Unrecognized subcommand 'lst'") && complained.contains("it may be a, b, or a URL"));
    assert!(!said.contains('\u{1b}') && !complained.contains('\u{1b}'), "no styles where no terminal is");
}
