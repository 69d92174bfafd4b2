//! `list_secure_notes`: the notes of the person, the newest first, each with its beginning.

use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tools, resources};
use crate::resource_server::AccessToken;
use crate::storage::{NoPerson, Person, Preview, StorageError};

/// Its name.
pub(super) const NAME: &str = "list_secure_notes";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:read";

const USUAL: u32 = 50;
const MOST: u32 = 100;

/// Which notes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListSecureNotes {
    /// How many at most: 50 if absent, 100 at most.
    limit: Option<u32>,
    /// How many of the newest to leave out; 0 if absent.
    skip: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Notes {
    /// The notes, the newest first.
    notes: Vec<ListedNote>,
    /// How many there are in all.
    total: u64,
}

/// A note with its beginning.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ListedNote {
    /// Its id.
    note_id: String,
    /// Where it can be read as a resource.
    uri: String,
    /// What it is called.
    title: String,
    /// How it begins.
    preview: String,
    /// When it was made, in RFC 3339.
    created_at: String,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum NotListed {
    #[error(transparent)]
    NoPerson(#[from] NoPerson),
    #[error("limit is {0}: use 1 to {MOST}")]
    Limit(u32),
    #[error("the notes could not be read: {0}")]
    Storage(#[from] StorageError),
}

#[tool_router(router = list_secure_notes_router, vis = "pub(super)")]
impl Tools {
    /// Lists notes.
    #[tool(
        description = "Your notes with previews, the newest first",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn list_secure_notes(
        &self,
        Extension(token): Extension<AccessToken>,
        Parameters(asked): Parameters<ListSecureNotes>,
    ) -> Result<Json<Notes>, String> {
        self.notes_of(&token, &asked).await.map(Json).map_err(|error| error.to_string())
    }

    async fn notes_of(&self, token: &AccessToken, asked: &ListSecureNotes) -> Result<Notes, NotListed> {
        let person = Person::of(token)?;
        let limit = asked.limit.unwrap_or(USUAL);
        if limit == 0 || limit > MOST {
            return Err(NotListed::Limit(limit));
        }
        let found = self.means.storage.notes(&person, limit, asked.skip.unwrap_or(0)).await?;
        Ok(Notes { notes: found.notes.into_iter().map(listed).collect(), total: found.total })
    }
}

fn listed(note: Preview) -> ListedNote {
    ListedNote {
        uri: resources::note_uri(&note.id),
        note_id: note.id.as_str().to_owned(),
        title: note.title,
        preview: note.preview,
        created_at: note.created_at.to_string(),
    }
}
