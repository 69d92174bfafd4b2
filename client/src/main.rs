//! The client's process: reads the settings, makes clock and randomness, and ends with an exit code.

use anyhow::Context as _;
use client::{
    app::Exit,
    cli::Cli,
    config::Config,
    oauth::waits::Waits,
    run::{Edge, StartError, notice_on_stderr, run},
    verbs::Format,
};
use ring::rand::SystemRandom;
use serving::{
    command_line,
    settings::{InvalidSetting, report},
};
use std::{process::ExitCode, sync::Arc};
use verification_keys::{SystemClock, install_crypto_providers};

/// What a certificate is not trusted for is told with what to do about it.
const LOG: &str = "warn,rustls_platform_verifier=off";

fn main() -> ExitCode {
    match start() {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("{error:#}");
            Exit::Usage.into()
        }
    }
}

fn start() -> anyhow::Result<Exit> {
    let read = command_line::read(|cli: Cli| Ok((Config::try_from(&cli.settings)?, cli)));
    let (config, cli) = match read {
        Ok(read) => read,
        Err(problems) => return Ok(wrong_settings(&problems)),
    };
    if let Err(problem) = serving::logging::init(config.log_format, LOG) {
        return Ok(wrong_settings(&[problem]));
    }
    if cli.settings.print_config {
        serving::print(&config)?;
        return Ok(Exit::Success);
    }
    install_crypto_providers();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    runtime.block_on(async {
        let outcome = run(&config, cli.command.as_ref(), Format::json_if(cli.json), &edge()).await;
        outcome.map_err(|error: StartError| anyhow::anyhow!("{error}."))
    })
}

fn wrong_settings(problems: &[InvalidSetting]) -> Exit {
    eprint!("{}", report(problems));
    Exit::Usage
}

fn edge() -> Edge {
    #[expect(clippy::disallowed_methods, reason = "the one place of this process that makes the generator")]
    let random = SystemRandom::new();
    Edge {
        clock: Arc::new(SystemClock),
        random: Arc::new(random),
        notice: notice_on_stderr(),
        waits: Waits::at_a_terminal(),
    }
}
