//! `create_secure_note`: keeps a note that only the person it was made for can read.

use jiff::Timestamp;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tools, resources};
use crate::resource_server::AccessToken;
use crate::storage::{Content, InvalidNote, NewNote, NoPerson, Person, StorageError, Title};

/// Its name.
pub(super) const NAME: &str = "create_secure_note";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:write";

/// The note to keep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateSecureNote {
    /// What it says; at most 64 KiB.
    content: String,
    /// What it is called; at most 200 bytes.
    #[serde(default = "untitled")]
    title: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CreatedNote {
    /// Its id.
    note_id: String,
    /// Where it can be read as a resource.
    uri: String,
    /// What it is called.
    title: String,
    /// When it was made, in RFC 3339.
    created_at: String,
}

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
enum NotCreated {
    #[error(transparent)]
    NoPerson(#[from] NoPerson),
    #[error("the note was not kept: {0}")]
    Invalid(#[from] InvalidNote),
    #[error("the note was not kept: {0}")]
    Storage(#[from] StorageError),
}

#[tool_router(router = create_secure_note_router, vis = "pub(super)")]
impl Tools {
    /// Keeps a note.
    #[tool(
        description = "Keep a note that only you can read",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false)
    )]
    async fn create_secure_note(
        &self,
        Extension(token): Extension<AccessToken>,
        Parameters(asked): Parameters<CreateSecureNote>,
    ) -> Result<Json<CreatedNote>, String> {
        self.keep_note(&token, asked).await.map(Json).map_err(|error| error.to_string())
    }

    async fn keep_note(&self, token: &AccessToken, asked: CreateSecureNote) -> Result<CreatedNote, NotCreated> {
        let person = Person::of(token)?;
        let note = NewNote { title: Title::parse(&asked.title)?, content: Content::parse(asked.content)? };
        let now = to_the_second(self.means.clock.now());
        let id = self.means.storage.add_note(&person, &note, now).await?;
        Ok(CreatedNote {
            note_id: id.as_str().to_owned(),
            uri: resources::note_uri(&id),
            title: note.title.as_str().to_owned(),
            created_at: now.to_string(),
        })
    }
}

fn untitled() -> String {
    Title::default().as_str().to_owned()
}

/// As it is stored.
fn to_the_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
