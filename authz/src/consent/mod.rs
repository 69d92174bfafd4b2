//! `GET|POST /consent`: a person sees who asks for what, and allows or denies it. The decision itself is
//! [`crate::authorize::approve`] or [`crate::authorize::deny`].

mod again;
mod asking;
mod decision;
mod memory;
mod page;
mod permission;
mod question;
#[cfg(test)]
mod tests;

pub use asking::Asking;
pub use decision::Choice;
pub use memory::may_remember;
pub use permission::Permission;
pub use question::Question;

use crate::{routes::CONSENT, services::Services};
use axum::{Router, routing::get};
use std::sync::Arc;

/// The routes of this folder.
pub fn routes() -> Router<Arc<Services>> {
    Router::new().route(CONSENT, get(page::get).post(decision::post))
}
