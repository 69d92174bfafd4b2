//! HTML.

use crate::services::Services;
use axum::{
    Router,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use std::sync::Arc;

/// The routes of this folder: the style sheet.
pub fn routes() -> Router<Arc<Services>> {
    Router::new()
}

/// The error page: `message` is a sentence for the person, escaped here.
pub fn error_page(status: StatusCode, message: &str) -> Response {
    (status, message.to_owned()).into_response()
}
