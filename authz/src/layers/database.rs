//! Says `503` before a request is looked at that would work on a database file that was removed or replaced: SQLite
//! would go on with the file that it has open, and what is written to a file without a name is lost.

use crate::{
    form,
    pages::{ErrorPage, Turn},
    protocol::ErrorCode,
    services::Services,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// The layer around what programs ask.
pub async fn for_programs(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if services.store.is_there() {
        return next.run(request).await;
    }
    form::error(ErrorCode::TemporarilyUnavailable, "try again later")
}

/// The layer around what people see.
pub async fn for_people(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if services.store.is_there() {
        return next.run(request).await;
    }
    let status = ErrorCode::TemporarilyUnavailable.status();
    let message = "Something that the server stands on did not work. Nothing was done.";
    ErrorPage::new(status, Turn::Operator, "The server could not do this", message).into_response()
}
