//! The table of people.

use super::{
    SqlStore, StoreError,
    row::{origin_word, parsed, read_origin, text},
};
use crate::{
    domain::{PasswordHash, Person, Subject, Username},
    store::PersonStore,
};
use async_trait::async_trait;
use sqlx::{Any, Transaction, any::AnyRow};

#[async_trait]
impl PersonStore for SqlStore {
    async fn person_by_username(&self, username: &Username) -> Result<Option<Person>, StoreError> {
        let query = sqlx::query("SELECT * FROM people WHERE username = $1").bind(username.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn person(&self, subject: &Subject) -> Result<Option<Person>, StoreError> {
        let query = sqlx::query("SELECT * FROM people WHERE subject = $1").bind(subject.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn put_person(&self, person: &Person) -> Result<(), StoreError> {
        let query = sqlx::query(PUT).bind(person.subject.as_str()).bind(person.username.as_str());
        query.bind(person.password.reveal()).bind(origin_word(person.origin)).execute(&self.writer).await?;
        Ok(())
    }

    async fn forget_demo(&self, keep: Option<&Username>) -> Result<(), StoreError> {
        forget_demo(self.begin().await?, keep).await
    }
}

const PUT: &str = "INSERT INTO people (subject, username, password, origin) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (username) DO UPDATE SET password = excluded.password WHERE people.origin = excluded.origin";

async fn forget_demo(mut transaction: Transaction<'static, Any>, keep: Option<&Username>) -> Result<(), StoreError> {
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
