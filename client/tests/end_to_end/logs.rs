//! No log of any process holds a secret, even at `RUST_LOG=trace`: all that passed on the wire, and the private key, are
//! looked for raw, URL-encoded and base64-encoded.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use client::demo::{
    DEMO_REDIRECT_URI,
    browser::{Browser, Decision},
    check::{self, Cast},
    children::{Children, Plan},
    demo_client, demo_person, ports,
    servers::Servers as _,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use url::{Url, form_urlencoded};

use crate::{
    realm::{binaries, http, random},
    terminal::{Terminal, stderr},
    wire::{Recording, Secret},
};

#[tokio::test]
async fn no_log_holds_a_secret_of_a_sign_in() {
    // With introspection, so that the MCP server's own secret and the tokens it asks about pass as well.
    let watched = Watched::start("always").await;
    let printed = sign_in_twice(watched.folder.path(), &watched.servers.addresses().server, &watched.http).await;
    watched.expect_no_leaks(&[("client", printed)]);
}

#[tokio::test]
async fn no_log_holds_a_secret_of_what_was_refused() {
    let mut watched = Watched::start("fallback").await;
    let random = random();
    let cast = Cast {
        http: watched.http.clone(),
        random: &random,
        person: demo_person(),
        credentials: demo_client(),
        redirect_uri: DEMO_REDIRECT_URI.parse().unwrap(),
    };
    let mut printed = Vec::new();
    check::run(&mut watched.servers, &cast, &mut printed).await.unwrap();
    watched.expect_no_leaks(&[("demo", String::from_utf8(printed).unwrap())]);
}

/// Both servers at `RUST_LOG=trace`, each behind a relay that is its public address.
struct Watched {
    servers: Children,
    http: reqwest::Client,
    recording: Recording,
    folder: TempDir,
    logs: [PathBuf; 2],
}

impl Watched {
    async fn start(introspect: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::default();
        let mut plan = Plan::isolated(binaries(), folder.path()).unwrap();
        let (authz, mcp_server) = (ports::free().unwrap(), ports::free().unwrap());
        recording.relay(plan.issuer.port().unwrap(), authz).await;
        recording.relay(plan.addresses.server.port().unwrap(), mcp_server).await;
        plan.authz.set("MCP_AUTH_PUBLIC_URL", plan.issuer.as_str().trim_end_matches('/'));
        plan.authz.set("MCP_AUTH_PORT", authz.to_string());
        plan.authz.set("RUST_LOG", "trace");
        plan.mcp_server.set("MCP_RESOURCE_PUBLIC_URL", plan.addresses.server.as_str());
        plan.mcp_server.set("MCP_RESOURCE_PORT", mcp_server.to_string());
        plan.mcp_server.set("MCP_RESOURCE_INTROSPECT", introspect);
        plan.mcp_server.set("RUST_LOG", "trace");
        let logs = [plan.authz.log(), plan.mcp_server.log()];
        let http = http();
        let servers = plan.start(&http).await.unwrap_or_else(|error| panic!("{error}"));
        Self { servers, http, recording, folder, logs }
    }

    /// Holds the logs and what was `printed` against all that has passed, and against the private keys.
    fn expect_no_leaks(&self, printed: &[(&str, String)]) {
        let mut secrets = self.recording.secrets();
        let kinds: BTreeSet<_> = secrets.iter().map(|secret| secret.kind).collect();
        for kind in ["code", "verifier", "client secret", "password", "access token", "cookie", "CSRF token"] {
            assert!(kinds.contains(kind), "no {kind} was seen on the wire, so this test looks for nothing: {kinds:?}");
        }
        secrets.extend(private_keys(&self.folder.path().join("keys")));
        let mut leaks = Vec::new();
        for (name, text) in printed {
            leaks.extend(found_in(name, text, &secrets));
        }
        for log in &self.logs {
            let text = fs::read_to_string(log).unwrap();
            assert!(text.contains("DEBUG"), "{} holds too little for this test", log.display());
            leaks.extend(found_in(&log.display().to_string(), &text, &secrets));
        }
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }
}

/// Both ways of being a client; everything that they print for the person or log.
async fn sign_in_twice(folder: &Path, server: &Url, http: &reqwest::Client) -> String {
    let mut printed = String::new();
    for registers in ["false", "true"] {
        let state = folder.join(registers);
        fs::create_dir(&state).unwrap();
        let mut terminal = Terminal::new(&state, server);
        terminal.set("RUST_LOG", "trace");
        terminal.set("MCP_USE_DCR", registers);
        let mut browser = Browser::new(http.clone(), None);
        let call = ["call", "get_time", "--json"];
        let (output, _) = terminal.run_and_sign_in(&call, &mut browser, Decision::Allow).await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("TRACE"), "the client logs too little for this test");
        printed.push_str(&stderr(&output));
    }
    printed
}

/// The lines that hold a secret, each with what it holds.
fn found_in(log: &str, text: &str, secrets: &BTreeSet<Secret>) -> Vec<String> {
    let mut leaks = Vec::new();
    for secret in secrets {
        for needle in encodings(&secret.value) {
            if let Some(line) = text.lines().find(|line| line.contains(&needle)) {
                let shown: String = line.chars().take(200).collect();
                leaks.push(format!("{log} holds a {} as {needle}: {shown}", secret.kind));
            }
        }
    }
    leaks
}

/// How a secret may look in a log: as it is, URL-encoded, base64-encoded alone or inside something longer, or as bytes.
fn encodings(secret: &str) -> BTreeSet<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let lower = percent.to_ascii_lowercase();
    let bytes: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
    let mut all = BTreeSet::from([secret.to_owned(), form, percent, lower, bytes.join(", "), STANDARD.encode(secret)]);
    all.insert(URL_SAFE_NO_PAD.encode(secret));
    for before in 0..3 {
        let shifted = [&vec![0; before][..], secret.as_bytes()].concat();
        // Characters that hold bits of a neighbour are left out at both ends.
        let (first, last) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        all.insert(STANDARD.encode(&shifted)[first..last].to_owned());
        all.insert(URL_SAFE_NO_PAD.encode(&shifted)[first..last].to_owned());
    }
    all
}

/// Each line of the PEM files, and each private number of the keys in them.
fn private_keys(folder: &Path) -> Vec<Secret> {
    let mut found = Vec::new();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "pem")) {
        let pem = fs::read_to_string(file).unwrap();
        let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        found.extend(lines.iter().filter(|line| line.len() > 32).map(|line| (*line).to_owned()));
        let der = STANDARD.decode(lines.concat()).unwrap();
        found.extend(private_numbers(&der));
    }
    assert!(found.len() > 20, "there is a private key");
    found.into_iter().map(|value| Secret { kind: "private key", value }).collect()
}

/// d, p, q, dp, dq and qi of a PKCS#8 or PKCS#1 RSA key, as base64url: every long integer but the first, which is n.
fn private_numbers(der: &[u8]) -> Vec<String> {
    let mut integers = Vec::new();
    collect_integers(der, &mut integers);
    integers.retain(|integer| integer.len() > 32);
    let numbers: Vec<_> = integers.iter().skip(1).map(|integer| URL_SAFE_NO_PAD.encode(integer)).collect();
    assert_eq!(numbers.len(), 6, "an RSA private key");
    numbers
}

fn collect_integers(mut der: &[u8], integers: &mut Vec<Vec<u8>>) {
    while let [tag, length, rest @ ..] = der {
        let (octets, rest) =
            if *length < 0x80 { (&[*length][..], rest) } else { rest.split_at(usize::from(length & 0x7f)) };
        let length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
        let (value, after) = rest.split_at(length);
        match tag {
            0x30 | 0x04 => collect_integers(value, integers),
            0x02 => integers.push(value.strip_prefix(&[0]).unwrap_or(value).to_vec()),
            _ => {}
        }
        der = after;
    }
}

#[test]
fn the_search_finds_a_secret_in_every_form_and_nothing_else() {
    let value = "s3cret/with+odd=chars";
    let secrets = BTreeSet::from([Secret { kind: "code", value: value.into() }]);
    let forms = [
        value.to_owned(),
        form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        STANDARD.encode(value),
        STANDARD.encode(format!("id:{value}")),
        URL_SAFE_NO_PAD.encode(format!("x{value}!")),
        format!("{:?}", value.as_bytes()),
    ];
    for form in forms {
        let log = format!("one line\n2026 TRACE something={form} more\nanother");
        assert!(!found_in("log", &log, &secrets).is_empty(), "{form}");
    }
    assert_eq!(found_in("log", "TRACE nothing of the kind s3cret", &secrets), Vec::<String>::new());
}
