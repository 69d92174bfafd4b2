//! The resources: `user://profile` and, for each note of the person, `user://notes/{note_id}`. Whose they are
//! is in the token, not in the URI.

use jiff::Timestamp;
use rmcp::RoleServer;
use rmcp::model::{
    CacheScope, ErrorData, ListResourceTemplatesResult, ListResourcesResult, ProtocolVersion, ReadResourceResult,
    Resource, ResourceContents, ResourceTemplate,
};
use rmcp::service::RequestContext;
use serde_json::json;

use super::Tools;
use crate::resource_server::{AccessToken, ScopePolicy, UserInfo};
use crate::storage::{NoPerson, Note, NoteId, Person, StorageError};

const PROFILE: &str = "user://profile";
const NOTE: &str = "user://notes/{note_id}";
const NOTES: &str = "user://notes/";
/// What a token must allow.
const REQUIRED_SCOPE: &str = "mcp:read";

/// Why a resource cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    /// There is none, or it is somebody else's: nobody can tell the difference.
    #[error("there is no such resource")]
    NotFound,
    #[error(transparent)]
    NoPerson(#[from] NoPerson),
    #[error("the resource could not be read: {0}")]
    Storage(#[from] StorageError),
    #[error("the profile could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Where a note can be read.
pub(super) fn note_uri(id: &NoteId) -> String {
    format!("{NOTES}{}", id.as_str())
}

/// Adds what the resources need.
pub(super) fn scopes(policy: ScopePolicy) -> ScopePolicy {
    policy.resource(PROFILE, REQUIRED_SCOPE).template(NOTE, REQUIRED_SCOPE)
}

/// The list is the same for everybody.
pub(super) fn list(context: &RequestContext<RoleServer>) -> ListResourcesResult {
    let profile = Resource::new(PROFILE, "profile")
        .with_title("Your profile")
        .with_description("What get_user_profile says")
        .with_mime_type("application/json");
    let list = ListResourcesResult::with_all_items(vec![profile]);
    if has_hints(context) { list.with_ttl_ms(0).with_cache_scope(CacheScope::Public) } else { list }
}

/// The list is the same for everybody.
pub(super) fn list_templates(context: &RequestContext<RoleServer>) -> ListResourceTemplatesResult {
    let note = ResourceTemplate::new(NOTE, "note")
        .with_title("One of your notes")
        .with_description("The text of a note; list_secure_notes tells the ids")
        .with_mime_type("text/plain");
    let list = ListResourceTemplatesResult::with_all_items(vec![note]);
    if has_hints(context) { list.with_ttl_ms(0).with_cache_scope(CacheScope::Public) } else { list }
}

/// Reads a resource of the bearer of `token`.
pub(super) async fn read(
    tools: &Tools,
    token: &AccessToken,
    uri: &str,
    context: &RequestContext<RoleServer>,
) -> Result<ReadResourceResult, ErrorData> {
    let contents =
        contents(tools, (token, super::user_info(context).as_ref()), uri).await.map_err(|error| answer(&error, uri))?;
    let result = ReadResourceResult::new(vec![contents]);
    // MCP caching: what belongs to one person must not be shared between tokens.
    Ok(if has_hints(context) { result.with_ttl_ms(0).with_cache_scope(CacheScope::Private) } else { result })
}

async fn contents(
    tools: &Tools,
    (token, user_info): (&AccessToken, Option<&UserInfo>),
    uri: &str,
) -> Result<ResourceContents, Unreadable> {
    if uri == PROFILE {
        let profile = serde_json::to_string(&tools.profile(token, user_info).await)?;
        return Ok(ResourceContents::text(profile, uri).with_mime_type("application/json"));
    }
    let id = uri.strip_prefix(NOTES).and_then(NoteId::parse).ok_or(Unreadable::NotFound)?;
    let note = tools.means.storage.note(&Person::of(token)?, &id).await?.ok_or(Unreadable::NotFound)?;
    Ok(ResourceContents::text(text(&note), uri))
}

/// A note as a text: its title, when it was made, what it says.
pub(super) fn text(note: &Note) -> String {
    let Note { title, created_at, content, .. } = note;
    let created_at: &Timestamp = created_at;
    format!("{title}\n{created_at}\n\n{content}")
}

fn answer(error: &Unreadable, uri: &str) -> ErrorData {
    let said = error.to_string();
    match error {
        // rmcp makes it -32602 for 2026-07-28.
        Unreadable::NotFound => ErrorData::resource_not_found(said, Some(json!({ "uri": uri }))),
        Unreadable::NoPerson(_) => ErrorData::invalid_params(said, None),
        Unreadable::Storage(_) | Unreadable::Json(_) => ErrorData::internal_error(said, None),
    }
}

/// Whether the revision has `ttlMs` and `cacheScope`.
pub(super) fn has_hints(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}
