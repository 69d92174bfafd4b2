//! A child process with its log in a file; it never outlives the value that stands for it, also not in a panic.

use http::StatusCode;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;
use url::Url;

use super::servers::ServerError;
use crate::oauth::exchange;

const READY_WITHIN: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(15);
const TAIL_LINES: usize = 5;

/// How to run a program.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in messages, and its log file.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Where it is run.
    pub folder: PathBuf,
    /// Where its log goes.
    pub logs: PathBuf,
    /// Settings on top of the inherited ones.
    pub settings: Vec<(&'static str, String)>,
    /// Whether the settings of this process (`MCP_…`, `RUST_LOG`) are passed on.
    pub inherits: bool,
}

/// A running child; dropping it ends it.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// Where its own lines begin.
    begins: usize,
}

impl Program {
    /// Starts it; what an earlier run has logged stays in the file.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be run.
    pub fn start(&self) -> Result<Process, ServerError> {
        let log = self.log();
        let file = |source: io::Error| ServerError::File { path: log.clone(), source };
        fs::create_dir_all(&self.logs).map_err(file)?;
        let (begins, output, errors) = open(&log).map_err(file)?;
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(output).stderr(errors);
        if !self.inherits {
            let ours = |name: &str| name.starts_with("MCP_") || name == "RUST_LOG";
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
                command.env_remove(name);
            }
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let child = command.spawn().map_err(|source| ServerError::Run { name: self.name, source })?;
        Ok(Process { name: self.name, child, log, begins })
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.name))
    }

    /// Sets or replaces a setting.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.into()));
    }
}

impl Process {
    /// Waits until `/readyz` below `base` answers 200.
    ///
    /// # Errors
    /// When the process ends instead, or is not ready in time.
    pub async fn ready(&mut self, http: &reqwest::Client, base: &Url) -> Result<(), ServerError> {
        let readyz = base.join("/readyz").map_err(|_| ServerError::Url(base.to_string()))?;
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            let answer = exchange::send(http, exchange::get_json(&readyz)).await;
            // Whoever answers, the child has to be alive: its port could be somebody else's.
            if let Ok(Some(status)) = self.child.try_wait() {
                let tail = tail(&self.logged().unwrap_or_default());
                return Err(ServerError::Ended { name: self.name, status, log: self.log.clone(), tail });
            }
            if answer.is_ok_and(|answer| answer.status == StatusCode::OK) {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Err(ServerError::NotReady { name: self.name, log: self.log.clone() })
    }

    /// What it has logged since it was started.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn logged(&self) -> Result<String, ServerError> {
        let bytes = fs::read(&self.log).map_err(|source| ServerError::File { path: self.log.clone(), source })?;
        Ok(String::from_utf8_lossy(bytes.get(self.begins..).unwrap_or_default()).into_owned())
    }

    /// Ends it without a warning, as a crash would, and waits until it is gone.
    pub fn stop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open(log: &Path) -> io::Result<(usize, File, File)> {
    let file = File::options().append(true).create(true).open(log)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    Ok((length, file.try_clone()?, file))
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}
