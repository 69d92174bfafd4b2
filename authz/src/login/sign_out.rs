//! `POST /logout`: ends the session. From the consent page, the request goes on for somebody else.

use super::{BrowserForm, Destination, REQUEST, page_address, session::forget_cookie, with_cookie};
use crate::{
    consent::Asking,
    pages::{PageError, see_other},
    routes::LOGIN,
    services::Services,
};
use axum::{extract::State, response::Response};
use http::header;
use std::sync::Arc;

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    if let Some(asking) = Asking::load(&services, form.browser(), form.field(REQUEST)?).await? {
        let browser = form.browser().renewed(&services, None, Some(&asking.pending.hash)).await?;
        let next = page_address(&services, LOGIN, Some(&asking.request()));
        return Ok(with_cookie(see_other(&next), &services, &browser));
    }
    if let Some(to) = Destination::parse(form.field(Destination::PARAMETER)?, form.field(Destination::USER_CODE)?) {
        let browser = form.browser().renewed(&services, None, None).await?;
        return Ok(with_cookie(see_other(&to.login_address(&services)), &services, &browser));
    }
    services.store.end_session(&form.browser().session().hash).await?;
    let mut response = see_other(&page_address(&services, LOGIN, None));
    if let Some(cookie) = forget_cookie(&services) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
