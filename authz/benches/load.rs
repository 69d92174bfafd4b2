//! The real binary over HTTP on a SQLite file, beside raw RSA-2048 signatures by josekit on the same core, in turn:
//! `cargo bench -p authz --bench load`.
//!
//! Server and signer are bound to the first core, this process to the others, if there are others: what the callers cost is
//! not in the numbers; the server's share of the kernel's work (network, files) is. Printed are medians of the rounds. A code
//! flow commits once, and waits for the disk: what the kernel spends on that is measured beside it, by writing as much to a
//! file. Then the memory at rest, and in a flood of logins.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../../mcp-server/benches/process/mod.rs"]
mod process;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use josekit::jws::{JwsSigner as _, RS256};
use process::{Answer, Server, connect, exchange, free_port, median};
use std::{
    os::unix::fs::FileExt as _,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 8;
const NAMES: [&str; 5] = [
    "tokens a second over signatures a second",
    "CPU of a signature over that of a token",
    "CPU of a code flow over that of a signature",
    "the same of several flows at once",
    "CPU of reaching the disk once over that of a signature",
];
const FLOOD: usize = 400;
const REDIRECT_URI: &str = "https://client.example/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn main() {
    if std::env::args().any(|argument| argument == "sign") {
        return sign();
    }
    let bound = std::env::args().any(|argument| argument == "bound");
    if thread::available_parallelism().unwrap().get() > 1 && !bound {
        let mut command = Command::new("taskset");
        let others = format!("1-{}", thread::available_parallelism().unwrap().get() - 1);
        let status = command.args(["-c", &others]).arg(std::env::current_exe().unwrap()).arg("bound").status().unwrap();
        return assert!(status.success());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let secret = add_client(folder.path());
    let server = start(folder.path(), "off").await;
    println!(
        "memory at rest: {:.1} MiB; start to ready: {:.0} ms",
        server.resident(),
        server.started.as_secs_f64() * 1e3
    );
    let flow = Flow::begin(&server, &secret).await;
    let token = flow.post("/oauth2/token", "grant_type=client_credentials&resource=http://localhost:8001/mcp");
    let mut ratios: [Vec<f64>; 5] = Default::default();
    for round in 0..=ROUNDS {
        let [rate, cpu, sync] = signer(folder.path());
        let tokens = server.drive(token.as_bytes(), CONNECTIONS, ROUND).await;
        let (flow_cpu, crowd_cpu) = (flow.drive(&server, 1).await, flow.drive(&server, CONNECTIONS).await);
        if round == 0 {
            continue; // to warm up
        }
        println!(
            "round {round}: {rate:.0} signatures/s, {cpu:.0} µs CPU; {:.0} tokens/s, {:.0} µs CPU; code flow {flow_cpu:.0} µs CPU, \
             {crowd_cpu:.0} of {CONNECTIONS} at once, {sync:.0} µs CPU to reach the disk once",
            tokens.rate, tokens.cpu
        );
        let of_round = [tokens.rate / rate, cpu / tokens.cpu, flow_cpu / cpu, crowd_cpu / cpu, sync / cpu];
        ratios.iter_mut().zip(of_round).for_each(|(all, one)| all.push(one));
    }
    for (name, ratios) in NAMES.iter().zip(ratios) {
        println!("{name}: median {:.2} of {ratios:.2?}", median(ratios.clone()));
    }
    println!("memory after it: {:.1} MiB", server.resident());
    drop(server);
    flood(folder.path()).await;
}

/// Starts the server on the first core.
async fn start(folder: &Path, rate_limits: &str) -> Server {
    let port = free_port();
    let mut command = on_first_core(env!("CARGO_BIN_EXE_authz"));
    settings(&mut command, folder).env("MCP_AUTH_PORT", port.to_string()).env("MCP_AUTH_RATE_LIMITS", rate_limits);
    Server::start(command, port, "localhost:9000").await
}

fn settings<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    let database = format!("sqlite:{}", folder.join("authz.db").display());
    command.env_clear().current_dir(folder).env("MCP_AUTH_HOST", "127.0.0.1");
    command.env("MCP_AUTH_PUBLIC_URL", "http://localhost:9000").env("MCP_AUTH_DATABASE_URL", database);
    command.env("MCP_AUTH_KEY_DIR", folder.join("keys")).env("RUST_LOG", "warn")
}

fn on_first_core(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

/// Adds a confidential client of the operator's, whose consent is remembered; its secret.
fn add_client(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authz"));
    let flags = ["clients", "add", "bench", "--redirect-uri", REDIRECT_URI];
    let grants = ["--grant-type", "authorization_code", "--grant-type", "client_credentials"];
    let output = settings(&mut command, folder).args(flags).args(grants).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let secret = text.lines().find_map(|line| line.strip_prefix("client_secret: "));
    secret.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))).to_owned()
}

/// A person who is signed in and has consented.
#[derive(Clone)]
struct Flow {
    credentials: String,
    cookie: String,
}

impl Flow {
    async fn begin(server: &Server, secret: &str) -> Self {
        let credentials = STANDARD.encode(format!("bench:{secret}"));
        let mut flow = Self { credentials, cookie: String::new() };
        let mut connection = connect(server.port).await;
        let login = flow.follow(&mut connection, &authorize_path()).await;
        let page = flow.follow(&mut connection, &login).await;
        assert!(page.contains("password"), "{page}");
        let form = format!("{}&username=demo_user&password=demo_password", hidden_fields(&page));
        let consent = flow.submit(&mut connection, "/login", &form).await;
        let page = flow.follow(&mut connection, &consent).await;
        let target =
            flow.submit(&mut connection, "/consent", &format!("{}&decision=allow", hidden_fields(&page))).await;
        assert!(target.starts_with(REDIRECT_URI), "{target}");
        flow
    }

    /// µs of CPU for authorize and token together.
    async fn drive(&self, server: &Server, connections: usize) -> f64 {
        let (began, before) = (Instant::now(), server.cpu());
        let callers: Vec<_> = (0..connections).map(|_| tokio::spawn(self.clone().repeat(server.port, began))).collect();
        let mut flows = 0;
        for caller in callers {
            flows += caller.await.unwrap();
        }
        server.cpu().saturating_sub(before).as_secs_f64() * 1e6 / f64::from(flows)
    }

    /// How many flows one connection brought to an end.
    async fn repeat(self, port: u16, began: Instant) -> u32 {
        let (mut connection, mut flows) = (connect(port).await, 0);
        while began.elapsed() < ROUND {
            let answer = exchange(&mut connection, self.get(&authorize_path()).as_bytes()).await;
            let target = location(&answer);
            let code = target
                .split(['?', '&'])
                .find_map(|pair| pair.strip_prefix("code="))
                .unwrap_or_else(|| panic!("no code at once: {target}"));
            let form = format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}");
            let answer = exchange(&mut connection, self.post("/oauth2/token", &form).as_bytes()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            flows += 1;
        }
        flows
    }

    /// The page, or where it sends to.
    async fn follow(&mut self, connection: &mut TcpStream, path: &str) -> String {
        let answer = exchange(connection, self.get(path).as_bytes()).await;
        self.keep_cookie(&answer);
        if answer.status == 303 { location(&answer) } else { answer.body }
    }

    async fn submit(&mut self, connection: &mut TcpStream, path: &str, form: &str) -> String {
        let answer = exchange(connection, self.post(path, form).as_bytes()).await;
        self.keep_cookie(&answer);
        location(&answer)
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        if let Some(cookie) = header(answer, "set-cookie: ") {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
    }

    fn get(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: localhost:9000\r\nCookie: {}\r\n\r\n", self.cookie)
    }

    fn post(&self, path: &str, form: &str) -> String {
        let who = if path == "/oauth2/token" {
            format!("Authorization: Basic {}", self.credentials)
        } else {
            format!("Origin: http://localhost:9000\r\nCookie: {}", self.cookie)
        };
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:9000\r\n{who}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        )
    }
}

fn authorize_path() -> String {
    format!(
        "/oauth2/authorize?response_type=code&client_id=bench&redirect_uri={REDIRECT_URI}&scope=mcp:read&state=s\
         &code_challenge={CHALLENGE}&code_challenge_method=S256&resource=http://localhost:8001/mcp"
    )
}

/// The hidden fields of the first form of a page, as a form.
fn hidden_fields(page: &str) -> String {
    let form = page.split("</form>").find(|part| part.contains("<form")).unwrap();
    let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = inputs.filter_map(|input| {
        input.split_once("\" value=\"").map(|(name, rest)| (name, rest.split('"').next().unwrap()))
    });
    fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.get(..name.len())?.eq_ignore_ascii_case(name).then(|| &line[name.len()..]))
}

fn location(answer: &Answer) -> String {
    header(answer, "location: ").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)).to_owned()
}

/// Many wrong passwords at once, with the limits that are on by default.
async fn flood(folder: &Path) {
    let server = start(folder, "on").await;
    let before = server.resident();
    let mut flow = Flow { credentials: String::new(), cookie: String::new() };
    let page = flow.follow(&mut connect(server.port).await, "/login").await;
    let form = format!("{}&username=demo_user&password=wrong", hidden_fields(&page));
    let request = flow.post("/login", &form);
    let attempts: Vec<_> = (0..FLOOD)
        .map(|_| {
            let (port, request) = (server.port, request.clone());
            tokio::spawn(async move { exchange(&mut connect(port).await, request.as_bytes()).await.status })
        })
        .collect();
    let mut refused = 0;
    for attempt in attempts {
        refused += usize::from(attempt.await.unwrap() == 429);
    }
    let (peak, after) = (server.peak(), server.resident());
    println!(
        "{FLOOD} logins at once: {refused} answered 429; memory before {before:.1}, at most {peak:.1}, after {after:.1} MiB"
    );
}

/// Signatures a second, µs of CPU for each, and for a file in `folder` to reach the disk, by this executable on the first
/// core.
fn signer(folder: &Path) -> [f64; 3] {
    let output = on_first_core(std::env::current_exe().unwrap()).arg("sign").current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<_> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// What `signer` runs: raw signatures of as many bytes as a token has, with a key parsed once.
fn sign() {
    let key = RS256.generate_key_pair(2048).unwrap();
    let signer = RS256.signer_from_pem(key.to_pem_private_key()).unwrap();
    let message = [b'x'; 600];
    let (began, before, mut count) = (Instant::now(), cpu_time::ProcessTime::now(), 0_u32);
    while began.elapsed() < ROUND {
        signer.sign(&message).unwrap();
        count += 1;
    }
    let (rate, cpu) = (f64::from(count) / began.elapsed().as_secs_f64(), before.elapsed().as_secs_f64() * 1e6);
    println!("{rate} {} {}", cpu / f64::from(count), reach_the_disk());
}

/// µs of CPU to write six pages, as a commit of a code does, over older ones, and to have them on the disk.
fn reach_the_disk() -> f64 {
    const TIMES: u32 = 200;
    let pages = vec![b'x'; 6 * 4096];
    let file = std::fs::File::create("synced").unwrap();
    file.write_all_at(&pages.repeat(10), 0).unwrap();
    file.sync_all().unwrap();
    let before = cpu_time::ProcessTime::now();
    for time in 0..TIMES {
        file.write_all_at(&pages, u64::from(time % 10) * pages.len() as u64).unwrap();
        file.sync_all().unwrap();
    }
    before.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
}
