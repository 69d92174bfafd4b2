//! Starts the authorization server: settings, state, listener.

use anyhow::Context as _;
use authz::{
    cli::Cli,
    commands::{self, Command, CommandError, Means},
    config::Config,
    maintenance, routes,
    services::Services,
};
use ring::rand::SystemRandom;
use serving::{Listener, ServeOptions, command_line, logging, serve, settings, shutdown_signal};
use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
};
use verification_keys::SystemClock;

fn main() -> ExitCode {
    let read = command_line::read(|cli: Cli| {
        let command = cli.command.clone();
        Ok((command, Config::try_from(cli)?))
    });
    let (command, config) = match read {
        Ok(read) => read,
        Err(problems) => return invalid(&problems),
    };
    if let Some(command) = command {
        return start(carry_out(command, config));
    }
    if let Err(problem) = logging::init(config.serving.log_format, "info") {
        return invalid(&[problem]);
    }
    if config.serving.print_config {
        return start(async move { Ok(serving::print(&config).map(|()| ExitCode::SUCCESS)?) });
    }
    start(run(config))
}

fn invalid(problems: &[settings::InvalidSetting]) -> ExitCode {
    eprint!("{}", settings::report(problems));
    ExitCode::from(2)
}

fn start(work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.context("cannot start the runtime").and_then(|runtime| runtime.block_on(work));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("authz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    verification_keys::install_crypto_providers();
    #[expect(clippy::disallowed_methods, reason = "the edge: everything else gets its randomness from here")]
    let random = Arc::new(SystemRandom::new());
    match commands::run(command, &Means { config, clock: Arc::new(SystemClock), random, ask_password }).await {
        Ok(text) => {
            serving::print(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(CommandError::Setting(problem)) => Ok(invalid(&[problem])),
        Err(error) => Err(error.into()),
    }
}

/// Twice, and unseen, where somebody sits at a terminal; else the first line of standard input.
fn ask_password(prompt: &str) -> io::Result<String> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password(prompt)?;
    if rpassword::prompt_password("The same again: ")? == password {
        Ok(password)
    } else {
        Err(io::Error::other("the two are not the same"))
    }
}

async fn run(config: Config) -> anyhow::Result<ExitCode> {
    verification_keys::install_crypto_providers();
    let tls = match config.serving.tls.certificate(config.public_url.host()) {
        Ok(tls) => tls,
        Err(problem) => return Ok(invalid(&[problem])),
    };
    let listener = match Listener::bind(&config.host, config.port).await {
        Ok(listener) => listener,
        Err(error) => return Ok(invalid(&[error.as_invalid_setting("MCP_AUTH_HOST", "MCP_AUTH_PORT")])),
    };
    #[expect(clippy::disallowed_methods, reason = "the edge: everything else gets its randomness from here")]
    let random = Arc::new(SystemRandom::new());
    let services = match Services::open(&config, Arc::new(SystemClock), random).await {
        Ok(services) => services,
        Err(error) => return error.as_invalid_setting().map(|problem| invalid(&[problem])).ok_or(error.into()),
    };
    if let Err(problem) = serve_metrics(&config, &services).await {
        return Ok(invalid(&[problem]));
    }
    let maintenance = tokio::spawn(maintenance::run(services.clone()));
    tracing::info!("listening on {}", config.public_url);
    // The router has a limit of its own.
    let options = ServeOptions { tls, max_body_bytes: usize::MAX, ..ServeOptions::default() };
    serve(listener, routes::router(services), options, shutdown_signal()).await;
    maintenance.abort();
    logging::flush();
    Ok(ExitCode::SUCCESS)
}

/// On a port of their own, if the settings name one. They end with the process.
async fn serve_metrics(config: &Config, services: &Arc<Services>) -> Result<(), settings::InvalidSetting> {
    let Some(port) = config.operations.metrics_port else { return Ok(()) };
    let listener = Listener::bind(&config.host, port).await;
    let listener = listener.map_err(|error| error.as_invalid_setting("MCP_AUTH_HOST", "MCP_AUTH_METRICS_PORT"))?;
    let services = services.clone();
    let routes = serving::metrics::routes(move || services.operations.metrics.text());
    serving::metrics::spawn(listener, routes, std::future::pending());
    Ok(())
}
