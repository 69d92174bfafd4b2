//! `cargo demo`: makes clock and randomness, starts the servers, and ends with an exit code after ending them.

use anyhow::{Context as _, anyhow};
use client::{
    app::Exit,
    config::Config,
    demo::{
        binaries::{Beside, Binaries, workspace},
        check_in,
        cli::Cli,
        interactive,
    },
    oauth::waits::Waits,
    run::{Edge, notice_on_stderr, run},
    verbs::Format,
};
use ring::rand::SystemRandom;
use serving::{command_line, settings::report};
use std::{io, process::ExitCode, sync::Arc};
use tokio::runtime::Runtime;
use verification_keys::{
    SystemClock,
    http::{ClientOptions, client},
    install_crypto_providers,
};

/// What shells expect of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match command_line::read_with(&workspace().join(".env"), Ok::<Cli, _>) {
        Ok(cli) => cli,
        Err(problems) => {
            eprint!("{}", report(&problems));
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    install_crypto_providers();
    match start(cli) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    serving::logging::init(cli.client.log_format, "warn")?;
    let runtime = Runtime::new().context("no threads")?;
    let beside = Beside::tests_if(cli.places.beside_tests);
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = async { if cli.check { check(beside).await } else { demo(cli).await } } => outcome,
            // The servers end because the other branch is dropped.
            () = serving::shutdown_signal() => Ok(ExitCode::from(INTERRUPTED)),
        }
    });
    // The prompt's thread may be waiting for a line that never comes.
    runtime.shutdown_background();
    outcome
}

async fn check(beside: Beside) -> anyhow::Result<ExitCode> {
    let binaries = Binaries::build(beside)?;
    let folder = tempfile::Builder::new().prefix("portcullis-demo-").tempdir().context("no temporary folder")?;
    let http = client(&ClientOptions::default())?;
    #[expect(clippy::disallowed_methods, reason = "the one place of this process that makes the generator")]
    let random = SystemRandom::new();
    let checked = check_in(&binaries, folder.path(), http, &random, io::stdout()).await;
    if let Err(failed) = checked {
        let kept = folder.keep();
        return Err(anyhow!("{failed}\nThe logs are kept in {}.", kept.join("logs").display()));
    }
    println!("demo: ok");
    Ok(ExitCode::SUCCESS)
}

async fn demo(mut cli: Cli) -> anyhow::Result<ExitCode> {
    cli.client.url.get_or_insert(cli.places.server());
    let config = Config::try_from(&cli.client).map_err(|problems| anyhow!("{}", report(&problems)))?;
    let callback_port = config.sign_in.redirect_uri.port();
    let started = interactive::start(&cli.places, callback_port, &client(&ClientOptions::default())?).await?;
    started.greeting.show(io::stdout());
    let config = Config { greets: false, ..config };
    #[expect(clippy::disallowed_methods, reason = "the one place of this process that makes the generator")]
    let random = SystemRandom::new();
    let edge = Edge {
        clock: Arc::new(SystemClock),
        random: Arc::new(random),
        notice: notice_on_stderr(),
        waits: Waits::at_a_terminal(),
    };
    let exit = Box::pin(run(&config, None, Format::Text, &edge)).await;
    drop(started.children);
    Ok(exit?.into())
}
