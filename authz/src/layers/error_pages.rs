//! Renders the pages of the handlers that show the request id, which the handlers do not know.

use crate::{authorize::Answer, pages::ErrorPage};
use axum::{extract::Request, middleware::Next, response::Response};
use serving::RequestId;

pub(super) async fn render(request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().copied();
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    let mut rendered = match (extensions.remove::<ErrorPage>(), extensions.remove::<Answer>()) {
        (Some(error), _) => error.render(request_id),
        (None, Some(answer)) => answer.render(request_id),
        (None, None) => return response,
    };
    for name in [http::header::CONTENT_LENGTH, http::header::CONTENT_TYPE] {
        response.headers_mut().remove(name);
    }
    rendered.headers_mut().extend(response.headers().clone());
    *rendered.extensions_mut() = std::mem::take(response.extensions_mut());
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Turn;
    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use http::{StatusCode, header};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn the_page_carries_the_id_of_its_request_and_keeps_its_headers() {
        let page = || async { ErrorPage::new(StatusCode::TOO_MANY_REQUESTS, Turn::You, "Full", "Wait.") };
        let router: Router = Router::new().route("/", get(page)).layer(from_fn(render));
        let router = serving::layers::apply(router, &serving::ServeOptions::default());
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains(&id));
    }
}
