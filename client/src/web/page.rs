//! The pages: the one that everything happens on, the steps as a plain list, and the page of an error.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::{
    Way, Web,
    claims::TokenView,
    diagram::Row,
    errand::{Catalog, Shown, View},
    fields::{self, Field, Input},
    flaw::Flaw,
    session::SessionId,
    visitor::Visitor,
};
use crate::{
    decoded::Decoded,
    oauth::{endpoint::Endpoint, exchange::Answer, sign_in::ClientChoice},
};

/// Everything.
#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    form_token: String,
    server: String,
    ways: Vec<WayView>,
    signed_in: Option<SignedIn>,
    visit: Option<VisitView>,
    forms: Option<Forms>,
    shown: Option<ShownView>,
    problem: Option<String>,
    token: Option<TokenView>,
    flaws: [Flaw; 4],
    rows: Vec<Row>,
}

impl Home {
    /// The id of a field: names of a server may hold anything, but no space may stand in an id.
    #[expect(clippy::unused_self, reason = "templates call methods only")]
    fn id(&self, kind: &str, form: &str, field: &str) -> String {
        format!("{kind}-{form}-{field}").split_whitespace().collect()
    }
}

struct WayView {
    value: &'static str,
    label: &'static str,
    help: String,
    chosen: bool,
    possible: bool,
}

struct SignedIn {
    subject: Option<String>,
    client: Option<String>,
    scope: Option<String>,
    until: Option<String>,
}

struct VisitView {
    url: String,
    host: String,
    scope: Option<String>,
    purpose: String,
}

struct Forms {
    tools: Vec<Form>,
    prompts: Vec<Form>,
    resources: Vec<(String, String)>,
    templates: Vec<(String, String)>,
}

struct Form {
    name: String,
    about: String,
    fields: Vec<Field>,
}

struct ShownView {
    title: String,
    about: &'static str,
    reason: Option<String>,
    text: String,
    failed: bool,
}

/// The page for a visitor, or for somebody who is none yet.
pub(super) fn home(web: &Web, id: &SessionId, visitor: Option<&Visitor>) -> Response {
    let blank = View::default();
    let view = visitor.map(Visitor::view);
    let view = view.as_deref().unwrap_or(&blank);
    let steps = visitor.map(|visitor| visitor.told.after(0)).unwrap_or_default();
    let decoded = view.held.as_ref().and_then(|held| Decoded::read(&held.token));
    let page = Home {
        form_token: id.form_token(),
        server: web.settings.server.as_str().to_owned(),
        ways: ways(web, view.way),
        signed_in: view.held.as_ref().map(|held| SignedIn {
            subject: claim(decoded.as_ref(), "sub"),
            client: claim(decoded.as_ref(), "client_id"),
            scope: claim(decoded.as_ref(), "scope"),
            until: held.expires_at.and_then(whole_seconds),
        }),
        visit: visitor.and_then(Visitor::awaited).map(|url| VisitView {
            host: url
                .host_str()
                .map(|host| url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
                .unwrap_or_default(),
            scope: url.query_pairs().find(|(name, _)| name == "scope").map(|(_, scope)| scope.into_owned()),
            url: url.into(),
            purpose: view.purpose.clone(),
        }),
        forms: view.catalog.as_ref().map(|catalog| forms(catalog, view)),
        shown: view.shown.as_ref().map(shown),
        problem: view.problem.clone(),
        token: decoded.as_ref().map(TokenView::new),
        flaws: Flaw::ALL,
        rows: steps.iter().map(Row::new).collect(),
    };
    html(StatusCode::OK, &page)
}

/// The steps as text, in order.
pub(super) fn list(visitor: Option<&Visitor>) -> Response {
    #[derive(Template)]
    #[template(path = "list.html")]
    struct List {
        rows: Vec<Row>,
    }
    let steps = visitor.map(|visitor| visitor.told.after(0)).unwrap_or_default();
    html(StatusCode::OK, &List { rows: steps.iter().map(Row::new).collect() })
}

/// The diagram alone, to be watched beside the page.
pub(super) fn watch(visitor: Option<&Visitor>) -> Response {
    #[derive(Template)]
    #[template(path = "watch.html")]
    struct Watch {
        rows: Vec<Row>,
    }
    let steps = visitor.map(|visitor| visitor.told.after(0)).unwrap_or_default();
    html(StatusCode::OK, &Watch { rows: steps.iter().map(Row::new).collect() })
}

/// What happened, and what to do.
pub(super) fn error(status: StatusCode, title: &'static str, message: &'static str) -> Response {
    #[derive(Template)]
    #[template(path = "error.html")]
    struct Error {
        title: &'static str,
        message: &'static str,
    }
    html(status, &Error { title, message })
}

fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn ways(web: &Web, chosen: Way) -> Vec<WayView> {
    let possible = |way: Way| match way {
        // The demo's client comes back to http on this computer, and to nothing else.
        Way::PreRegistered => !(web.is_https() && matches!(web.settings.client, ClientChoice::Demo(_))),
        Way::Dynamic => true,
        Way::Document => web.document.is_some(),
    };
    let chosen = if possible(chosen) { chosen } else { Way::Dynamic };
    let view = |way: Way| {
        let (label, help) = match way {
            Way::PreRegistered => ("A client that is registered there", registered(possible(way))),
            Way::Dynamic => ("Register now, by itself", "dynamic client registration, RFC 7591".to_owned()),
            Way::Document => ("By its metadata document", documented(web.document.as_ref())),
        };
        WayView { value: way.as_str(), label, help, chosen: way == chosen, possible: possible(way) }
    };
    Way::ALL.map(view).into()
}

fn registered(possible: bool) -> String {
    if possible {
        "MCP_CLIENT_ID, by default the one of the demo".to_owned()
    } else {
        "the demo's client is for http only: set MCP_CLIENT_ID".to_owned()
    }
}

fn documented(document: Option<&Endpoint>) -> String {
    document.map_or_else(
        || "needs https: set MCP_TLS_SELF_SIGNED=true, or MCP_CLIENT_METADATA_URL".to_owned(),
        |url| format!("the client is called {}", url.as_str()),
    )
}

fn claim(decoded: Option<&Decoded>, name: &str) -> Option<String> {
    decoded?.claims.get(name)?.as_str().map(ToOwned::to_owned)
}

fn forms(catalog: &Catalog, view: &View) -> Forms {
    let tool = |tool: &rmcp::model::Tool| Form {
        name: tool.name.to_string(),
        about: tool.description.as_deref().unwrap_or_default().to_owned(),
        fields: fields::of_tool(tool, view.drafts.get(tool.name.as_ref())),
    };
    let prompt = |prompt: &rmcp::model::Prompt| Form {
        name: prompt.name.clone(),
        about: prompt.description.clone().unwrap_or_default(),
        fields: fields::of_prompt(prompt, view.drafts.get(&prompt.name)),
    };
    Forms {
        tools: catalog.tools.iter().map(tool).collect(),
        prompts: catalog.prompts.iter().map(prompt).collect(),
        resources: catalog
            .resources
            .iter()
            .map(|one| (one.uri.clone(), one.title.clone().unwrap_or_else(|| one.name.clone())))
            .collect(),
        templates: catalog
            .templates
            .iter()
            .map(|one| (one.uri_template.clone(), one.title.clone().unwrap_or_else(|| one.name.clone())))
            .collect(),
    }
}

fn shown(shown: &Shown) -> ShownView {
    match shown {
        Shown::Text { title, text, failed } => {
            let (title, text) = (title.clone(), pretty(text));
            ShownView { title, about: "", reason: None, text, failed: *failed }
        }
        Shown::Said(sentence) => {
            ShownView { title: (*sentence).to_owned(), about: "", reason: None, text: String::new(), failed: false }
        }
        Shown::NoTrial { flaw } => ShownView {
            title: flaw.label().to_owned(),
            about: flaw.impossible(),
            reason: None,
            text: String::new(),
            failed: false,
        },
        Shown::Trial { flaw, answer } => ShownView {
            title: flaw.label().to_owned(),
            about: flaw.sentence(),
            reason: Some(crate::demo::check::mcp::reason(answer)).filter(|reason| reason != "none"),
            text: unedited(answer),
            failed: !answer.status.is_success(),
        },
    }
}

fn whole_seconds(moment: jiff::Timestamp) -> Option<String> {
    jiff::Timestamp::from_second(moment.as_second()).ok().map(|moment| moment.to_string())
}

/// JSON with its structure visible; other text as it is.
fn pretty(text: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(text).ok().filter(|json| json.is_object() || json.is_array());
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| text.to_owned())
}

/// The answer as it came, which holds no secret: the server made it for whoever has none of its tokens.
fn unedited(answer: &Answer) -> String {
    let mut text = format!("HTTP {}\n", answer.status);
    for (name, value) in &answer.headers {
        text.extend([name.as_str(), ": ", &String::from_utf8_lossy(value.as_bytes()), "\n"]);
    }
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(&answer.body));
    text
}
