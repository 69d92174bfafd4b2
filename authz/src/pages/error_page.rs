//! The error page: what happened, whose turn it is, the request id. Made where something goes wrong; rendered by
//! [`crate::layers`], which knows the request id.

use super::{ContentSecurityPolicy, page};
use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serving::RequestId;
use std::borrow::Cow;

/// An error for a person to read. As a response it has no body until [`crate::layers`] renders it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    status: StatusCode,
    title: Cow<'static, str>,
    message: Cow<'static, str>,
    turn: Turn,
    list: Option<(Cow<'static, str>, Vec<String>)>,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The person in front of the browser.
    You,
    /// The people who make the application.
    Application,
    /// The people who run this server.
    Operator,
}

impl ErrorPage {
    /// An error page. `title` says what happened in a few words, `message` in a sentence or two; both are escaped.
    #[must_use]
    pub fn new(
        status: StatusCode,
        turn: Turn,
        title: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, title: title.into(), message: message.into(), turn, list: None }
    }

    /// Adds a list of values, in monospace, under a sentence: what would have been right, and the setting for it.
    #[must_use]
    pub fn listing(mut self, caption: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = String>) -> Self {
        self.list = Some((caption.into(), values.into_iter().collect()));
        self
    }

    /// The page itself.
    #[must_use]
    pub fn render(&self, request_id: Option<RequestId>) -> Response {
        let template = ErrorTemplate { error: self, request_id };
        page(self.status, &template, &ContentSecurityPolicy::NoForm)
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl Turn {
    const fn advice(self) -> &'static str {
        match self {
            Self::You => "It is your turn: go back and try again from there.",
            Self::Application => {
                "It is the application's turn: there is nothing that you can do here. \
                 Show this page to the people who make it."
            }
            Self::Operator => {
                "It is the operator's turn: try again later, or show this page to the people who run this server."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    error: &'a ErrorPage,
    request_id: Option<RequestId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn html(page: &ErrorPage, request_id: Option<RequestId>) -> String {
        let body = axum::body::to_bytes(page.render(request_id).into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn says_what_happened_whose_turn_it_is_and_the_request_id() {
        let id = RequestId::next();
        for (turn, expected) in
            [(Turn::You, "your turn"), (Turn::Application, "application's turn"), (Turn::Operator, "operator's turn")]
        {
            let page = ErrorPage::new(StatusCode::BAD_REQUEST, turn, "It broke", "Because it was old.");
            let html = html(&page, Some(id)).await.replace("&#39;", "'");
            for part in ["It broke", "Because it was old.", expected, &format!("<code>{id}</code>")] {
                assert!(html.contains(part), "{part} in {html}");
            }
        }
    }

    #[tokio::test]
    async fn names_what_would_have_been_right() {
        let page = ErrorPage::new(StatusCode::BAD_REQUEST, Turn::Application, "Unknown resource", "It is not known.")
            .listing("Known are (MCP_AUTH_RESOURCES):", ["http://localhost:8001/mcp".to_owned()]);
        let html = html(&page, None).await;
        assert!(
            html.contains("MCP_AUTH_RESOURCES") && html.contains("<code>http://localhost:8001/mcp</code>"),
            "{html}"
        );
    }

    #[tokio::test]
    async fn nothing_is_markup_or_template_syntax() {
        let hostile = "<script>alert(1)</script>\"'{{ 7*7 }}{% raw %}".to_owned();
        let page = ErrorPage::new(StatusCode::BAD_REQUEST, Turn::You, hostile.clone(), hostile.clone())
            .listing(hostile.clone(), [hostile]);
        let html = html(&page, None).await;
        assert!(!html.contains("<script") && !html.contains("49") && html.contains("{{ 7*7 }}"), "{html}");
    }
}
