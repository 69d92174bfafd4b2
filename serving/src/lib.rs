//! One way of serving for every process here: listeners, limits, timeouts, TLS, graceful shutdown,
//! request ids, health routes, metrics, logs, the audit log's file, and the words in which a wrong setting is reported.
//!
//! [`serve()`] is an own loop around hyper, because `axum::serve` has neither a header timeout nor a
//! connection limit.

pub mod args;
pub mod audit;
pub mod command_line;
pub mod database_url;
pub mod health;
pub mod layers;
pub mod logging;
pub mod metrics;
pub mod request_id;
pub mod settings;
pub mod tls;

mod connection;
mod listener;
mod output;
mod places;
mod serve;
mod shutdown;
#[cfg(feature = "otel")]
mod traces;

pub use args::{ServingArgs, TlsArgs};
pub use audit::AuditTarget;
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use listener::{BindError, Listener, is_loopback_host};
pub use output::print;
pub use request_id::{RequestId, RequestSpan};
pub use serve::{ServeOptions, serve};
pub use shutdown::shutdown_signal;
pub use tls::{Tls, TlsError};
