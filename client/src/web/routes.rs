//! Every path of the page. Each form leads to an errand and back to the page by 303, so that a reload repeats nothing.

use axum::{
    Form, Router,
    extract::{FromRequest, Query, RawQuery, Request, State},
    http::HeaderMap,
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use std::{collections::BTreeMap, sync::Arc};

use super::{Way, Web, errand::Errand, events, fields, flaw::Flaw, layers, page, session::SessionId, visitor::Visitor};
use crate::oauth::registration::metadata_document;

/// Where the client's metadata document is, when the page is on https.
pub(super) const DOCUMENT: &str = "/client-metadata.json";

pub(super) fn router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/callback", get(callback))
        .route("/sign-in", post(sign_in))
        .route("/stay", post(stay))
        .route("/fetch", post(fetch))
        .route("/call", post(call))
        .route("/read", post(read))
        .route("/prompt", post(prompt))
        .route("/try", post(try_flaw))
        .route("/sign-out", post(sign_out))
        .route("/events", get(steps))
        .route("/steps", get(list))
        .route("/watch", get(watch))
        .route(DOCUMENT, get(document))
        .route("/style.css", get(async || asset("text/css", include_str!("style.css"))))
        .route("/diagram.js", get(async || asset("text/javascript", include_str!("diagram.js"))))
        .route("/icon.svg", get(async || asset("image/svg+xml", include_str!("icon.svg"))))
        .merge(serving::health::routes(|| std::future::ready(true)))
        .fallback(async || page::error(StatusCode::NOT_FOUND, "There is no such page", "Go back to the start."))
        .layer(middleware::from_fn_with_state(web.clone(), layers::host))
        .layer(middleware::from_fn_with_state(web.clone(), layers::headers))
        .with_state(web)
}

async fn home(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    if let Some(id) = web.sessions.of(&headers, &web.config.origin) {
        return page::home(&web, &id, web.sessions.find(&id).as_deref());
    }
    with_new_session(&web, |id| page::home(&web, id, None))
}

/// Where the authorization server sends the browser back to (OAuth 2.1 §4.1.2).
async fn callback(State(web): State<Arc<Web>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let id = web.sessions.of(&headers, &web.config.origin);
    let visitor = id.as_ref().and_then(|id| web.sessions.find(id));
    let (Some(id), Some(visitor)) = (id, visitor) else { return nobody_waits() };
    if !visitor.comes_back(query.unwrap_or_default()).await {
        return nobody_waits();
    }
    with_new_session(&web, |new| {
        web.sessions.rename(&id, new);
        Redirect::to("/").into_response()
    })
}

fn nobody_waits() -> Response {
    page::error(
        StatusCode::BAD_REQUEST,
        "This answer belongs to no sign-in of yours",
        "Nothing was done with it. It may be an old one, or come from somebody else. Go back and sign in again.",
    )
}

/// What `answer` makes, with the cookie of a new session.
fn with_new_session(web: &Web, answer: impl FnOnce(&SessionId) -> Response) -> Response {
    match SessionId::generate(web.random.as_ref()) {
        Ok(id) => {
            let mut response = answer(&id);
            response.headers_mut().append(header::SET_COOKIE, id.cookie(&web.config.origin));
            response
        }
        Err(error) => {
            tracing::error!(%error, "no session");
            page::error(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here", "Please try again later.")
        }
    }
}

/// A form that one of our own pages sent, by the visitor that it belongs to.
struct Posted {
    visitor: Arc<Visitor>,
    form: BTreeMap<String, String>,
}

impl FromRequest<Arc<Web>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Response> {
        let refused = || {
            page::error(
                StatusCode::FORBIDDEN,
                "This form is too old, or not ours",
                "Nothing was done. Go back to the start and try again; cookies must be allowed.",
            )
        };
        let headers = request.headers().clone();
        let from_us = |origin: &HeaderValue| origin.as_bytes() == web.config.origin.origin().as_bytes();
        let id = web.sessions.of(&headers, &web.config.origin).ok_or_else(refused)?;
        if !headers.get(header::ORIGIN).is_none_or(from_us) {
            return Err(refused());
        }
        let Form(pairs): Form<Vec<(String, String)>> =
            Form::from_request(request, web).await.map_err(IntoResponse::into_response)?;
        let form: BTreeMap<_, _> = pairs.into_iter().collect();
        if !form.get("csrf").is_some_and(|presented| id.has_form_token(presented)) {
            return Err(refused());
        }
        Ok(Self { visitor: web.sessions.find_or_begin(&id), form })
    }
}

impl Posted {
    fn text(&self, name: &str) -> String {
        self.form.get(name).cloned().unwrap_or_default()
    }

    /// The fields of a tool or prompt, which are kept for the next time that its form is shown.
    fn draft(&self) -> fields::Draft {
        let fields = self.form.iter().filter_map(|(name, value)| Some((name.strip_prefix("arg.")?, value)));
        let draft: fields::Draft = fields.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        self.visitor.view().drafts.insert(self.text("name"), draft.clone());
        draft
    }

    fn wrong(&self, sentence: String) -> Redirect {
        let mut view = self.visitor.view();
        (view.shown, view.problem) = (None, Some(sentence));
        Redirect::to("/")
    }

    async fn send(&self, web: &Web, errand: Errand) -> Redirect {
        self.visitor.send(web, errand).await;
        Redirect::to("/")
    }
}

async fn sign_in(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    let way = Way::parse(&posted.text("way")).unwrap_or_default();
    posted.send(&web, Errand::SignIn(way)).await
}

async fn stay(posted: Posted) -> Redirect {
    posted.visitor.stay().await;
    Redirect::to("/")
}

async fn fetch(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    posted.send(&web, Errand::Fetch).await
}

async fn call(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    let (name, draft) = (posted.text("name"), posted.draft());
    let arguments = {
        let view = posted.visitor.view();
        let tool = view.catalog.iter().flat_map(|catalog| &catalog.tools).find(|tool| tool.name == name.as_str());
        tool.map_or_else(|| Err(format!("There is no tool {name}.")), |tool| fields::arguments(tool, &draft))
    };
    match arguments {
        Ok(arguments) => posted.send(&web, Errand::Call { tool: name, arguments }).await,
        Err(sentence) => posted.wrong(sentence),
    }
}

async fn read(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    let uri = posted.text("uri");
    posted.send(&web, Errand::Read { uri }).await
}

async fn prompt(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    let draft = posted.draft().into_iter().filter(|(_, value)| !value.is_empty());
    let arguments: rmcp::model::JsonObject = draft.map(|(name, value)| (name, value.into())).collect();
    let name = posted.text("name");
    posted.send(&web, Errand::Prompt { name, arguments: (!arguments.is_empty()).then_some(arguments) }).await
}

async fn try_flaw(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    let Some(flaw) = Flaw::parse(&posted.text("flaw")) else { return posted.wrong("There is no such trial.".into()) };
    let tool = match posted.text("tool") {
        tool if tool.is_empty() => flaw.fitting_tool(posted.visitor.view().catalog.as_ref()),
        tool => tool,
    };
    posted.send(&web, Errand::Try { flaw, tool }).await
}

async fn sign_out(State(web): State<Arc<Web>>, posted: Posted) -> Redirect {
    posted.send(&web, Errand::SignOut).await
}

async fn steps(
    State(web): State<Arc<Web>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let Some(id) = web.sessions.of(&headers, &web.config.origin) else {
        // A browser does not ask again after this.
        return StatusCode::NO_CONTENT.into_response();
    };
    let told = Arc::clone(&web.sessions.find_or_begin(&id).told);
    if told.news_count() >= MAX_STREAMS {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let seen = seen.or(query.get("after").map(String::as_str)).and_then(|last| last.parse().ok());
    events::stream(told, seen.unwrap_or(0)).into_response()
}

/// Most pages of one visitor that are kept up to date.
const MAX_STREAMS: usize = 8;

async fn list(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    let id = web.sessions.of(&headers, &web.config.origin);
    page::list(id.and_then(|id| web.sessions.find(&id)).as_deref())
}

async fn watch(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    let id = web.sessions.of(&headers, &web.config.origin);
    page::watch(id.and_then(|id| web.sessions.find(&id)).as_deref())
}

/// The client's metadata document (Client ID Metadata Document §4).
async fn document(State(web): State<Arc<Web>>) -> Response {
    match &web.document {
        Some(url) if url.origin() == web.config.origin.origin() => {
            let document = metadata_document(url, &web.settings.redirect_uri);
            ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=300")], document)
                .into_response()
        }
        _ => page::error(StatusCode::NOT_FOUND, "There is no such page", "Go back to the start."),
    }
}

fn asset(content_type: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], content).into_response()
}
