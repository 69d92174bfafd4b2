//! The wish of the operator to end the process: Ctrl-C, or SIGTERM from a service manager.

use tokio::signal;

/// Waits for Ctrl-C or (on Unix) SIGTERM. Where a signal cannot be listened to, only the other one ends it.
pub async fn shutdown_signal() {
    tokio::select! {
        () = interrupt() => tracing::info!("interrupted, shutting down"),
        () = terminate() => tracing::info!("asked to end, shutting down"),
    }
}

async fn interrupt() {
    if let Err(error) = signal::ctrl_c().await {
        tracing::warn!(%error, "cannot listen to Ctrl-C");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminate() {
    match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "cannot listen to SIGTERM");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending::<()>().await;
}
