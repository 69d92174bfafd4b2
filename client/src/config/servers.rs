//! Which servers there are, and which one is meant: the one named, else the one of the settings, else the file's first.

use http::HeaderMap;
use serving::settings::Problems;
use std::path::{Path, PathBuf};

use super::{Settings, given};
use crate::{
    oauth::sign_in::SignInSettings,
    servers::{
        DEFAULT_NAME, Server,
        file::{self, DEFAULT_FILE, Entry},
    },
};

const FILE: &str = "MCP_CLIENT_CONFIG";
const NAME: &str = "MCP_CLIENT_SERVER";

/// The servers that a person has.
#[derive(Clone, Debug)]
pub struct Servers {
    /// All of them; the one of the settings is the last, where it counts.
    pub all: Vec<Server>,
    /// The one in use.
    pub in_use: usize,
    /// The settings, for what an entry leaves out.
    pub base: SignInSettings,
    /// The file that they are from.
    pub file: Option<PathBuf>,
}

impl Servers {
    /// Its name in the file; empty for the one of the settings.
    #[must_use]
    pub fn name(&self) -> &str {
        self.in_use().filter(|server| server.name != DEFAULT_NAME).map_or("", |server| &server.name)
    }

    /// The one in use.
    #[must_use]
    pub fn in_use(&self) -> Option<&Server> {
        self.all.get(self.in_use)
    }
}

pub(super) fn servers(raw: &Settings, base: &SignInSettings, problems: &mut Problems) -> Option<Servers> {
    let named = raw.config.as_deref().filter(|file| !file.as_os_str().is_empty());
    let file = named.unwrap_or(Path::new(DEFAULT_FILE));
    let entries = match file::read(file) {
        Ok(Some(entries)) => entries,
        Ok(None) if named.is_none() => Vec::new(),
        Ok(None) => {
            problems.add(FILE, format!("there is no file {}", file.display()), "name a file such as mcp_config.json");
            return None;
        }
        Err(problem) => {
            problems.add(FILE, problem, "see \"Several servers\" in the README for what may stand there");
            return None;
        }
    };
    let file = (!entries.is_empty()).then(|| file.to_owned());
    let in_use = choose(raw, &entries, named.is_some(), problems)?;
    let mut all: Vec<Server> = entries.into_iter().map(|entry| Server::new(entry, base)).collect();
    if in_use == all.len() {
        all.push(Server {
            name: DEFAULT_NAME.to_owned(),
            program: None,
            headers: HeaderMap::new(),
            sign_in: base.clone(),
        });
    }
    Some(Servers { all, in_use, base: base.clone(), file })
}

/// The index of the entry to use; behind the last one for the server of the settings.
fn choose(raw: &Settings, entries: &[Entry], file_was_named: bool, problems: &mut Problems) -> Option<usize> {
    if let Some(name) = given(raw.server.as_ref()) {
        let found = entries.iter().position(|entry| entry.name == name);
        if found.is_none() {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            let known = if names.is_empty() {
                "there is no mcp_config.json here; name it with --config".to_owned()
            } else {
                format!("use one of {}", names.join(", "))
            };
            problems.add(NAME, format!("there is no server {name:?}"), known);
        }
        return found;
    }
    let Some(first) = entries.first().filter(|_| given(raw.url.as_ref()).is_none()) else { return Some(entries.len()) };
    // Whoever works in a stranger's folder has not asked for the programs that a file in it names.
    if first.program.is_some() && !file_was_named {
        let fix = format!("say --server {} if you mean it, or name the file with --config", first.name);
        problems.add(
            NAME,
            format!("{DEFAULT_FILE} lies here, and its first server is a program, which is not started unasked"),
            fix,
        );
        return None;
    }
    Some(0)
}
