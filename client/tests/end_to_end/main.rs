//! The three real programs on free ports of this computer, each test with a folder of its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test may end it"
)]

mod demo;
mod grants;
mod id_token;
mod identity_provider;
mod introspection;
mod logs;
mod one_shot;
mod prompt;
mod realm;
mod renewal;
mod restarts;
mod stdio;
mod terminal;
mod web;
mod wire;
