//! `cargo demo`: both servers as a newcomer would start them, a few lines that say what happens, and the prompt.

use std::{fmt, io, path::Path};
use url::Url;

use super::{
    binaries::{Beside, Binaries, workspace},
    children::{Children, Plan},
    cli::Places,
    demo_person, ports,
    process::Program,
    servers::{Addresses, ServerError},
};

/// Where the logs go, below the repository's root; `data/` is no part of it.
const LOGS: &str = "data/logs";

/// Both servers, ready, and the words to greet with.
pub struct Started {
    /// Dropping them ends them.
    pub children: Children,
    /// What to show before the prompt.
    pub greeting: Greeting,
}

/// What a newcomer should know.
pub struct Greeting {
    lines: [String; 2],
    username: String,
    password: String,
}

/// Starts both at the ports of `places`, in the repository's root, with every setting of this process.
///
/// # Errors
/// A taken port, a build that fails, a server that does not get ready.
pub async fn start(
    places: &Places,
    callback_port: Option<u16>,
    http: &reqwest::Client,
) -> Result<Started, ServerError> {
    ports::expect_free(places.auth_port, "MCP_AUTH_PORT")?;
    ports::expect_free(places.resource_port, "MCP_RESOURCE_PORT")?;
    // Now, and not when somebody has waited for a build and looks for the browser.
    if let Some(port) = callback_port {
        ports::expect_free(port, "MCP_CALLBACK_PORT")?;
    }
    let binaries = Binaries::build(Beside::tests_if(places.beside_tests))?;
    let plan = plan(places, &binaries)?;
    let lines = [line(&plan.authz, plan.issuer.as_str()), line(&plan.mcp_server, plan.addresses.server.as_str())];
    for program in [&plan.authz, &plan.mcp_server] {
        // Logs of the last demo help nobody; that there is none is no problem.
        let _ = std::fs::remove_file(program.log());
    }
    let children = plan.start(http).await?;
    Ok(Started { children, greeting: Greeting::new(lines, places) })
}

fn plan(places: &Places, binaries: &Binaries) -> Result<Plan, ServerError> {
    let issuer = format!("http://localhost:{}", places.auth_port);
    let server = places.server();
    let program = |name, path: &Path, settings: Vec<_>| Program {
        name,
        path: path.to_owned(),
        folder: workspace().to_owned(),
        logs: workspace().join(places.logs.as_deref().unwrap_or(Path::new(LOGS))),
        settings,
        inherits: true,
    };
    let mut authz = vec![("MCP_AUTH_PORT", places.auth_port.to_string())];
    if places.auth_resources.is_none() {
        authz.push(("MCP_AUTH_RESOURCES", server.clone()));
    }
    let mut mcp_server = vec![("MCP_RESOURCE_PORT", places.resource_port.to_string())];
    if places.auth_server.is_none() {
        mcp_server.push(("MCP_RESOURCE_AUTH_SERVER_URL", issuer.clone()));
    }
    let server: Url = server.parse().map_err(|_| ServerError::Url(server))?;
    Ok(Plan {
        authz: program("authz", &binaries.authz, authz),
        issuer: issuer.parse().map_err(|_| ServerError::Url(issuer))?,
        mcp_server: program("mcp-server", &binaries.mcp_server, mcp_server),
        addresses: Addresses { other_resource: server.clone(), server },
    })
}

fn line(program: &Program, url: &str) -> String {
    let log = program.log();
    let shown = log.strip_prefix(workspace()).unwrap_or(&log);
    format!("{:<12}{:<28}log: {}", program.name, url.trim_end_matches('/'), shown.display())
}

impl Greeting {
    fn new(lines: [String; 2], places: &Places) -> Self {
        let known = demo_person();
        let password = places.demo_password.as_ref().map(|_| "(the one in MCP_DEMO_PASSWORD)".to_owned());
        Self {
            lines,
            username: places.demo_username.clone().unwrap_or(known.username),
            password: password.unwrap_or(known.password),
        }
    }

    /// Writes it; a closed pipe is not worth a word.
    pub fn show(&self, mut out: impl io::Write) {
        let _ = write!(out, "{self}");
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [authz, mcp_server] = &self.lines;
        writeln!(f, "{authz}\n{mcp_server}\n")?;
        writeln!(f, "The client asks mcp-server, is told to sign in at authz, and opens your browser there.")?;
        writeln!(f, "Sign in as {} with {}, then allow the access.", self.username, self.password)?;
        writeln!(f, "After that try: call get_time. All three end with quit or Ctrl-C.")?;
        writeln!(f, "To see each step drawn: cargo run -p client -- web in a second terminal, then its page.\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            beside_tests: false,
            auth_port: 9100,
            resource_port: 8101,
            logs: None,
            auth_resources: None,
            auth_server: None,
            demo_username: None,
            demo_password: None,
        }
    }

    fn planned(places: &Places) -> Plan {
        let binaries = Binaries { authz: "authz".into(), mcp_server: "mcp-server".into() };
        plan(places, &binaries).unwrap()
    }

    #[test]
    fn both_servers_know_each_other_at_other_ports_too() {
        let plan = planned(&places());
        assert!(plan.authz.settings.contains(&("MCP_AUTH_RESOURCES", "http://localhost:8101/mcp".into())));
        assert!(plan.mcp_server.settings.contains(&("MCP_RESOURCE_AUTH_SERVER_URL", "http://localhost:9100".into())));
    }

    #[test]
    fn what_was_set_is_left_alone() {
        let plan = planned(&Places { auth_server: Some("https://a.example".into()), ..places() });
        assert_eq!(plan.mcp_server.settings, [("MCP_RESOURCE_PORT", "8101".into())]);
    }

    #[test]
    fn the_published_password_is_shown_and_an_own_one_is_not() {
        let lines = || [String::new(), String::new()];
        assert!(Greeting::new(lines(), &places()).to_string().contains("demo_user with demo_password"));
        let own = Places { demo_password: Some("hunter2hunter2".into()), ..places() };
        assert!(!Greeting::new(lines(), &own).to_string().contains("hunter2"));
    }
}
