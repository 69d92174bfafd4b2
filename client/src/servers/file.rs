//! `mcp_config.json`: `servers` (a list with names, or a map) or `mcpServers`, each entry over HTTP or as a program.
//! What is wrong is told with its line: an unknown field, a name given twice, an entry that is half of two kinds.

use http::HeaderMap;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use super::{
    Program,
    program::TOKEN_VARIABLE,
    read::{self, Text},
};
use crate::oauth::{client::ClientSecret, endpoint::Endpoint, loopback::RedirectUri, scope::Scope};

/// The file that is read when it is in this folder and no other one is named.
pub const DEFAULT_FILE: &str = "mcp_config.json";

/// One server of the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawEntry")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The URL, which is what its tokens are for.
    pub url: Option<Endpoint>,
    /// Headers for each request to it.
    pub headers: HeaderMap,
    /// The program, if it is one.
    pub program: Option<Program>,
    /// How to sign in.
    pub auth: Option<Auth>,
}

/// How to sign in to a server; the issuer is discovered and checked whatever stands here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[serde(rename = "type")]
    _kind: AuthKind,
    /// The issuer that the client is registered at; of a program, the one to ask.
    #[serde(default, deserialize_with = "read::endpoint")]
    pub issuer: Option<Endpoint>,
    /// Its authorization endpoint.
    #[serde(default, deserialize_with = "read::endpoint")]
    pub authorization_url: Option<Endpoint>,
    /// Its token endpoint.
    #[serde(default, deserialize_with = "read::endpoint")]
    pub token_url: Option<Endpoint>,
    /// The registered client; without one, this client registers itself.
    #[serde(default, deserialize_with = "text")]
    pub client_id: Option<String>,
    /// Its secret.
    #[serde(default, deserialize_with = "secret")]
    pub client_secret: Option<ClientSecret>,
    /// Scopes to ask for besides those that the server asks for.
    #[serde(default, deserialize_with = "read::scope")]
    pub scope: Option<Scope>,
    /// Where the browser comes back to.
    #[serde(default, deserialize_with = "read::redirect_uri")]
    pub redirect_uri: Option<RedirectUri>,
    /// Of a program: what its tokens are for.
    #[serde(default, deserialize_with = "read::endpoint")]
    pub resource: Option<Endpoint>,
}

impl Auth {
    /// The issuer that the URLs point to when none is named.
    #[must_use]
    pub fn origin(&self) -> Option<Endpoint> {
        let known = self.authorization_url.as_ref().or(self.token_url.as_ref())?;
        Endpoint::parse(&known.origin()).ok()
    }
}

/// Reads the file at `path`; `None` when it is not there.
///
/// # Errors
/// What is wrong with it, with the line.
pub fn read(path: &Path) -> Result<Option<Vec<Entry>>, String> {
    let shown = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).map(Some).map_err(|problem| format!("{shown}: {problem}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// Reads the text of such a file.
///
/// # Errors
/// What is wrong with it, with the line.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries: Vec<Entry> = file.servers.into_iter().chain(file.mcp_servers).flat_map(|named| named.0).collect();
    if entries.is_empty() {
        return Err(
            "it names no server, as in {\"mcpServers\": {\"notes\": {\"url\": \"http://localhost:8001/mcp\"}}}"
                .to_owned(),
        );
    }
    let mut names = BTreeSet::new();
    match entries.iter().find(|entry| !names.insert(&entry.name)) {
        Some(twice) => Err(format!("the server {} stands in it twice", twice.name)),
        None => Ok(entries),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    servers: Option<Named>,
    #[serde(default, rename = "mcpServers")]
    mcp_servers: Option<Named>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    #[serde(default, rename = "type", alias = "transport")]
    kind: Option<Kind>,
    #[serde(default, deserialize_with = "read::endpoint")]
    url: Option<Endpoint>,
    #[serde(default, deserialize_with = "text")]
    command: Option<String>,
    #[serde(default, deserialize_with = "read::headers")]
    headers: HeaderMap,
    #[serde(default)]
    args: Vec<Text>,
    #[serde(default)]
    env: BTreeMap<String, Text>,
    #[serde(default)]
    auth: Option<Auth>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    #[serde(rename = "http", alias = "streamable-http", alias = "streamable_http", alias = "streamableHttp")]
    Http,
    #[serde(rename = "stdio")]
    Stdio,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum AuthKind {
    #[serde(rename = "oauth", alias = "oauth2")]
    OAuth,
}

impl TryFrom<RawEntry> for Entry {
    type Error = &'static str;

    fn try_from(raw: RawEntry) -> Result<Self, Self::Error> {
        let program = match (raw.kind, raw.command) {
            (Some(Kind::Http), Some(_)) => return Err("a server of the type http has no command"),
            (Some(Kind::Stdio), None) => return Err("a server of the type stdio needs a command"),
            (Some(Kind::Http) | None, None) if raw.url.is_none() => {
                return Err("a server needs a url (Streamable HTTP) or a command (stdio)");
            }
            (_, None) if !raw.args.is_empty() || !raw.env.is_empty() => {
                return Err("args and env are for servers with a command");
            }
            (_, None) => None,
            (_, Some(command)) => Some(Program {
                command,
                arguments: raw.args.into_iter().map(|text| text.0).collect(),
                takes_token: raw.auth.is_some() || raw.url.is_some() || raw.env.contains_key(TOKEN_VARIABLE),
                environment: raw.env.into_iter().map(|(name, text)| (name, text.0)).collect(),
            }),
        };
        if program.is_some() && !raw.headers.is_empty() {
            return Err("headers are for servers with a url");
        }
        if program.is_none() && raw.auth.as_ref().is_some_and(|auth| auth.resource.is_some()) {
            return Err("resource is for servers with a command; that of a url is the url");
        }
        Ok(Self { name: raw.name.unwrap_or_default(), url: raw.url, headers: raw.headers, program, auth: raw.auth })
    }
}

/// A map, or a list whose entries say their names.
struct Named(Vec<Entry>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamedVisitor).map(Self)
    }
}

struct NamedVisitor;

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("servers by name, or a list of servers that have names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            check_name(&name, &entries).map_err(de::Error::custom)?;
            entries.push(Entry { name, ..map.next_value()? });
        }
        Ok(entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(entry) = list.next_element::<Entry>()? {
            check_name(&entry.name, &entries).map_err(de::Error::custom)?;
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn check_name(name: &str, before: &[Entry]) -> Result<(), String> {
    if name.is_empty() {
        return Err("a server has no name".to_owned());
    }
    if name.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(format!("the name {name:?} holds white space"));
    }
    if before.iter().any(|entry| entry.name == name) {
        return Err(format!("the server {name} stands in it twice"));
    }
    Ok(())
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0).filter(|text| !text.is_empty()))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClientSecret>, D::Error> {
    Ok(text(deserializer)?.as_deref().and_then(ClientSecret::new))
}

#[cfg(test)]
mod tests;
