//! `cargo demo`: authz and mcp-server as child processes, and a person's client in front of them; and
//! `cargo demo -- --check`, the same story without the person, which is also the backbone of the end-to-end tests.

pub mod binaries;
pub mod browser;
pub mod check;
pub mod children;
pub mod cli;
pub mod interactive;
pub mod ports;
pub mod process;
pub mod servers;

use ring::rand::SecureRandom;
use std::{io, path::Path};
use url::Url;

use crate::{
    config::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET},
    oauth::client::{ClientCredentials, ClientSecret},
};
use binaries::Binaries;
use browser::Person;
use check::{Cast, Step, StepFailed};
use children::{Children, Plan};
use servers::ServerError;

/// The person that authz knows when it listens on this computer only.
#[must_use]
pub fn demo_person() -> Person {
    Person { username: "demo_user".to_owned(), password: "demo_password".to_owned() }
}

/// The client that authz knows then.
#[must_use]
pub fn demo_client() -> ClientCredentials {
    ClientCredentials { id: DEMO_CLIENT_ID.to_owned(), secret: ClientSecret::new(DEMO_CLIENT_SECRET) }
}

/// The redirect URI of [`demo_client`].
pub const DEMO_REDIRECT_URI: &str = "http://localhost:3030/callback";

/// Starts both servers with everything they keep in `folder`, and checks the whole story.
///
/// # Errors
/// The first step that failed.
pub async fn check_in(
    binaries: &Binaries,
    folder: &Path,
    http: reqwest::Client,
    random: &dyn SecureRandom,
    mut out: impl io::Write,
) -> Result<(), StepFailed> {
    let failed = |problem| StepFailed { step: Step::Start, problem };
    let (mut children, redirect_uri) = start(binaries, folder, &http, &mut out).await.map_err(failed)?;
    let cast = Cast { http, random, person: demo_person(), credentials: demo_client(), redirect_uri };
    check::run(&mut children, &cast, out).await
}

async fn start(
    binaries: &Binaries,
    folder: &Path,
    http: &reqwest::Client,
    out: &mut impl io::Write,
) -> Result<(Children, Url), check::Problem> {
    let redirect_uri = DEMO_REDIRECT_URI.parse().map_err(|_| ServerError::Url(DEMO_REDIRECT_URI.to_owned()))?;
    let plan = Plan::isolated(binaries, folder)?;
    let line =
        format!("authz at {}, mcp-server at {}", plan.issuer.as_str().trim_end_matches('/'), plan.addresses.server);
    let children = plan.start(http).await?;
    // A closed pipe must not end the check: its exit code counts.
    let _ = writeln!(out, "{:<18} {line}", Step::Start);
    Ok((children, redirect_uri))
}
