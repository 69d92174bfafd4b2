//! `GET /oauth2/authorize`: sends the browser on to the issuer's own authorization endpoint (RFC 6749 §4.1.1) with the
//! request changed as configured. What the person does there, and the answer, never pass through here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use url::Url;

use super::{NO_STORE, Shim, ShimOptions, parameters, unavailable};

pub(super) async fn redirect(State(shim): State<Arc<Shim>>, RawQuery(query): RawQuery) -> Response {
    let Ok(known) = shim.upstream.current().await else { return unavailable() };
    let target = target(&known.authorization_endpoint, query.as_deref().unwrap_or_default(), &shim.options);
    let Ok(location) = HeaderValue::from_str(target.as_str()) else { return unavailable() };
    let referrer = (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    (StatusCode::FOUND, [NO_STORE, referrer, (header::LOCATION, location)]).into_response()
}

/// Always at the issuer's endpoint, whatever the query holds.
pub(super) fn target(endpoint: &Url, query: &str, options: &ShimOptions) -> Url {
    let mut dropped = Vec::new();
    if options.drop_resource {
        dropped.push("resource");
    }
    if options.add_audience.is_some() {
        dropped.push("audience");
    }
    let mut asked = parameters::without(query, &dropped);
    if let Some(audience) = &options.add_audience {
        asked = parameters::with(&asked, "audience", audience);
    }
    let mut url = endpoint.clone();
    // RFC 6749 §3.1: a query of the endpoint's own stays.
    url.set_query(Some(&parameters::joined(&[endpoint.query().unwrap_or_default(), &asked])));
    url
}
