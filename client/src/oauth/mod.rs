//! Signing a person in. Each exchange is a pair: the request to send, and the checks on what comes back.
//! RFC 9728 → RFC 8414 → RFC 7591 → OAuth 2.1 §4.1 with RFC 7636, 8707, 9207 and 8252; MCP authorization 2026-07-28.

pub mod assertion;
pub mod authorization;
pub mod browser;
pub mod challenge;
pub mod client;
pub mod client_store;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod endpoint;
pub mod exchange;
#[cfg(test)]
mod fuzzing;
pub mod grant;
pub mod loopback;
pub mod pkce;
pub mod private_files;
pub mod registration;
pub mod revocation;
pub mod scope;
pub mod sign_in;
pub mod signing;
pub mod token;
pub mod token_exchange;
pub mod token_store;
pub mod vault;
pub mod visit;
pub mod waits;

#[cfg(test)]
pub(crate) mod testing;
