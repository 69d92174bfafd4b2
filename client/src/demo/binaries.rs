//! The programs of the two servers, built by the same cargo: `cargo run` and `cargo test` do not build other packages'
//! programs. The whole workspace is named, so that the features of what is shared are those that are built already.

use serde::Deserialize;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::servers::ServerError;

/// Paths of freshly built programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The authorization server.
    pub authz: PathBuf,
    /// The MCP server.
    pub mcp_server: PathBuf,
}

/// What is built already beside the programs, because it decides the features of what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// `cargo run`: programs only.
    Programs,
    /// `cargo test`: the tests with what they alone depend on.
    Tests,
}

impl Beside {
    /// Which of the two it is.
    #[must_use]
    pub const fn tests_if(tests: bool) -> Self {
        if tests { Self::Tests } else { Self::Programs }
    }
}

/// One line of `cargo build --message-format=json`.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Binaries {
    /// Builds both, in the profile of this program; cargo shows its progress on stderr.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(beside: Beside) -> Result<Self, ServerError> {
        let mut cargo = Command::new(cargo());
        cargo.args(["build", "--workspace", "--bins"]);
        if beside == Beside::Tests {
            cargo.arg("--tests");
        }
        cargo.arg("--message-format=json-render-diagnostics").current_dir(workspace());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // What cargo tells the program it runs about its package would make build scripts (ring's) run again.
        let about_us = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(about_us)) {
            cargo.env_remove(name);
        }
        let built = cargo.stderr(Stdio::inherit()).output().map_err(ServerError::Cargo)?;
        if !built.status.success() {
            return Err(ServerError::Build);
        }
        let messages = String::from_utf8_lossy(&built.stdout);
        Ok(Self { authz: executable(&messages, "authz")?, mcp_server: executable(&messages, "mcp-server")? })
    }
}

/// The cargo that runs this program, else the one on the path.
fn cargo() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "no setting: cargo says where it is")]
    let running = std::env::var_os("CARGO");
    running.unwrap_or_else(|| OsString::from("cargo"))
}

/// The root of the repository, where `.env`, `data/` and `keys/pem/` are.
#[must_use]
pub fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

fn executable(messages: &str, name: &'static str) -> Result<PathBuf, ServerError> {
    let mut built = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let is_program = |message: &Message| {
        message.target.as_ref().is_some_and(|target| target.name == name)
            && message.profile.as_ref().is_some_and(|profile| !profile.test)
    };
    built
        .find_map(|message| if is_program(&message) { message.executable } else { None })
        .ok_or(ServerError::NoProgram(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"authz"},"profile":{"test":false},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"authz"},"profile":{"test":true},"executable":"/t/deps/authz-1"}
            {"reason":"compiler-artifact","target":{"name":"authz"},"profile":{"test":false},"executable":"/t/authz"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "authz").unwrap(), PathBuf::from("/t/authz"));
        assert!(matches!(executable(messages, "mcp-server"), Err(ServerError::NoProgram("mcp-server"))));
    }
}
