//! The store on a SQL database, through `sqlx::Any` with `$n` placeholders. SQLite: WAL, every commit reaches the
//! disk, and one connection writes, so that writers queue instead of failing.

mod authorizations;
mod clients;
mod codes;
mod open;
mod people;
mod row;
mod sessions;

use super::{Decision, Redemption, Store, StoreError};
use crate::{
    domain::{
        AuthorizationCode, BrowserSession, CodeHash, Grant, GrantId, PendingAuthorization, Person, RegisteredClient,
        RequestHash, SessionHash, Subject, Username,
    },
    protocol::ClientId,
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, AnyPool, Transaction};

/// A store on a SQL database.
#[derive(Clone, Debug)]
pub struct SqlStore {
    reader: AnyPool,
    writer: AnyPool,
}

/// How long a code, and the grant behind it, is kept after the code's time: no access token lives longer.
const GRANT_RETENTION: SignedDuration = SignedDuration::from_hours(25);

impl SqlStore {
    /// SQLite takes the write lock at once: a transaction that reads first could not get it later without failing.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[cfg(test)]
impl SqlStore {
    /// Changes the database behind the store's back.
    pub(crate) async fn execute_for_test(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.writer).await.unwrap();
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn check(&self) -> Result<(), StoreError> {
        // A table, because a constant would be answered without a look at the file.
        sqlx::query("SELECT 1 FROM clients LIMIT 1").execute(&self.reader).await?;
        Ok(())
    }

    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError> {
        clients::find(&self.reader, id).await
    }

    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError> {
        clients::add(&self.writer, client).await
    }

    async fn put_client(&self, client: &RegisteredClient) -> Result<(), StoreError> {
        clients::put(&self.writer, client).await
    }

    async fn person_by_username(&self, username: &Username) -> Result<Option<Person>, StoreError> {
        people::find_by_username(&self.reader, username).await
    }

    async fn person(&self, subject: &Subject) -> Result<Option<Person>, StoreError> {
        people::find(&self.reader, subject).await
    }

    async fn put_person(&self, person: &Person) -> Result<(), StoreError> {
        people::put(&self.writer, person).await
    }

    async fn forget_demo(&self, keep: Option<&Username>) -> Result<(), StoreError> {
        people::forget_demo(self.begin().await?, keep).await
    }

    async fn begin_session(&self, session: &BrowserSession) -> Result<(), StoreError> {
        sessions::add(&self.writer, session).await
    }

    async fn session(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<BrowserSession>, StoreError> {
        sessions::find(&self.reader, hash, now).await
    }

    async fn renew_session(
        &self,
        old: &SessionHash,
        new: &BrowserSession,
        request: Option<&RequestHash>,
    ) -> Result<(), StoreError> {
        sessions::renew(self.begin().await?, old, new, request).await
    }

    async fn end_session(&self, hash: &SessionHash) -> Result<(), StoreError> {
        sessions::end(&self.writer, hash).await
    }

    async fn begin_authorization(&self, pending: &PendingAuthorization) -> Result<(), StoreError> {
        authorizations::add(&self.writer, pending).await
    }

    async fn pending_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<PendingAuthorization>, StoreError> {
        authorizations::find(&self.reader, request, session, now).await
    }

    async fn approve(
        &self,
        pending: &PendingAuthorization,
        code: &AuthorizationCode,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut transaction = self.begin().await?;
        if authorizations::take(&mut transaction, pending, now).await? == Decision::AlreadyDecided {
            return Ok(Decision::AlreadyDecided);
        }
        codes::add(&mut transaction, code).await?;
        transaction.commit().await?;
        Ok(Decision::First)
    }

    async fn deny(&self, pending: &PendingAuthorization, now: Timestamp) -> Result<Decision, StoreError> {
        let mut transaction = self.begin().await?;
        let decision = authorizations::take(&mut transaction, pending, now).await?;
        transaction.commit().await?;
        Ok(decision)
    }

    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError> {
        codes::find(&self.reader, hash).await
    }

    async fn redeem(&self, hash: &CodeHash, now: Timestamp) -> Result<Redemption, StoreError> {
        codes::redeem(self.begin().await?, hash, now).await
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        codes::find_grant(&self.reader, id).await
    }

    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        codes::revoke_grant(&self.writer, id, now).await
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sessions = sessions::sweep(&self.writer, before, limit).await?;
        let pending = authorizations::sweep(&self.writer, before, limit).await?;
        let grants = codes::sweep(&self.writer, before - GRANT_RETENTION, limit).await?;
        Ok(sessions + pending + grants)
    }
}
