//! The resource server as a process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::routing::MethodRouter;
use mcp_server::cli::{Cli, Command, DoctorArgs, ExplainArgs};
use mcp_server::config::{Config, StorageConfig, Transport};
use mcp_server::resource_server::{AuditLog, ResourceServer, ResourceServerOptions};
use mcp_server::stdio::{Ended, Session};
use mcp_server::storage::{Meter, Storage};
use mcp_server::tools::Means;
use mcp_server::{doctor, explain, mcp, routes, tools};
use ring::rand::SystemRandom;
use serving::settings::{self, InvalidSetting};
use serving::{Listener, command_line};
use tokio::io::BufReader;
use tokio_util::sync::CancellationToken;
use verification_keys::{Clock, SystemClock, http, install_crypto_providers};

/// How long the start waits for the issuer's keys.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is logged unless `RUST_LOG` says otherwise: rmcp has four lines for each request.
const LOG: &str = "info,rmcp=warn";
/// How soon keys that are missing are tried for again: at first, when the issuer may only be starting too, and
/// at the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What this process is started for.
enum Task {
    Serve(Box<Config>),
    Explain(ExplainArgs, Box<Config>),
    /// The doctor tells wrong settings too.
    Doctor(DoctorArgs, Result<Box<Config>, Vec<InvalidSetting>>),
}

fn task(cli: Cli) -> Result<Task, Vec<InvalidSetting>> {
    let command = cli.command.clone();
    let config = Config::try_from(cli).map(Box::new);
    match command {
        None => config.map(Task::Serve),
        Some(Command::Explain(args)) => config.map(|config| Task::Explain(args, config)),
        Some(Command::Doctor(args)) => Ok(Task::Doctor(args, config)),
    }
}

fn main() -> anyhow::Result<ExitCode> {
    // Before there are threads: reading `.env` sets variables.
    let read = command_line::read(task);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("threads")?;
    let code = runtime.block_on(start(read));
    // Not waited for: a read of standard input that nobody needs any more may never end.
    runtime.shutdown_background();
    serving::logging::flush();
    code
}

async fn start(read: Result<Task, Vec<InvalidSetting>>) -> anyhow::Result<ExitCode> {
    install_crypto_providers();
    let problems = match read {
        Ok(Task::Explain(args, config)) => return explain::run(&args, &config).await,
        Ok(Task::Doctor(args, config)) => return doctor::run(&args, config.map(|config| *config)).await,
        Ok(Task::Serve(config)) => match serving::logging::init(config.serving.log_format, LOG) {
            Ok(()) if config.serving.print_config => {
                serving::print(&config)?;
                return Ok(ExitCode::SUCCESS);
            }
            Ok(()) => match run(*config).await {
                Ok(()) => return Ok(ExitCode::SUCCESS),
                Err(error) => match error.downcast::<Ended>() {
                    Ok(ended) => {
                        eprintln!("{ended}");
                        return Ok(ExitCode::FAILURE);
                    }
                    Err(error) => vec![error.downcast::<InvalidSetting>()?],
                },
            },
            Err(problem) => vec![problem],
        },
        Err(problems) => problems,
    };
    eprint!("{}", settings::report(&problems));
    Ok(ExitCode::from(2))
}

/// Serves until it is told to stop. An [`InvalidSetting`] is an error like any other.
async fn run(config: Config) -> anyhow::Result<()> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let client = http::client(&config.outgoing).context("outgoing calls")?;
    let audit = config.audit.open("MCP_RESOURCE_AUDIT_LOG", AuditLog::log, AuditLog::file)?;
    let options = ResourceServerOptions { audit, ..config.options.clone() };
    let protected = ResourceServer::new(options, &client, Arc::clone(&clock))?;
    check_shim(&protected).await?;
    keep_keys(&protected).await;
    let means = means(&config.storage, Arc::clone(&clock));
    let mut tools = tools::Tools::new(means.clone());
    if config.scopes.hide_tools {
        tools = tools.hiding_by(config.options.scopes.clone());
    }
    let stop = CancellationToken::new();
    if let Some(port) = config.metrics_port {
        let metrics = bind(&config.host, port, "MCP_RESOURCE_METRICS_PORT").await?;
        serving::metrics::spawn(metrics, routes::metrics(&protected), stop.clone().cancelled_owned());
    }
    let endpoint = mcp::endpoint(tools, config.options.max_body_bytes, stop.clone());
    let served = match &config.transport {
        Transport::StreamableHttp => serve_http(&config, &protected, endpoint, stop).await,
        Transport::Stdio { authorization } => {
            let session = Session::start(
                (&config.options.resource, &protected),
                endpoint,
                authorization.clone(),
                clock,
                config.options.max_body_bytes,
            );
            serve_stdio(session.await?).await
        }
    };
    // Logged if it fails; there is nobody left to tell.
    means.meter.flush(means.clock.now()).await.ok();
    means.storage.close().await;
    served
}

/// What only another configuration can help is told before anybody is sent here.
async fn check_shim(protected: &ResourceServer) -> Result<(), InvalidSetting> {
    match tokio::time::timeout(PATIENCE, protected.check_shim()).await {
        Ok(Err(error)) if error.is_final() => {
            let fix = "set MCP_RESOURCE_METADATA_SHIM=off and let clients use the issuer as it is, or change it there";
            return Err(InvalidSetting::new("MCP_RESOURCE_METADATA_SHIM", error.to_string(), fix));
        }
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the metadata shim has nothing to show yet"),
        Err(_) => tracing::warn!("the metadata shim has nothing to show yet: the issuer takes too long to answer"),
    }
    Ok(())
}

async fn serve_http(
    config: &Config,
    protected: &ResourceServer,
    endpoint: MethodRouter,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = bind(&config.host, config.port, "MCP_RESOURCE_PORT").await?;
    let router = routes::router(&config.options.resource, protected, endpoint);
    tracing::info!("listening on {}", config.options.resource);
    let shutdown = async move {
        serving::shutdown_signal().await;
        stop.cancel();
    };
    serving::serve(listener, router, config.serve_options.clone(), shutdown).await;
    Ok(())
}

async fn serve_stdio(session: Session) -> anyhow::Result<()> {
    tracing::info!("listening on standard input");
    let input = BufReader::new(tokio::io::stdin());
    tokio::select! {
        ended = session.run(input, tokio::io::stdout()) => Ok(ended?),
        () = serving::shutdown_signal() => Ok(()),
    }
}

async fn bind(host: &str, port: u16, setting: &'static str) -> Result<Listener, InvalidSetting> {
    Listener::bind(host, port).await.map_err(|error| error.as_invalid_setting("MCP_RESOURCE_HOST", setting))
}

/// What the tools work with. The database is opened beside the start: whether it is there decides about notes
/// only.
fn means(config: &StorageConfig, clock: Arc<dyn Clock>) -> Means {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes the generator")]
    let random = Arc::new(SystemRandom::new());
    let storage = Storage::new(config.database_url.clone(), random);
    let meter = Arc::new(Meter::new(storage.clone(), config.monthly_quota));
    let (opened, counted, clock_of_counts) = (storage.clone(), Arc::clone(&meter), Arc::clone(&clock));
    tokio::spawn(async move {
        // Logged if it fails; the first call of a tool tries again.
        opened.open().await.ok();
        counted.keep_flushing(clock_of_counts).await;
    });
    Means { clock, storage, meter }
}

/// Fetches the keys before the first request if the issuer answers in time, and goes on trying if not.
async fn keep_keys(protected: &ResourceServer) {
    let first = tokio::time::timeout(PATIENCE, protected.fetch_keys()).await;
    if !matches!(first, Ok(Ok(()))) {
        tracing::warn!("the issuer's keys are not there yet: not ready until they are");
    }
    let protected = protected.clone();
    tokio::spawn(async move {
        let mut pause = RETRY.0;
        loop {
            tokio::time::sleep(pause).await;
            if protected.is_ready() {
                pause = RETRY.1;
            } else if protected.fetch_keys().await.is_ok() {
                tracing::info!("the issuer's keys are there: ready");
            } else {
                pause = (pause * 2).min(RETRY.1);
            }
        }
    });
}
