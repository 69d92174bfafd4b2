//! The table of people.

use super::{
    StoreError,
    row::{origin_word, parsed, read_origin, text},
};
use crate::domain::{PasswordHash, Person, Subject, Username};
use sqlx::{Any, AnyPool, Transaction, any::AnyRow};

pub(super) async fn find(pool: &AnyPool, subject: &Subject) -> Result<Option<Person>, StoreError> {
    let query = sqlx::query("SELECT * FROM people WHERE subject = $1").bind(subject.as_str());
    query.fetch_optional(pool).await?.as_ref().map(read).transpose()
}

pub(super) async fn find_by_username(pool: &AnyPool, username: &Username) -> Result<Option<Person>, StoreError> {
    let query = sqlx::query("SELECT * FROM people WHERE username = $1").bind(username.as_str());
    query.fetch_optional(pool).await?.as_ref().map(read).transpose()
}

pub(super) async fn put(pool: &AnyPool, person: &Person) -> Result<(), StoreError> {
    let statement = "INSERT INTO people (subject, username, password, origin) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (username) DO UPDATE SET password = excluded.password WHERE people.origin = excluded.origin";
    let query = sqlx::query(statement).bind(person.subject.as_str()).bind(person.username.as_str());
    query.bind(person.password.reveal()).bind(origin_word(person.origin)).execute(pool).await?;
    Ok(())
}

pub(super) async fn forget_demo(
    mut transaction: Transaction<'static, Any>,
    keep: Option<&Username>,
) -> Result<(), StoreError> {
    let people = sqlx::query("DELETE FROM people WHERE origin = 'demo' AND username <> $1");
    // No login name is empty.
    people.bind(keep.map_or("", Username::as_str)).execute(&mut *transaction).await?;
    if keep.is_none() {
        sqlx::query("DELETE FROM clients WHERE origin = 'demo'").execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

fn read(row: &AnyRow) -> Result<Person, StoreError> {
    Ok(Person {
        subject: Subject::from_store(text(row, "subject")?),
        username: parsed(row, "username", Username::parse)?,
        password: PasswordHash::from_phc(text(row, "password")?),
        origin: parsed(row, "origin", read_origin)?,
    })
}
