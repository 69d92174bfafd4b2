//! The verifier's half of a key's life: discover an issuer's keys, fetch and keep them, verify with them.
//! Nothing here can sign.
//!
//! A token is taken apart once, strictly; its `kid` and algorithm lead to one of the issuer's keys; the signature comes
//! before anything in the claims is believed. Which claims a token must have is the verifier's business, not this
//! crate's.
//!
//! ```
//! use verification_keys::{AllowedAlgorithms, Claims, jwk_set::JwkSet, jws::{CompactJws, JwsError}};
//!
//! verification_keys::install_crypto_providers();
//! # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! # let token = concat!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvM",
//! #     "g3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
//! let keys = JwkSet::parse(jwks.as_bytes())?;
//!
//! let jws = CompactJws::parse(token, &AllowedAlgorithms::default())?;
//! let key = keys.key(jws.header().key_id.as_deref(), jws.header().algorithm).ok_or("unknown key")?;
//! jws.verify(key)?;
//! assert_eq!(jws.payload(), b"Example of Ed25519 signing"); // RFC 8037 A.4; a JWT has claims here:
//! assert!(Claims::parse(jws.payload()).is_err());
//!
//! let unsigned = CompactJws::parse("eyJhbGciOiJub25lIn0.e30.", &AllowedAlgorithms::default());
//! assert_eq!(unsigned.unwrap_err(), JwsError::AlgorithmNotAllowed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A running server keeps an issuer's keys in a [`jwk_set::RemoteJwkSet`], which fetches them when it has to and only
//! as often as it may.

pub mod addresses;
pub mod algorithm;
mod base64url;
mod cache_control;
pub mod claims;
mod clock;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
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
