//! The table of notes. Every statement names the person: there is no way to a note of somebody else.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::database::Database;
use super::note::{self, NewNote, Note, NoteId, Preview, Previews};
use super::{MAX_NOTES, Person, Storage, StorageError};

/// Adds a note unless there are too many. Where many write at once (PostgreSQL), a person who does may get a
/// few more than allowed.
const ADD: &str = "INSERT INTO notes (id, issuer, subject, title, content, created_at) \
    SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT COUNT(*) FROM notes WHERE issuer = $2 AND subject = $3) < $7";
const FIND: &str = "SELECT id, title, content, created_at FROM notes WHERE issuer = $1 AND subject = $2 AND id = $3";
const LIST: &str = "SELECT id, title, substr(content, 1, $5) AS content, created_at FROM notes \
    WHERE issuer = $1 AND subject = $2 ORDER BY created_at DESC, id LIMIT $3 OFFSET $4";
const TOTAL: &str = "SELECT COUNT(*) FROM notes WHERE issuer = $1 AND subject = $2";

impl Storage {
    /// Keeps a note of `person`, and says under which id.
    ///
    /// # Errors
    /// The person has too many, or the database failed.
    pub async fn add_note(&self, person: &Person, note: &NewNote, now: Timestamp) -> Result<NoteId, StorageError> {
        let id = NoteId::generate(&*self.0.random.0).ok_or(StorageError::NoRandomness)?;
        self.within(async |database| add(database, person, (&id, note), now).await).await?;
        Ok(id)
    }

    /// The note with this id, if it is one of `person`. That of another is as if there were none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note(&self, person: &Person, id: &NoteId) -> Result<Option<Note>, StorageError> {
        self.within(async |database| find(database, person, id).await).await
    }

    /// At most `limit` notes of `person`, the newest first, after the first `skip`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn notes(&self, person: &Person, limit: u32, skip: u32) -> Result<Previews, StorageError> {
        self.within(async |database| list(database, person, limit, skip).await).await
    }
}

async fn add(
    database: &Database,
    person: &Person,
    (id, note): (&NoteId, &NewNote),
    now: Timestamp,
) -> Result<(), StorageError> {
    let query = sqlx::query(ADD).bind(id.as_str()).bind(person.issuer()).bind(person.subject());
    let query = query.bind(note.title.as_str()).bind(note.content.as_str()).bind(now.as_second());
    let added = query.bind(i64::from(MAX_NOTES)).execute(&database.writer).await?.rows_affected();
    if added == 1 { Ok(()) } else { Err(StorageError::TooManyNotes) }
}

async fn find(database: &Database, person: &Person, id: &NoteId) -> Result<Option<Note>, StorageError> {
    let query = sqlx::query(FIND).bind(person.issuer()).bind(person.subject()).bind(id.as_str());
    query.fetch_optional(&database.reader).await?.as_ref().map(read).transpose()
}

async fn list(database: &Database, person: &Person, limit: u32, skip: u32) -> Result<Previews, StorageError> {
    let total = sqlx::query_scalar::<_, i64>(TOTAL).bind(person.issuer()).bind(person.subject());
    let total = total.fetch_one(&database.reader).await?;
    let beginning = i32::try_from(note::PREVIEW + 1).unwrap_or(i32::MAX);
    let query = sqlx::query(LIST).bind(person.issuer()).bind(person.subject());
    let query = query.bind(i64::from(limit)).bind(i64::from(skip)).bind(beginning);
    let rows = query.fetch_all(&database.reader).await?;
    let notes = rows.iter().map(|row| read(row).map(shortened)).collect::<Result<_, _>>()?;
    Ok(Previews { notes, total: total.unsigned_abs() })
}

fn shortened(note: Note) -> Preview {
    Preview { id: note.id, title: note.title, preview: note::preview(&note.content), created_at: note.created_at }
}

fn read(row: &AnyRow) -> Result<Note, StorageError> {
    let created_at = Timestamp::from_second(row.try_get("created_at")?);
    Ok(Note {
        id: NoteId::parse(row.try_get("id")?).ok_or(StorageError::Unreadable)?,
        title: row.try_get("title")?,
        content: row.try_get("content")?,
        created_at: created_at.map_err(|_| StorageError::Unreadable)?,
    })
}
