//! `GET /account`, `POST /account/disconnect`, `GET|POST /account/password`, `GET|POST /signup`: what people do about
//! their own account. Which applications have access, and the end of it; the password; a new account.

mod connections;
mod password;
mod sign_up;
#[cfg(test)]
mod tests;

use crate::{
    routes::{ACCOUNT, DISCONNECT, PASSWORD, SIGN_UP},
    services::Services,
};
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// The routes of this folder.
pub fn routes(services: &Services) -> Router<Arc<Services>> {
    let router = Router::new()
        .route(ACCOUNT, get(connections::get))
        .route(DISCONNECT, post(connections::disconnect))
        .route(PASSWORD, get(password::get).post(password::post));
    if services.settings.signup { router.route(SIGN_UP, get(sign_up::get).post(sign_up::post)) } else { router }
}

/// What was just done, for the page that says so; a closed list, so that no link can put words on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Disconnected,
    Password,
}

impl Done {
    const PARAMETER: &'static str = "done";

    fn parse(raw: &str) -> Option<Self> {
        [Self::Disconnected, Self::Password].into_iter().find(|done| done.as_str() == raw)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Password => "password",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Disconnected => "Disconnected. The application has no access any more.",
            Self::Password => "Your password is changed. Every other browser is signed out.",
        }
    }
}
