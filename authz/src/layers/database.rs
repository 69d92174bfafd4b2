//! Says `503` where the database is of no help. Before a request is looked at, if its file was removed or replaced: SQLite
//! would go on with the file that it has open, and what is written to a file without a name is lost. And after a while,
//! if it says nothing: a connection into a network that went silent breaks off by itself after a quarter of an hour.

use crate::{
    form,
    pages::{ErrorPage, Turn},
    protocol::ErrorCode,
    services::Services,
    store,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// A password may wait for its turn besides. Less than the 30 s after which the connection is closed.
const PEOPLE_WAIT: Duration = Duration::from_secs(20);

/// The layer around what programs ask.
pub async fn for_programs(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let unavailable = || form::error(ErrorCode::TemporarilyUnavailable, "try again later");
    if services.store.is_there() {
        return in_time(store::PATIENCE, next.run(request), unavailable).await;
    }
    unavailable()
}

/// The layer around what people see.
pub async fn for_people(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let page = |message| {
        let status = ErrorCode::TemporarilyUnavailable.status();
        ErrorPage::new(status, Turn::Operator, "The server could not do this", message).into_response()
    };
    if services.store.is_there() {
        let silent = || page("Something that the server stands on did not answer.");
        return in_time(PEOPLE_WAIT, next.run(request), silent).await;
    }
    page("Something that the server stands on did not work. Nothing was done.")
}

/// The answer, or another one if it does not come. What was under way ends as if the caller had hung up.
async fn in_time(
    limit: Duration,
    answer: impl Future<Output = Response>,
    otherwise: impl FnOnce() -> Response,
) -> Response {
    timeout(limit, answer).await.unwrap_or_else(|_| {
        tracing::error!(waited = ?limit, "no answer: the database is silent");
        otherwise()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use std::future::{pending, ready};

    fn unavailable() -> Response {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_another_one_after_its_time() {
        let answer = in_time(Duration::from_millis(1), pending(), unavailable).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let answer = in_time(store::PATIENCE, ready(StatusCode::OK.into_response()), unavailable).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
