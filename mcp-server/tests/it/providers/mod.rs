//! The documents and tokens of identity providers: each under each strictness, with the exact reason.

mod bench;
mod documents;
mod observed;
mod tenants;
mod transcribed;
