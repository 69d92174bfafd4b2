//! A server under measurement, as a process of its own: how it is started, driven, and what it costs.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The process; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// From the start until it was ready.
    pub(crate) started: Duration,
}

/// What a round has shown: requests a second, and µs of CPU per request.
pub(crate) struct Round {
    pub(crate) rate: f64,
    pub(crate) cpu: f64,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers, as sent.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts `command`, which listens on `port`, and waits until it is ready; `host` is what its `Host` check wants.
    pub(crate) async fn start(mut command: Command, port: u16, host: &str) -> Self {
        let began = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ready = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\n\r\n");
        loop {
            if let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)).await
                && exchange(&mut connection, ready.as_bytes()).await.status == 200
            {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "never ready");
            thread::sleep(Duration::from_millis(1));
        }
        Self { child, port, started: began.elapsed() }
    }

    /// For `time`, sends `request` over and over on `connections`, one after the other on each.
    pub(crate) async fn drive(&self, request: &[u8], connections: usize, time: Duration) -> Round {
        let (began, before) = (Instant::now(), self.cpu());
        let callers: Vec<_> = (0..connections)
            .map(|_| {
                let (port, request) = (self.port, request.to_vec());
                tokio::spawn(async move {
                    let mut connection = connect(port).await;
                    let mut answered = 0_u32;
                    while began.elapsed() < time {
                        let answer = exchange(&mut connection, &request).await;
                        assert_eq!(answer.status, 200, "{}", answer.body);
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        let mut answered = 0;
        for caller in callers {
            answered += caller.await.unwrap();
        }
        let spent = self.cpu().saturating_sub(before).as_secs_f64() * 1e6;
        let answered = f64::from(answered);
        Round { rate: answered / began.elapsed().as_secs_f64(), cpu: spent / answered }
    }

    /// Time on a core of all its threads, as the scheduler counts it in ns.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        });
        spent.sum()
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> f64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever was, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kibibytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kibibytes / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) async fn connect(port: u16) -> TcpStream {
    let connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.set_nodelay(true).unwrap();
    connection
}

/// Sends a request and reads the whole answer.
pub(crate) async fn exchange(connection: &mut TcpStream, request: &[u8]) -> Answer {
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::with_capacity(2048);
    loop {
        assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0, "closed");
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        if answer.len() >= end + 4 + length {
            let body = String::from_utf8_lossy(&answer[end + 4..end + 4 + length]).into_owned();
            return Answer { status: head[9..12].parse().unwrap(), head, body };
        }
    }
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
