//! Portcullis' authorization server: OAuth 2.1 for MCP, with tokens that a resource server verifies on the spot.
//!
//! A request reads `routes` → one endpoint's folder → [`protocol`] (parse) → [`store`] (load) → a pure decision →
//! [`store`] (commit) → respond. [`services`] holds what the endpoints share.

pub mod account;
pub mod assertion_issuers;
pub mod authorize;
pub mod bearer;
pub mod cli;
pub mod client_authentication;
pub mod client_metadata_documents;
pub mod clients_file;
pub mod commands;
pub mod config;
pub mod consent;
pub mod demo;
pub mod device;
pub mod device_authorization;
pub mod domain;
pub mod form;
pub mod host;
pub mod introspect;
pub mod jwks;
pub mod layers;
pub mod login;
pub mod maintenance;
pub mod metadata;
pub mod openid;
pub mod operations;
pub mod outgoing;
pub mod pages;
pub mod protocol;
pub mod public_url;
pub mod register;
pub mod resources;
pub mod revoke;
pub mod routes;
pub mod sealed_code;
pub mod services;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod token;
