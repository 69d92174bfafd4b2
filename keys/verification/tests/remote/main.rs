//! Keys and metadata of a scripted issuer on loopback, with the clock set by hand: each test says exactly how often the
//! issuer is asked.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod discovery;
mod failures;
mod http;
mod issuer;
mod keys;
mod unknown_kids;
