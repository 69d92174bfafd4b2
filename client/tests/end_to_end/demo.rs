//! `cargo demo` with a person played by the test, and `cargo demo -- --check` as it is run in CI.

use client::demo::{
    browser::{Browser, Decision},
    children::Plan,
    demo_person, ports,
    servers::ServerError,
};
use std::{
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

use crate::{
    realm::{Realm, binaries, http},
    terminal::{appears, stderr, stdout},
};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_check_passes_and_says_so() {
    binaries();
    let check = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--check", "--beside-tests"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, check).await.expect("the check ends").unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{errors}");
    assert_eq!(printed.lines().last(), Some("demo: ok"), "{printed}");
    for word in
        ["challenge", "consent", "kid=", "signature_invalid", "audience_mismatch", "opaque_token", "would_refuse"]
    {
        assert!(printed.contains(word), "{word} is missing from\n{printed}");
    }
}

#[tokio::test]
async fn a_taken_port_is_one_sentence_with_the_port_and_the_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .env("MCP_RESOURCE_PORT", &port)
        .env("MCP_AUTH_PORT", ports::free().unwrap().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, demo).await.expect("the demo ends").unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    let sentence = errors.lines().last().unwrap_or_default();
    assert!(sentence.contains(&port) && sentence.contains("MCP_RESOURCE_PORT"), "{errors}");
}

#[tokio::test]
async fn a_taken_callback_port_is_told_before_anything_is_built_or_opened() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .env("MCP_RESOURCE_PORT", ports::free().unwrap().to_string())
        .env("MCP_AUTH_PORT", ports::free().unwrap().to_string())
        .env("MCP_CALLBACK_PORT", &port)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, demo).await.expect("the demo ends").unwrap();
    let errors = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains(&port) && errors.contains("MCP_CALLBACK_PORT") && !errors.contains("Compiling"),
        "{errors}"
    );
}

/// `cargo demo` at free ports, with all that it keeps in `folder`.
struct Demo {
    process: Child,
    ports: [u16; 2],
}

impl Demo {
    /// Starts it, and signs in where it asks to.
    async fn start(folder: &Path) -> Self {
        binaries();
        let ports = [ports::free().unwrap(), ports::free().unwrap()];
        let page = folder.join("page-to-open");
        let process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["--beside-tests", "--logs"])
            .arg(folder)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end"))
            .env("BROWSER", "./browser.sh")
            .env("PAGE_TO_OPEN", &page)
            .env("MCP_AUTH_PORT", ports[0].to_string())
            .env("MCP_RESOURCE_PORT", ports[1].to_string())
            .env("MCP_AUTH_DATABASE_URL", format!("sqlite:{}", folder.join("authz.db").display()))
            .env("MCP_AUTH_KEY_DIR", folder.join("keys"))
            .env("MCP_CLIENT_STATE_DIR", folder.join("client-state"))
            .env("MCP_CALLBACK_PORT", ports::free().unwrap().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = timeout(PATIENCE, appears(&page)).await.expect("the demo opens a browser");
        Browser::new(http(), None).walk(&url, &demo_person(), Decision::Allow).await.unwrap();
        Self { process, ports }
    }

    async fn end(self) -> Output {
        let output = timeout(PATIENCE, self.process.wait_with_output()).await.expect("the demo ends").unwrap();
        for port in self.ports {
            assert!(ports::is_free(port), "a server has outlived the demo");
        }
        output
    }
}

#[tokio::test]
async fn a_newcomer_is_told_what_happens_signs_in_calls_a_tool_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path()).await;
    demo.process.stdin.take().unwrap().write_all(b"call get_time\nquit\n").await.unwrap();
    let ports = demo.ports;
    let output = demo.end().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = stdout(&output);
    for port in ports {
        assert!(printed.contains(&format!("http://localhost:{port}")), "{printed}");
    }
    assert!(!printed.contains("Connected to"), "one greeting is enough: {printed}");
    for words in ["demo_user", "demo_password", "authz.log", "mcp-server.log", "\"time\""] {
        assert!(printed.contains(words), "{words} is missing from\n{printed}");
    }
}

#[tokio::test]
async fn an_interrupt_ends_all_three() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path()).await;
    let interrupt = format!("kill -INT {}", demo.process.id().unwrap());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().await.unwrap().success());
    assert_eq!(demo.end().await.status.code(), Some(130));
}

#[tokio::test]
async fn a_panic_ends_the_servers_too() {
    let (send, receive) = tokio::sync::oneshot::channel();
    let panicked = tokio::spawn(async move {
        let realm = Realm::start().await;
        send.send(realm.server().port().unwrap()).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert!(ports::is_free(receive.await.unwrap()), "a server has outlived a panic");
}

#[tokio::test]
async fn a_server_that_does_not_start_is_named_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::isolated(binaries(), folder.path()).unwrap();
    plan.authz.set("MCP_AUTH_RESOURCES", "nonsense");
    let error = plan.start(&http()).await.unwrap_err();
    assert!(matches!(&error, ServerError::Ended { name: "authz", .. }), "{error}");
    assert!(error.to_string().contains("MCP_AUTH_RESOURCES"), "{error}");
}
