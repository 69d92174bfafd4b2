//! An MCP client for the terminal: signs a person in at whatever authorization server the MCP server names, keeps
//! the token on this computer, and calls tools.
//!
//! [`oauth`] is the way to a token, [`mcp`] what is done with it, [`app`] both together with the person in between;
//! [`flow`] tells each step of it.

pub mod app;
pub mod cli;
pub mod commands;
pub mod completion;
pub mod config;
pub mod connections;
pub mod decoded;
pub mod demo;
pub mod flow;
pub mod guard;
pub mod hosts;
pub mod line;
pub mod mcp;
pub mod oauth;
pub mod repl;
pub mod run;
pub mod servers;
pub mod status;
pub mod terminal;
pub mod trace;
pub mod verbs;
pub mod web;
