//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document; MCP authorization, client registration):
//! a `client_id` that is an https URL is that of a document in which the client describes itself. It is fetched with the
//! bounds of [`crate::outgoing`], checked, and kept as a client for as long as its headers say, within our own bounds.

mod document;
mod error;
#[cfg(test)]
mod tests;
mod url;

pub use self::{
    error::{LookupError, UnusableDocument},
    url::{DocumentUrl, InvalidDocumentUrl},
};

use crate::{
    domain::{ClientStanding, Origin, RegisteredClient},
    operations::{CallerAddress, rate_limits::Limited},
    protocol::ClientId,
    register::{ClientMetadata, Enrolment, InvalidMetadata, MetadataRules, Registrant},
    services::{Registration, Services},
    store::StoreError,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use moka::sync::Cache;
use std::{fmt, time::Duration};
use tokio::sync::Semaphore;
use verification_keys::http::freshness_lifetime;

/// The draft, §6.6: documents are small.
const MAX_BYTES: usize = 5 * 1024;
/// How long a document is good for that does not say it.
const USUAL_LIFETIME: Duration = Duration::from_mins(5);
/// A document is fetched once for a sign-in, whatever its headers say …
const SHORTEST_LIFETIME: Duration = Duration::from_secs(30);
/// … and a change is noticed within a day.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Until when each document is good, and how many may be fetched at once. Only what was good is remembered: a failure
/// is tried again by the next request.
pub struct ClientMetadataDocuments {
    good_until: Cache<ClientId, Timestamp>,
    calls: Semaphore,
}

impl ClientMetadataDocuments {
    /// So many clients are remembered at the most.
    const MOST: u64 = 10_000;
    /// Anybody can make us fetch something: so many at once, and the next one is turned away.
    const AT_ONCE: usize = 32;
}

impl Default for ClientMetadataDocuments {
    fn default() -> Self {
        let good_until = Cache::builder().max_capacity(Self::MOST).time_to_live(LONGEST_LIFETIME).build();
        Self { good_until, calls: Semaphore::new(Self::AT_ONCE) }
    }
}

impl fmt::Debug for ClientMetadataDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMetadataDocuments").finish_non_exhaustive()
    }
}

/// What a client may do that nobody here knew before; `None` where no new documents are taken.
#[must_use]
pub const fn admission(registration: Registration) -> Option<ClientStanding> {
    match registration {
        Registration::Open => Some(ClientStanding::Active),
        Registration::Approval => Some(ClientStanding::AwaitingApproval),
        Registration::Token | Registration::Off => None,
    }
}

/// The client with this identifier, whatever its standing: from the store, or from its document. What `caller` has
/// fetched counts as its registrations do, wherever it names the client: nobody makes us call others without end.
///
/// # Errors
/// The document cannot be used, or the store failed.
pub async fn find_client(
    services: &Services,
    id: &ClientId,
    caller: Option<CallerAddress>,
) -> Result<Option<RegisteredClient>, LookupError> {
    let stored = services.store.client(id).await?;
    if stored.as_ref().is_some_and(|client| !needs_its_document(services, client)) {
        return Ok(stored);
    }
    let is_url = id.as_str().contains("://");
    let standing = match &stored {
        Some(client) => Some(client.standing),
        None => admission(services.settings.registration).filter(|_| is_url),
    };
    let Some(standing) = standing else { return Ok(None) };
    check_rate(services, caller)?;
    let (client, lifetime) = fetch(services, id).await?;
    let registered_at = stored.as_ref().map_or(client.registered_at, |stored| stored.registered_at);
    let client = RegisteredClient { standing, registered_at, ..client };
    if stored.as_ref() != Some(&client) && !keep(services, stored.as_ref(), &client).await? {
        return Ok(None);
    }
    services.documents.good_until.insert(id.clone(), services.now() + lifetime);
    Ok(Some(client))
}

fn check_rate(services: &Services, caller: Option<CallerAddress>) -> Result<(), UnusableDocument> {
    match (&services.operations.rate_limits, caller) {
        (Some(limits), Some(caller)) => {
            limits.request(Limited::Registration, caller).map_err(|_| UnusableDocument::Busy)
        }
        (None, _) | (_, None) => Ok(()),
    }
}

/// Keeps a client as its document describes it now. Says whether the identifier is its own.
async fn keep(
    services: &Services,
    before: Option<&RegisteredClient>,
    client: &RegisteredClient,
) -> Result<bool, StoreError> {
    let is_same = |before: &RegisteredClient| {
        (&before.authentication, &before.redirect_uris) == (&client.authentication, &client.redirect_uris)
    };
    // Other keys or addresses may be somebody else's: what people allowed before, they are asked again.
    if before.is_some_and(|before| !is_same(before)) {
        services.store.forget_consents(&client.id).await?;
    }
    tracing::info!(client_id = %client.id, known = before.is_some(), "client metadata document taken");
    services.store.put_client(client).await
}

/// A client that may do nothing is not worth a call.
fn needs_its_document(services: &Services, client: &RegisteredClient) -> bool {
    let is_good = || services.documents.good_until.get(&client.id).is_some_and(|until| services.now() < until);
    client.origin == Origin::MetadataDocument && client.standing == ClientStanding::Active && !is_good()
}

/// The client as its document describes it, and for how long that is good.
async fn fetch(services: &Services, id: &ClientId) -> Result<(RegisteredClient, Duration), UnusableDocument> {
    let url = DocumentUrl::parse(id.as_str())?;
    let _call = services.documents.calls.try_acquire().map_err(|_| UnusableDocument::Busy)?;
    let answer = services.outgoing.get(url.as_url(), "application/json", MAX_BYTES).await?;
    // The draft, §4: 200 alone; a redirect is not followed.
    if answer.status != StatusCode::OK {
        return Err(UnusableDocument::Status(answer.status));
    }
    if !is_json(&answer.headers) {
        return Err(UnusableDocument::ContentType);
    }
    let (scopes, redirects) = (&services.registration_scopes(), &services.settings.redirects);
    let rules = MetadataRules { registrant: Registrant::Itself, scopes, redirects };
    let metadata: ClientMetadata = document::check(&answer.body, id, &rules)?;
    let (origin, random) = (Origin::MetadataDocument, services.random.as_ref());
    let enrolment = Enrolment::new(id.clone(), metadata, origin, random, services.now());
    // There is no secret to make here, so it can only be that there are no keys.
    let client = enrolment.map_err(|_| InvalidMetadata::Keys)?.client;
    Ok((client, lifetime(&answer.headers)))
}

fn lifetime(headers: &HeaderMap) -> Duration {
    freshness_lifetime(headers).unwrap_or(USUAL_LIFETIME).clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME)
}

/// `application/json`, or another `application` type that is JSON (RFC 6839 §3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(http::header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let subtype = media_type.trim().to_ascii_lowercase();
    subtype.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}
