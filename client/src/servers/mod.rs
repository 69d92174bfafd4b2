//! The servers that a person has: those of `mcp_config.json`, and the one of the settings.

pub mod file;
mod program;
mod read;

pub use program::Program;

use crate::oauth::{
    client::ClientCredentials,
    sign_in::{ClientChoice, SignInSettings},
};
use file::{Auth, Entry};
use http::HeaderMap;

/// What the one server of the settings is called.
pub const DEFAULT_NAME: &str = "default";

/// A server, how to reach it and how to sign in to it.
#[derive(Clone, Debug)]
pub struct Server {
    /// What the person calls it.
    pub name: String,
    /// The program that it is, if it is one on this computer; else it is reached over HTTP.
    pub program: Option<Program>,
    /// Headers of its own for each request to it, and to nobody else.
    pub headers: HeaderMap,
    /// Its URL, which is what tokens for it are for, and how to sign in to it.
    pub sign_in: SignInSettings,
}

impl Server {
    /// An entry of the file; what it leaves out is as in `base`, the settings.
    #[must_use]
    pub fn new(entry: Entry, base: &SignInSettings) -> Self {
        let mut sign_in = base.clone();
        if let Some(url) = entry.url {
            sign_in.server = url;
        }
        if let Some(auth) = entry.auth {
            apply(auth, entry.program.is_some(), &mut sign_in);
        }
        Self { name: entry.name, program: entry.program, headers: entry.headers, sign_in }
    }

    /// Where it is, for people: its URL, or its command.
    #[must_use]
    pub fn place(&self) -> String {
        self.program.as_ref().map_or_else(|| self.sign_in.server.as_str().to_owned(), Program::command_line)
    }
}

fn apply(auth: Auth, is_program: bool, sign_in: &mut SignInSettings) {
    // A program cannot be asked for its issuer.
    sign_in.stated.issuer = auth.issuer.clone().or_else(|| auth.origin()).filter(|_| is_program);
    if let Some(resource) = auth.resource {
        sign_in.server = resource;
    }
    sign_in.stated.authorization_endpoint = auth.authorization_url;
    sign_in.stated.token_endpoint = auth.token_url;
    sign_in.client = match auth.client_id {
        Some(id) => {
            let credentials = ClientCredentials { id, secret: auth.client_secret };
            ClientChoice::PreRegistered { credentials, issuer: auth.issuer }
        }
        None => ClientChoice::Dynamic,
    };
    sign_in.scope = auth.scope.or_else(|| sign_in.scope.take());
    if let Some(redirect_uri) = auth.redirect_uri {
        sign_in.redirect_uri = redirect_uri;
    }
}
