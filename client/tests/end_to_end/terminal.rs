//! The client program, with a browser that is a test: it notes the page that it is to open, and the test plays the person.

use client::demo::{
    browser::{Arrival, Browser, Decision, Page},
    demo_person, ports,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(30);

/// One person's client: its state lives in `folder`.
pub(crate) struct Terminal {
    folder: PathBuf,
    server: Url,
    callback_port: u16,
    settings: Vec<(&'static str, String)>,
}

impl Terminal {
    pub(crate) fn new(folder: &Path, server: &Url) -> Self {
        let callback_port = ports::free().unwrap();
        Self { folder: folder.to_owned(), server: server.clone(), callback_port, settings: Vec::new() }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.push((name, value.to_owned()));
    }

    /// Runs the client; nobody sits before the browser.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let running = self.command(arguments).output();
        tokio::time::timeout(PATIENCE, running).await.expect("the client ends").unwrap()
    }

    /// Starts the client, with somebody at the keyboard.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs the prompt, and types `lines`.
    pub(crate) async fn run_lines(&self, arguments: &[&str], lines: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(lines.as_bytes()).await.unwrap();
        drop(input);
        tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the client ends").unwrap()
    }

    /// Runs the client and answers the page that it opens.
    pub(crate) async fn run_and_sign_in(
        &self,
        arguments: &[&str],
        browser: &mut Browser,
        decision: Decision,
    ) -> (Output, Page) {
        let asked = self.asked_page();
        let _ = fs::remove_file(&asked);
        let person = async {
            let url = appears(&asked).await;
            match browser.walk(&url, &demo_person(), decision).await.unwrap() {
                Arrival::Page(page) => page,
                Arrival::Client(_) => unreachable!("this browser goes on to the client"),
            }
        };
        tokio::join!(self.run(arguments), async { tokio::time::timeout(PATIENCE, person).await.expect("a sign-in") })
    }

    /// Whether the client has opened a browser since the last sign-in.
    pub(crate) fn has_asked(&self) -> bool {
        self.asked_page().exists()
    }

    pub(crate) fn forget_asking(&self) {
        let _ = fs::remove_file(self.asked_page());
    }

    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.join("client-state")
    }

    pub(crate) fn asked_page(&self) -> PathBuf {
        self.folder.join("page-to-open")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        let ours = |name: &str| name.starts_with("MCP_") || name == "RUST_LOG";
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end"))
            .env("BROWSER", "./browser.sh")
            .env("PAGE_TO_OPEN", self.asked_page())
            .env("MCP_SERVER_URL", self.server.as_str())
            .env("MCP_CLIENT_STATE_DIR", self.state_folder())
            .env("MCP_CALLBACK_PORT", self.callback_port.to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// The page that a browser was told to open, once it was.
pub(crate) async fn appears(file: &Path) -> Url {
    loop {
        if let Some(url) = fs::read_to_string(file).ok().and_then(|text| text.parse().ok()) {
            return url;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
