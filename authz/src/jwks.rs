//! `GET /.well-known/jwks.json` (RFC 7517 §5): the public halves of our signing keys.

use crate::services::Services;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use std::sync::Arc;

/// Serves the key set. A new key is published for longer than this `max-age` before it signs.
pub async fn get(State(services): State<Arc<Services>>) -> Response {
    let headers = [(header::CACHE_CONTROL, "public, max-age=300"), (header::CONTENT_TYPE, "application/json")];
    (headers, services.keys.jwk_set(services.now()).to_json()).into_response()
}
