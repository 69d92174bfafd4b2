//! `GET /account`: which applications have access, since when, last used. `POST /account/disconnect` ends it.

use super::Done;
use crate::{
    domain::{Connection, RegisteredClient},
    login::{Browser, BrowserForm, Destination},
    pages::{ContentSecurityPolicy, PageError, page, see_other},
    protocol::{ClientId, Parameters},
    routes::{ACCOUNT, DISCONNECT, LOGOUT, PASSWORD},
    services::Services,
};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use std::sync::Arc;

pub(super) async fn get(
    State(services): State<Arc<Services>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())?;
    let login = || see_other(&Destination::Account.login_address(&services));
    let Some(browser) = Browser::known(&services, &headers).await? else { return Ok(login()) };
    let Some(subject) = browser.session().subject() else { return Ok(login()) };
    let Some(person) = services.store.person(subject).await? else { return Ok(login()) };
    let mut rows = Vec::new();
    let ended = services.now() - services.settings.access_token_ttl;
    for connection in services.store.connections(subject, ended).await? {
        if let Some(client) = services.store.client(&connection.client_id).await? {
            rows.push(Row { client, connection });
        }
    }
    let csrf = browser.csrf_token();
    let template = AccountTemplate {
        disconnect: services.public_url.path(DISCONNECT),
        password: services.public_url.path(PASSWORD),
        sign_out: services.public_url.path(LOGOUT),
        csrf: csrf.reveal(),
        username: person.username.as_str(),
        done: parameters.once(Done::PARAMETER)?.and_then(Done::parse),
        rows,
    };
    Ok(page(StatusCode::OK, &template, &ContentSecurityPolicy::OwnForm))
}

/// Revokes every grant of the client and forgets the consent. One that is gone already is no error: a form may be posted
/// twice.
pub(super) async fn disconnect(
    State(services): State<Arc<Services>>,
    form: BrowserForm,
) -> Result<Response, PageError> {
    let client_id = form.field("client_id")?.and_then(|raw| ClientId::parse(raw).ok());
    let client_id = client_id.ok_or(PageError::Field("client_id"))?;
    let Some(subject) = form.browser().session().subject() else {
        return Ok(see_other(&Destination::Account.login_address(&services)));
    };
    form.notes().subject(subject);
    form.notes().client(&client_id);
    services.store.disconnect(subject, &client_id, services.now()).await?;
    tracing::info!(%subject, %client_id, "disconnected");
    let account = services.public_url.path(ACCOUNT);
    Ok(see_other(&format!("{account}?{}={}", Done::PARAMETER, Done::Disconnected.as_str())))
}

/// One application with access.
struct Row {
    client: RegisteredClient,
    connection: Connection,
}

impl Row {
    fn unverified(&self) -> bool {
        self.client.named_itself()
    }

    fn since(&self) -> String {
        day(self.connection.since)
    }

    fn used(&self) -> String {
        self.connection.used_at.map_or_else(|| "not yet".to_owned(), day)
    }
}

/// In UTC: without a script, a page does not know where the person is.
fn day(time: Timestamp) -> String {
    time.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate<'a> {
    disconnect: String,
    password: String,
    sign_out: String,
    csrf: &'a str,
    username: &'a str,
    done: Option<Done>,
    rows: Vec<Row>,
}
