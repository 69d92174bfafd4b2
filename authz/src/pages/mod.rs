//! What every HTML page shares: how it is answered, its Content-Security-Policy, its style, and the error page.
//! No page has a script, an image file or a font; the style is in the page, allowed by its hash.

mod content_security_policy;
mod error_page;
mod page_error;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use content_security_policy::ContentSecurityPolicy;
pub use error_page::{ErrorPage, Turn};
pub use page_error::PageError;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;

/// The style of every page, byte for byte as between the `style` tags: its hash is in the policy.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// A page as an answer, with its policy. [`crate::layers`] adds the headers that are the same for all.
pub fn page(status: StatusCode, template: &impl Template, policy: &ContentSecurityPolicy<'_>) -> Response {
    let Ok(html) = template.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.to_header_value());
    response
}

/// `303 See Other`: the browser goes on with a GET, and takes no form along (RFC 9700 §4.12).
/// A location that is no header value is a mistake of ours and answers 500.
#[must_use]
pub fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `response`, saying when to come back: at least one second from now.
#[must_use]
pub fn with_retry_after(mut response: Response, wait: SignedDuration) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    response
}

/// There is nothing at this address.
pub async fn not_found() -> ErrorPage {
    ErrorPage::new(StatusCode::NOT_FOUND, Turn::You, "There is no such page", "Nothing is at this address.")
}
