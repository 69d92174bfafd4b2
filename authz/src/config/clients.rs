//! The settings about clients.

use super::Config;
use crate::{
    cli::ClientArgs,
    clients_file::ClientsFile,
    protocol::{PrivateUseScheme, RedirectRules, Scope, ScopeToken},
    services::{Registration, Settings},
};
use jiff::SignedDuration;
use serving::settings::Problems;
use std::{fmt, path::Path};

pub(super) fn without_empty(args: ClientArgs) -> ClientArgs {
    ClientArgs {
        registration: args.registration.filter(|value| !value.is_empty()),
        registration_scopes: args.registration_scopes.into_iter().filter(|value| !value.is_empty()).collect(),
        redirect_schemes: args.redirect_schemes.into_iter().filter(|value| !value.is_empty()).collect(),
        clients_file: args.clients_file.filter(|file| !file.as_os_str().is_empty()),
        ..args
    }
}

pub(super) fn registration(args: &ClientArgs, on_loopback: bool, problems: &mut Problems) -> Option<Registration> {
    match args.registration.as_deref() {
        None if on_loopback => Some(Registration::Open),
        None | Some("approval") => Some(Registration::Approval),
        Some("open") => Some(Registration::Open),
        Some("token") => Some(Registration::Token),
        Some("off") => Some(Registration::Off),
        Some(_) => {
            problems.add("MCP_AUTH_REGISTRATION", "unknown word", "use open, approval, token or off");
            None
        }
    }
}

/// The scopes of clients that register themselves; `None` for all. `Err` if they are wrong and `problems` know.
pub(super) fn scopes(args: &ClientArgs, problems: &mut Problems) -> Result<Option<Scope>, ()> {
    if args.registration_scopes.is_empty() {
        return Ok(None);
    }
    let parsed = args.registration_scopes.iter().map(|raw| ScopeToken::parse(raw.trim())).collect();
    let fix = "write scope tokens separated by commas";
    problems.check("MCP_AUTH_REGISTRATION_SCOPES", fix, parsed).map(Some).ok_or(())
}

/// Which redirect URIs there may be beside https and loopback. `None` if they are wrong and `problems` know.
pub(super) fn redirects(args: &ClientArgs, on_loopback: bool, problems: &mut Problems) -> Option<RedirectRules> {
    let fix = "write schemes that only one application has, such as com.example.app, separated by commas";
    let parsed = args.redirect_schemes.iter().map(|raw| PrivateUseScheme::parse(raw.trim()));
    let schemes: Vec<_> = parsed.map(|scheme| problems.check("MCP_AUTH_REDIRECT_SCHEMES", fix, scheme)).collect();
    let out_of_band = match args.out_of_band.as_str() {
        "on" => true,
        "off" => false,
        "auto" => on_loopback,
        _ => {
            problems.add("MCP_AUTH_OUT_OF_BAND", "unknown word", "use on, off or auto");
            return None;
        }
    };
    Some(RedirectRules { schemes: schemes.into_iter().collect::<Option<_>>()?, out_of_band })
}

pub(super) fn unused_lifetime(args: &ClientArgs, problems: &mut Problems) -> Option<SignedDuration> {
    let days = args.unused_client_days;
    if !(1..=3650).contains(&days) {
        problems.add("MCP_AUTH_UNUSED_CLIENT_DAYS", "out of range", "use 1 to 3650");
        return None;
    }
    Some(SignedDuration::from_hours(i64::from(days) * 24))
}

/// Reads the file of clients. `None` if there is none, or it is wrong and `problems` know.
pub(super) fn file(args: &ClientArgs, settings: &Settings, problems: &mut Problems) -> Option<ClientsFile> {
    let path = args.clients_file.as_deref()?;
    let fix = "write a JSON array of client metadata, each with a client_id; README.md shows one";
    problems.check("MCP_AUTH_CLIENTS_FILE", fix, ClientsFile::read(path, settings))
}

pub(super) fn print(config: &Config, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let settings = &config.settings;
    let scopes: Vec<_> = settings.registration_scopes.iter().flat_map(Scope::tokens).map(ScopeToken::as_str).collect();
    let file = config.clients.as_ref().map_or(Path::new(""), |file| file.path.as_path());
    writeln!(f, "MCP_AUTH_REGISTRATION={}", settings.registration.as_str())?;
    writeln!(f, "MCP_AUTH_REGISTRATION_SCOPES={}", scopes.join(","))?;
    writeln!(f, "MCP_AUTH_UNUSED_CLIENT_DAYS={}", settings.unused_client_lifetime.as_hours() / 24)?;
    let schemes: Vec<_> = settings.redirects.schemes.iter().map(ToString::to_string).collect();
    writeln!(f, "MCP_AUTH_REDIRECT_SCHEMES={}", schemes.join(","))?;
    writeln!(f, "MCP_AUTH_OUT_OF_BAND={}", if settings.redirects.out_of_band { "on" } else { "off" })?;
    writeln!(f, "MCP_AUTH_CLIENTS_FILE={}", file.display())
}
