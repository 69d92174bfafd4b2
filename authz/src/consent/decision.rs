//! `POST /consent`: allow or deny, once, by the browser that was asked, as the person who is signed in there.

use super::Asking;
use crate::{
    authorize::{approve, deny},
    login::{BrowserForm, REQUEST, page_address},
    pages::{PageError, see_other},
    protocol::ErrorCode,
    routes::LOGIN,
    services::Services,
};
use axum::{extract::State, response::Response};
use std::sync::Arc;

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let named = form.field(REQUEST)?.ok_or(PageError::Field(REQUEST))?;
    let decision = form.field("decision")?.and_then(Decision::parse).ok_or(PageError::Field("decision"))?;
    let asking = Asking::load(&services, form.browser(), Some(named)).await?.ok_or(PageError::RequestGone)?;
    let Some(person) = form.browser().session().person() else {
        return Ok(see_other(&page_address(&services, LOGIN, Some(&asking.request()))));
    };
    let client_id = &asking.client.id;
    let subject = &person.subject;
    form.notes().subject(subject);
    form.notes().client(client_id);
    form.notes().target(&asking.pending.resource, &asking.pending.scope);
    tracing::info!(%subject, %client_id, scope = %asking.pending.scope, ?decision, "decided");
    let target = match decision {
        Decision::Allow => approve(&services, &asking.pending, person).await?,
        Decision::Deny => {
            form.notes().refused(ErrorCode::AccessDenied.as_str());
            deny(&services, &asking.pending).await?
        }
    };
    Ok(see_other(&target))
}

/// Which button was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Allow,
    Deny,
}

impl Decision {
    fn parse(raw: &str) -> Option<Self> {
        match raw {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}
