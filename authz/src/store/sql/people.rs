//! The table of people.

use super::{
    SqlStore, StoreError,
    row::{optional, optional_time, parsed, text},
    writer::Writer,
};
use crate::{
    domain::{DisplayName, Email, PasswordHash, Person, PersonOrigin, PersonState, SessionHash, Subject, Username},
    store::{Addition, PersonStore},
};
use async_trait::async_trait;
use jiff::Timestamp;
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

    async fn people(&self) -> Result<Vec<Person>, StoreError> {
        sqlx::query("SELECT * FROM people ORDER BY username").fetch_all(&self.reader).await?.iter().map(read).collect()
    }

    async fn add_person(&self, person: &Person) -> Result<Addition, StoreError> {
        let added = insert(&self.writer, ADD, person).await?;
        Ok(if added == 1 { Addition::Added } else { Addition::NameTaken })
    }

    async fn put_person(&self, person: &Person) -> Result<(), StoreError> {
        insert(&self.writer, PUT, person).await?;
        Ok(())
    }

    async fn set_password(
        &self,
        subject: &Subject,
        password: &PasswordHash,
        keep: Option<&SessionHash>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let update = sqlx::query("UPDATE people SET password = $1 WHERE subject = $2");
        update.bind(password.reveal()).bind(subject.as_str()).execute(&mut *transaction).await?;
        end_sessions(&mut transaction, subject, keep).await?;
        Ok(transaction.commit().await?)
    }

    async fn disable_person(&self, subject: &Subject, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let update = sqlx::query("UPDATE people SET disabled_at = $1 WHERE subject = $2 AND disabled_at IS NULL");
        update.bind(now.as_second()).bind(subject.as_str()).execute(&mut *transaction).await?;
        end_sessions(&mut transaction, subject, None).await?;
        // Whoever comes back is asked again.
        let forget = sqlx::query("DELETE FROM consents WHERE subject = $1");
        forget.bind(subject.as_str()).execute(&mut *transaction).await?;
        let revoke = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE subject = $2 AND revoked_at IS NULL");
        revoke.bind(now.as_second()).bind(subject.as_str()).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn enable_person(&self, subject: &Subject) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE people SET disabled_at = NULL WHERE subject = $1").bind(subject.as_str());
        self.writer.execute(query).await?;
        Ok(())
    }

    async fn delete_person(&self, subject: &Subject) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM people WHERE subject = $1").bind(subject.as_str());
        self.writer.execute(query).await?;
        Ok(())
    }

    async fn forget_demo(&self, keep: &[Username]) -> Result<(), StoreError> {
        forget_demo(self.begin().await?, keep).await
    }
}

const ADD: &str = "INSERT INTO people (subject, username, password, origin, name, email) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username) DO NOTHING";

const PUT: &str = "INSERT INTO people (subject, username, password, origin, name, email) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username) DO UPDATE \
    SET password = excluded.password, name = excluded.name, email = excluded.email \
    WHERE people.origin = excluded.origin";

/// Says how many rows were written.
async fn insert(writer: &Writer, statement: &'static str, person: &Person) -> Result<u64, StoreError> {
    let query = sqlx::query(statement)
        .bind(person.subject.as_str())
        .bind(person.username.as_str())
        .bind(person.password.reveal())
        .bind(person.origin.as_str())
        .bind(person.name.as_ref().map(|name| name.as_str().to_owned()))
        .bind(person.email.as_ref().map(|email| email.as_str().to_owned()));
    Ok(writer.execute(query).await?)
}

async fn end_sessions(
    transaction: &mut Transaction<'static, Any>,
    subject: &Subject,
    keep: Option<&SessionHash>,
) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM sessions WHERE subject = $1 AND hash <> $2").bind(subject.as_str());
    // No hash is empty.
    query.bind(keep.map_or("", SessionHash::as_str)).execute(&mut **transaction).await?;
    Ok(())
}

async fn forget_demo(mut transaction: Transaction<'static, Any>, keep: &[Username]) -> Result<(), StoreError> {
    let people = sqlx::query("SELECT username FROM people WHERE origin = 'demo'");
    for row in people.fetch_all(&mut *transaction).await? {
        let username = parsed(&row, "username", Username::parse)?;
        if !keep.contains(&username) {
            let delete = sqlx::query("DELETE FROM people WHERE username = $1").bind(username.as_str());
            delete.execute(&mut *transaction).await?;
        }
    }
    if keep.is_empty() {
        sqlx::query("DELETE FROM clients WHERE origin = 'demo'").execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

fn read(row: &AnyRow) -> Result<Person, StoreError> {
    Ok(Person {
        subject: Subject::from_store(text(row, "subject")?),
        username: parsed(row, "username", Username::parse)?,
        password: PasswordHash::from_phc(text(row, "password")?),
        name: optional(row, "name", DisplayName::parse)?,
        email: optional(row, "email", Email::parse)?,
        origin: parsed(row, "origin", |word| PersonOrigin::parse(word).ok_or(()))?,
        state: optional_time(row, "disabled_at")?.map_or(PersonState::Enabled, |at| PersonState::Disabled { at }),
    })
}
