//! The verifier's half of a key's life: discover an issuer's keys, fetch and keep them, verify with them.
//! Nothing here can sign.

pub mod algorithm;
mod base64url;
pub mod claims;
mod clock;
pub mod http;
pub mod issuer;
pub mod json;
pub mod jwk_set;
pub mod jws;
pub mod metadata;
mod providers;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

pub use algorithm::{AllowedAlgorithms, SigningAlgorithm};
pub use claims::Claims;
pub use clock::{Clock, SystemClock};
pub use issuer::{HttpHosts, Issuer};
pub use providers::install_crypto_providers;
