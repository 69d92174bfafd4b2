//! `mcp-server doctor`: checks the configuration in force from the outside in, as clients see it: the public URL,
//! the metadata of the resource and of its issuers, their keys, introspection, the clocks.

mod configuration;
mod fault;
mod fetch;
mod introspection;
mod issuer;
mod keys;
mod report;
mod resource;
mod shim;

use std::process::ExitCode;
use std::sync::Arc;

use serving::settings::InvalidSetting;
use verification_keys::http::{self, Client};
use verification_keys::{Clock, SystemClock};

pub use fault::{Fault, Finding, Severity};
pub use report::Report;

use crate::cli::DoctorArgs;
use crate::config::Config;
use crate::resource_server::{ResourceServer, ResourceServerOptions};

/// Examines `config` and prints what is found. The exit code is that of the worst finding: 0 for none that
/// matters, 1 for a warning, 2 for an error.
///
/// # Errors
/// Nothing can be fetched at all.
pub async fn run(args: &DoctorArgs, config: Result<Config, Vec<InvalidSetting>>) -> anyhow::Result<ExitCode> {
    let report = match config {
        Ok(config) => {
            let client = http::client(&config.outgoing)?;
            examine(&config.options, &client, Arc::new(SystemClock)).await
        }
        Err(problems) => Report::of_settings(&problems),
    };
    if args.json {
        serving::print(serde_json::to_string_pretty(&report)? + "\n")?;
    } else {
        serving::print(&report)?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// What is checked, and with what.
struct Patient<'a> {
    options: &'a ResourceServerOptions,
    client: &'a Client,
    clock: Arc<dyn Clock>,
}

/// Examines a resource server from the outside in.
pub async fn examine(options: &ResourceServerOptions, client: &Client, clock: Arc<dyn Clock>) -> Report {
    let patient = Patient { options, client, clock };
    let mut report = Report::default();
    configuration::examine(&patient, &mut report);
    resource::examine(&patient, &mut report).await;
    for issuer in &options.issuers {
        issuer::examine(&patient, issuer, &mut report).await;
    }
    fetch_as_the_server_does(&patient, &mut report).await;
    report
}

/// The last word has the code that serves: what it cannot take is a fault, whatever was found before.
async fn fetch_as_the_server_does(patient: &Patient<'_>, report: &mut Report) {
    let server = ResourceServer::new(patient.options.clone(), patient.client, Arc::clone(&patient.clock));
    let fetched = match server {
        Ok(server) => server.fetch_keys().await.map_err(|error| fetch::chain(&*error)),
        Err(error) => Err(error.to_string()),
    };
    match fetched {
        Ok(()) => report.good("the server takes the keys of its issuers"),
        Err(error) if report.exit_code() < 2 => report.add(Fault::KeysNotFetched, error),
        Err(_) => {}
    }
}
