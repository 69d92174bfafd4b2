//! `GET|POST /login`, `POST /logout`: the page to sign in, the browser's session, and the end of it.
//! Our forms are read by [`BrowserForm`], which is proof that the browser itself posted them from our page.

mod attempts;
pub mod browser_form;
pub mod csrf;
mod destination;
pub mod origin;
mod page;
pub mod passwords;
pub mod session;
mod sign_in;
mod sign_out;
#[cfg(test)]
mod tests;

pub use attempts::{Attempts, TooSoon};
pub use browser_form::BrowserForm;
pub use destination::Destination;
pub use session::Browser;
pub use sign_in::welcome;

use crate::{
    routes::{LOGIN, LOGOUT},
    services::Services,
};
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use http::header;
use std::sync::Arc;

/// The routes of this folder.
pub fn routes() -> Router<Arc<Services>> {
    Router::new().route(LOGIN, get(page::get).post(sign_in::post)).route(LOGOUT, post(sign_out::post))
}

/// The name of the parameter that says which authorization request a page is about.
pub const REQUEST: &str = "request";

/// The address of one of our pages, for the authorization request that it is about.
#[must_use]
pub fn page_address(services: &Services, route: &str, request: Option<&str>) -> String {
    let path = services.public_url.path(route);
    // The characters of a request secret need no encoding.
    request.map_or_else(|| path.clone(), |request| format!("{path}?{REQUEST}={request}"))
}

/// `response`, telling the browser its new session if it has one.
#[must_use]
pub fn with_cookie(mut response: Response, services: &Services, browser: &Browser) -> Response {
    if let Some(cookie) = browser.set_cookie(services) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
