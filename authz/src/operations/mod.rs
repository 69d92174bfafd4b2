//! What an operator sets and sees of the running server: rate limits, metrics, the audit log, and whose forwarded
//! addresses are believed. [`crate::layers`] applies it to every request.

pub mod address;
pub mod audit;
pub mod metrics;
pub mod rate_limits;
pub mod settings;

pub use address::{CallerAddress, TrustedProxies};
pub use audit::{AuditLog, Notes, Refused};
pub use metrics::Metrics;
pub use rate_limits::RateLimits;
pub use settings::{OperationsArgs, OperationsConfig};

use serving::settings::InvalidSetting;
use std::{fmt, sync::Arc};
use verification_keys::Clock;

/// Made once for each process.
#[derive(Default)]
pub struct Operations {
    /// `None` if they are switched off.
    pub rate_limits: Option<RateLimits>,
    /// What is counted.
    pub metrics: Metrics,
    /// `None` if it is switched off.
    pub audit: Option<AuditLog>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
}

impl Operations {
    /// As the settings say.
    ///
    /// # Errors
    /// The file of the audit log cannot be written.
    pub fn open(config: &OperationsConfig, clock: &Arc<dyn Clock>) -> Result<Self, InvalidSetting> {
        Ok(Self {
            rate_limits: config.rate_limits.then(|| RateLimits::new(clock)),
            metrics: Metrics::default(),
            audit: config.audit.open(settings::AUDIT_LOG, AuditLog::log, AuditLog::file)?,
            trusted_proxies: config.trusted_proxies.clone(),
        })
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").field("trusted_proxies", &self.trusted_proxies).finish_non_exhaustive()
    }
}
