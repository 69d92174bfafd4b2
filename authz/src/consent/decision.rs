//! `POST /consent`: allow or deny, once, by the browser that was asked, as the person who is signed in there.

use super::{Asking, again, may_remember};
use crate::{
    authorize::{Approval, DecisionError, approve, deny},
    domain::AuthenticatedPerson,
    login::{BrowserForm, REQUEST, page_address},
    pages::{PageError, see_other},
    protocol::ErrorCode,
    routes::LOGIN,
    services::Services,
    store::Memory,
};
use axum::{extract::State, response::Response};
use std::sync::Arc;

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let named = form.field(REQUEST)?.ok_or(PageError::Field(REQUEST))?;
    let choice = form.field("decision")?.and_then(Choice::parse).ok_or(PageError::Field("decision"))?;
    let browser = form.browser();
    let asking = match Asking::load(&services, browser, Some(named)).await {
        Ok(asking) => asking.ok_or(PageError::RequestGone)?,
        Err(PageError::RequestGone) => return again::answer(&services, browser, named, choice).await,
        Err(error) => return Err(error),
    };
    let Some(person) = browser.session().person().filter(|_| !asking.pending.must_sign_in) else {
        return Ok(see_other(&page_address(&services, LOGIN, Some(&asking.request()))));
    };
    let (subject, client_id) = (&person.subject, &asking.client.id);
    form.notes().subject(subject);
    form.notes().client(client_id);
    form.notes().target(&asking.pending.resource, &asking.pending.scope);
    tracing::info!(%subject, %client_id, scope = %asking.pending.scope, ?choice, "decided");
    let decided = match choice {
        Choice::Allow => approve(&services, &asking.pending, &approval(&form, &asking, person)).await,
        Choice::Deny => {
            form.notes().refused(ErrorCode::AccessDenied.as_str());
            deny(&services, &asking.pending).await
        }
    };
    match decided {
        Ok(answer) => Ok(answer.respond()),
        Err(DecisionError::AlreadyDecided) => again::answer(&services, browser, named, choice).await,
        Err(error) => Err(error.into()),
    }
}

fn approval(form: &BrowserForm, asking: &Asking, person: &AuthenticatedPerson) -> Approval {
    let remember = may_remember(&asking.client, &asking.pending.redirect_uri);
    Approval {
        person: person.clone(),
        code: form.browser().code(asking.secret()),
        memory: if remember { Memory::Kept } else { Memory::None },
    }
}

/// Which button was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

impl Choice {
    /// Reads the value of the button.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        match raw {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}
