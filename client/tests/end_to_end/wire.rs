//! Relays that stand before both servers and keep every byte that passes, and the secrets among those bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client::demo::browser::forms;
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};
use url::form_urlencoded;

/// Everything that went over the relays, one buffer for each direction of each connection.
#[derive(Clone, Default)]
pub(crate) struct Recording(Arc<Mutex<Vec<Buffer>>>);

type Buffer = Arc<Mutex<Vec<u8>>>;

/// Something that must not be in a log, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Secret {
    pub(crate) kind: &'static str,
    pub(crate) value: String,
}

impl Recording {
    /// Relays `port` of both loopbacks to `target` of the first that answers.
    pub(crate) async fn relay(&self, port: u16, target: u16) {
        for address in [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))] {
            let Ok(listener) = TcpListener::bind(address).await else { continue };
            let recording = self.clone();
            tokio::spawn(async move {
                while let Ok((near, _)) = listener.accept().await {
                    // A server that is not up yet is a connection that ends at once.
                    if let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await {
                        recording.join(near, far);
                    }
                }
            });
        }
    }

    fn join(&self, near: TcpStream, far: TcpStream) {
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        tokio::spawn(copy(near_read, far_write, self.buffer()));
        tokio::spawn(copy(far_read, near_write, self.buffer()));
    }

    fn buffer(&self) -> Buffer {
        let buffer = Buffer::default();
        self.0.lock().unwrap().push(Arc::clone(&buffer));
        buffer
    }

    /// All secrets that have passed.
    pub(crate) fn secrets(&self) -> BTreeSet<Secret> {
        let buffers = self.0.lock().unwrap();
        let texts = buffers.iter().map(|bytes| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned());
        texts.flat_map(|text| secrets_in(&text)).collect()
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, record: Buffer) {
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        record.lock().unwrap().extend_from_slice(&chunk[..count]);
        if to.write_all(&chunk[..count]).await.is_err() {
            break;
        }
    }
}

/// Names of parameters and members whose values are secret.
const SECRET_NAMES: [(&str, &str); 9] = [
    ("code", "code"),
    ("code_verifier", "verifier"),
    ("client_secret", "client secret"),
    ("password", "password"),
    ("access_token", "access token"),
    ("refresh_token", "refresh token"),
    ("registration_access_token", "registration token"),
    ("token", "token"),
    ("request", "pending request"),
];

fn secrets_in(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    for line in text.lines() {
        headers(line, &mut found);
        parameters(line, &mut found);
        members(line, &mut found);
    }
    for field in forms(text).into_iter().flat_map(|form| form.fields) {
        if field.kind == "hidden" && field.name.contains("csrf") {
            found.push(Secret { kind: "CSRF token", value: field.value });
        }
    }
    found.retain(|secret| secret.value.len() >= 8);
    found
}

fn headers(line: &str, found: &mut Vec<Secret>) {
    let Some((name, value)) = line.split_once(": ") else { return };
    match name.to_ascii_lowercase().as_str() {
        "cookie" => {
            let pairs = value.split("; ").filter_map(|pair| pair.split_once('='));
            found.extend(pairs.map(|(_, value)| Secret { kind: "cookie", value: value.trim().to_owned() }));
        }
        "set-cookie" => {
            let value = value.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
            found.extend(value.map(|value| Secret { kind: "cookie", value: value.to_owned() }));
        }
        "authorization" => credentials(value.trim(), found),
        _ => {}
    }
}

fn credentials(value: &str, found: &mut Vec<Secret>) {
    if let Some(token) = value.strip_prefix("Bearer ") {
        found.push(Secret { kind: "access token", value: token.to_owned() });
        // A token without its header or its signature is still most of a token.
        found.extend(token.split('.').skip(1).map(|part| Secret { kind: "access token", value: part.to_owned() }));
    }
    if let Some(basic) = value.strip_prefix("Basic ") {
        found.push(Secret { kind: "client secret", value: basic.to_owned() });
        let pair = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let secret = pair.split_once(':').map(|(_, secret)| secret.to_owned());
        found.extend(secret.map(|value| Secret { kind: "client secret", value }));
    }
}

/// `name=value` in a request line, a `Location`, or a form.
fn parameters(line: &str, found: &mut Vec<Secret>) {
    for word in line.split([' ', '?', '#']) {
        for (name, value) in form_urlencoded::parse(word.as_bytes()) {
            let kind = if name.contains("csrf") { Some("CSRF token") } else { kind_of(&name) };
            found.extend(kind.map(|kind| Secret { kind, value: value.clone().into_owned() }));
        }
    }
}

/// `"name":"value"` of a JSON document.
fn members(line: &str, found: &mut Vec<Secret>) {
    let Some(start) = line.find('{') else { return };
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&line[start..]) else { return };
    for (name, value) in members {
        let secret = kind_of(&name).zip(value.as_str());
        found.extend(secret.map(|(kind, value)| Secret { kind, value: value.to_owned() }));
    }
}

fn kind_of(name: &str) -> Option<&'static str> {
    SECRET_NAMES.iter().find(|(secret, _)| *secret == name).map(|(_, kind)| *kind)
}

#[test]
fn every_kind_of_secret_is_found_where_it_travels() {
    let wire = "POST /login?csrf_token=csrf-0001 HTTP/1.1\r\nCookie: a=cookie-0001; b=cookie-0002\r\n\
                set-cookie: s=cookie-0003; Path=/\r\nLocation: http://l/cb?code=code-0001&state=x\r\n\
                authorization: Basic aWQ6c2VjcmV0LTAwMDE=\r\nAuthorization: Bearer head.payload1.signature\r\n\r\n\
                code=code-0002&code_verifier=verifier%2D0001&password=password+1\r\n\
                {\"access_token\":\"token-0001\",\"client_secret\":\"secret-0002\"}\r\n\
                <form><input type=hidden name=csrf value=csrf-0002></form>";
    let found = secrets_in(wire);
    for value in [
        "csrf-0001",
        "csrf-0002",
        "cookie-0001",
        "cookie-0002",
        "cookie-0003",
        "code-0001",
        "code-0002",
        "secret-0001",
        "head.payload1.signature",
        "payload1",
        "signature",
        "verifier-0001",
        "password 1",
        "token-0001",
        "secret-0002",
    ] {
        assert!(found.iter().any(|secret| secret.value == value), "{value} is missing from {found:?}");
    }
}
