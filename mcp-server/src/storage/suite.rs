//! What every database has to do, SQLite and PostgreSQL alike. Each rule has people of its own, so that all can
//! share one database.

use ring::rand::SystemRandom;
use tempfile::TempDir;

use super::*;
use crate::storage::usage::{Pending, day};
use jiff::Timestamp;

macro_rules! every_database {
    ($($rule:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $rule() {
                let (_folder, storage) = super::sqlite();
                super::$rule(&storage).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn $rule() {
                super::$rule(&super::postgres()).await;
            })+
        }
    };
}

every_database! {
    a_note_is_found_again,
    nobody_finds_the_note_of_another,
    the_newest_note_is_first,
    there_can_be_too_many_notes,
    strange_text_stays_as_it_is,
    usage_adds_up_by_day_and_month,
    usage_of_long_ago_is_swept,
    many_can_write_at_once,
}

pub(super) fn sqlite() -> (TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("data/notes 100%.db").display());
    let storage = Storage::new(url.parse().unwrap(), random());
    (folder, storage)
}

/// The database that `.ci/postgres` starts.
#[expect(clippy::disallowed_methods, reason = "these tests run by a script, which says where")]
fn postgres() -> Storage {
    let url = std::env::var("PORTCULLIS_TEST_POSTGRES").expect("run .ci/postgres");
    Storage::new(url.parse().unwrap(), random())
}

#[expect(clippy::disallowed_methods, reason = "the edge of these tests")]
pub(super) fn random() -> Arc<SystemRandom> {
    Arc::new(SystemRandom::new())
}

/// Somebody new each time, at the same issuer.
pub(super) fn somebody() -> Person {
    let id = NoteId::generate(&*random()).unwrap();
    Person::new("https://a.example", id.as_str()).unwrap()
}

pub(super) fn new_note(title: &str, content: &str) -> NewNote {
    NewNote { title: Title::parse(title).unwrap(), content: Content::parse(content.to_owned()).unwrap() }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

async fn a_note_is_found_again(storage: &Storage) {
    let me = somebody();
    let id = storage.add_note(&me, &new_note("Groceries", "milk"), at(7)).await.unwrap();
    let note = Note { id: id.clone(), title: "Groceries".into(), content: "milk".into(), created_at: at(7) };
    assert_eq!(storage.note(&me, &id).await.unwrap(), Some(note));
    let unknown = NoteId::generate(&*random()).unwrap();
    assert_eq!(storage.note(&me, &unknown).await.unwrap(), None);
}

async fn nobody_finds_the_note_of_another(storage: &Storage) {
    let me = somebody();
    let id = storage.add_note(&me, &new_note("Diary", "secret"), at(0)).await.unwrap();
    let namesake = Person::new("https://b.example", me.subject()).unwrap();
    for other in [somebody(), namesake] {
        assert_eq!(storage.note(&other, &id).await.unwrap(), None);
        assert_eq!(storage.notes(&other, 10, 0).await.unwrap(), Previews { notes: Vec::new(), total: 0 });
    }
    assert!(storage.note(&me, &id).await.unwrap().is_some());
}

async fn the_newest_note_is_first(storage: &Storage) {
    let me = somebody();
    for number in 0..5 {
        storage.add_note(&me, &new_note(&number.to_string(), &"x".repeat(101)), at(number)).await.unwrap();
    }
    let titles = async |limit, skip| {
        let found = storage.notes(&me, limit, skip).await.unwrap();
        assert_eq!(found.total, 5);
        found.notes.iter().map(|note| note.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(titles(2, 0).await, ["4", "3"]);
    assert_eq!(titles(10, 3).await, ["1", "0"]);
    assert!(titles(10, 9).await.is_empty());
    let first = storage.notes(&me, 1, 0).await.unwrap().notes.remove(0);
    assert_eq!((first.preview, first.created_at), (format!("{}…", "x".repeat(100)), at(4)));
}

async fn there_can_be_too_many_notes(storage: &Storage) {
    let (me, note) = (somebody(), new_note("One more", "x"));
    storage.add_note(&me, &note, at(0)).await.unwrap();
    let fill = "INSERT INTO notes (id, issuer, subject, title, content, created_at) \
        WITH RECURSIVE numbers(number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1000) \
        SELECT $1 || CAST(number AS TEXT), $2, $1, 't', 'c', 1 FROM numbers";
    let filled = async |database: &Database| {
        let query = sqlx::query(fill).bind(me.subject()).bind(me.issuer());
        Ok(query.execute(&database.writer).await?.rows_affected())
    };
    assert_eq!(storage.within(filled).await.unwrap(), 999);
    let refused = storage.add_note(&me, &note, at(0)).await.unwrap_err();
    assert!(matches!(refused, StorageError::TooManyNotes), "{refused:?}");
    assert_eq!(refused.to_string(), "you have 1000 notes, and there can be no more");
    storage.add_note(&somebody(), &note, at(0)).await.unwrap();
}

async fn strange_text_stays_as_it_is(storage: &Storage) {
    let me = somebody();
    let strange = "'); DROP TABLE notes; -- $1 ? %s {{x}} \u{202e}\u{1f512}\r\n\t\u{1}é";
    let id = storage.add_note(&me, &new_note("'; --", strange), at(0)).await.unwrap();
    let note = storage.note(&me, &id).await.unwrap().unwrap();
    assert_eq!((note.title.as_str(), note.content.as_str()), ("'; --", strange));
}

async fn usage_adds_up_by_day_and_month(storage: &Storage) {
    let (me, other) = (somebody(), somebody());
    let noon = |day: &str| format!("2026-{day}T12:00:00Z").parse::<Timestamp>().unwrap();
    let count = |requests| Count { requests, tokens: 10 * requests };
    for (person, date, requests) in
        [(&me, "06-30", 1000), (&me, "07-01", 100), (&me, "07-27", 10), (&me, "07-28", 1), (&other, "07-28", 5)]
    {
        let key = (person.clone(), day(noon(date)));
        storage.add_usage(&Pending::from([(key.clone(), count(requests))])).await.unwrap();
        storage.add_usage(&Pending::from([(key, count(requests))])).await.unwrap();
    }
    let used = async |person, date| storage.usage(person, noon(date)).await.unwrap();
    assert_eq!(used(&me, "07-28").await, Usage { today: count(2), month: count(222) });
    assert_eq!(used(&me, "07-27").await, Usage { today: count(20), month: count(220) });
    assert_eq!(used(&me, "08-01").await, Usage::default());
    assert_eq!(used(&other, "07-28").await, Usage { today: count(10), month: count(10) });
}

async fn usage_of_long_ago_is_swept(storage: &Storage) {
    let me = somebody();
    let noon = |day: &str| format!("{day}T12:00:00Z").parse::<Timestamp>().unwrap();
    for date in ["2024-02-29", "2024-03-01", "2024-04-15"] {
        let key = (me.clone(), day(noon(date)));
        storage.add_usage(&Pending::from([(key, Count { requests: 1, tokens: 1 })])).await.unwrap();
    }
    assert_eq!(storage.sweep_usage(noon("2024-04-15")).await.unwrap(), 1);
    assert_eq!(storage.sweep_usage(noon("2024-04-15")).await.unwrap(), 0);
    for (date, requests) in [("2024-02-29", 0), ("2024-03-31", 1), ("2024-04-30", 1)] {
        assert_eq!(storage.usage(&me, noon(date)).await.unwrap().month.requests, requests, "{date}");
    }
}

async fn many_can_write_at_once(storage: &Storage) {
    let me = somebody();
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let (storage, me) = (storage.clone(), me.clone());
            tokio::spawn(async move {
                let note = new_note(&number.to_string(), "x");
                storage.add_note(&me, &note, at(number)).await.unwrap();
                let usage = Pending::from([((me, day(at(0))), Count::request(1))]);
                storage.add_usage(&usage).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(storage.notes(&me, 100, 0).await.unwrap().total, 20);
    assert_eq!(storage.usage(&me, at(0)).await.unwrap().today, Count { requests: 20, tokens: 20 });
}

#[tokio::test]
async fn notes_are_there_after_a_restart_and_in_wal_mode() {
    let (folder, storage) = sqlite();
    let me = somebody();
    let id = storage.add_note(&me, &new_note("Groceries", "milk"), at(0)).await.unwrap();
    let mode = async |database: &Database| {
        Ok(sqlx::query_scalar::<_, String>("PRAGMA journal_mode").fetch_one(&database.reader).await?)
    };
    assert_eq!(storage.within(mode).await.unwrap(), "wal");
    storage.close().await;
    let again = Storage::new(storage.0.url.clone(), random());
    assert!(again.note(&me, &id).await.unwrap().is_some());
    drop(folder);
}

#[tokio::test]
async fn a_database_that_is_locked_or_away_is_an_error_that_passes() {
    let (folder, storage) = sqlite();
    let (me, note) = (somebody(), new_note("Groceries", "milk"));
    std::fs::write(folder.path().join("data"), "in the way of the folder").unwrap();
    assert!(matches!(storage.add_note(&me, &note, at(0)).await, Err(StorageError::Folder(_))));
    std::fs::remove_file(folder.path().join("data")).unwrap();
    storage.add_note(&me, &note, at(0)).await.unwrap();

    let other = Storage::new(storage.0.url.clone(), random());
    let lock = async |database: &Database| Ok(database.writer.begin_with("BEGIN EXCLUSIVE").await?);
    let lock = other.within(lock).await.unwrap();
    let refused = storage.add_note(&me, &note, at(0)).await.unwrap_err();
    assert!(refused.to_string().contains("try again later"), "{refused}");
    lock.rollback().await.unwrap();
    storage.add_note(&me, &note, at(0)).await.unwrap();
}
