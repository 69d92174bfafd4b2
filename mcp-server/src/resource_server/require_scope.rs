//! Scopes of a single route: `route_layer(resource_server.require_scope("notes:write"))`, inside the layer
//! that verifies the token. Without that layer every request is refused.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use futures_util::future::Either;
use tower::{Layer, Service};

use super::access_token::AccessToken;
use super::challenge::{Reason, Refusal};
use super::scope::Requirement;
use super::{ResourceServer, Shared};

/// Wraps a service in [`RequireScope`].
#[derive(Clone, Debug)]
pub struct RequireScopeLayer {
    server: ResourceServer,
    needs: Arc<Requirement>,
}

impl RequireScopeLayer {
    pub(super) fn new(server: ResourceServer, needs: Requirement) -> Self {
        Self { server, needs: Arc::new(needs) }
    }
}

impl<S> Layer<S> for RequireScopeLayer {
    type Service = RequireScope<S>;

    fn layer(&self, inner: S) -> RequireScope<S> {
        RequireScope { layer: self.clone(), inner }
    }
}

/// Lets only requests through to `S` whose verified token has the scopes.
#[derive(Clone, Debug)]
pub struct RequireScope<S> {
    layer: RequireScopeLayer,
    inner: S,
}

impl<S: Service<Request, Response = Response>> Service<Request> for RequireScope<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = &self.layer.server.0;
        if let Err(refusal) = shared.check_route(request.extensions().get(), &self.layer.needs) {
            let (parts, _) = request.into_parts();
            return Either::Left(ready(Ok(shared.refuse(&refusal, &parts))));
        }
        Either::Right(self.inner.call(request))
    }
}

impl Shared {
    fn check_route(&self, token: Option<&AccessToken>, needs: &Requirement) -> Result<(), Refusal> {
        let token = token.ok_or(Reason::MissingToken)?;
        self.scopes.check(token, needs, self.verifier.clock.now())
    }
}
