//! The resource server from the outside: the tables, the hostile tokens, the transport, the whole server.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod audience_table;
mod audit;
mod bench;
mod binary;
mod doctor;
mod examples;
mod explain;
mod faults;
mod forgeries;
mod introspection;
mod introspection_table;
mod issuer;
mod issuers;
mod keys;
mod library;
mod log;
mod metrics;
mod notes;
mod presets;
mod providers;
mod resources;
mod rotation;
mod scopes;
mod server;
mod shim;
mod stdio;
mod streams;
mod tokens;
mod traces;
mod transport;
mod wire;
