//! The table of browser sessions.

use super::{
    SqlStore, StoreError,
    row::{optional_text, optional_time, text, time},
    writer::Writer,
};
use crate::{
    domain::{AuthenticatedPerson, BrowserSession, RequestHash, SessionHash, SessionStage, Subject},
    store::SessionStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Executor, Transaction, any::AnyRow};

#[async_trait]
impl SessionStore for SqlStore {
    async fn begin_session(&self, session: &BrowserSession) -> Result<(), StoreError> {
        add(&mut *self.writer.acquire().await?, session).await
    }

    async fn session(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<BrowserSession>, StoreError> {
        let version = self.recent.version();
        if let Some(session) = self.recent.find(version, |kept| kept.sessions.get(hash)) {
            return Ok(Some(session).filter(|session| session.expires_at > now));
        }
        let query = sqlx::query(FIND).bind(hash.as_str()).bind(now.as_second());
        let session = query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()?;
        if let Some(session) = &session {
            self.recent.keep(version, |kept| kept.sessions.insert(hash.clone(), session.clone()));
        }
        Ok(session)
    }

    async fn renew_session(
        &self,
        old: &SessionHash,
        new: &BrowserSession,
        request: Option<&RequestHash>,
    ) -> Result<(), StoreError> {
        renew(self.begin().await?, old, new, request).await
    }

    async fn end_session(&self, hash: &SessionHash) -> Result<(), StoreError> {
        end(&mut *self.writer.acquire().await?, hash).await
    }
}

/// A session of somebody who was disabled counts for nothing, however it came to be.
const FIND: &str = "SELECT sessions.* FROM sessions LEFT JOIN people ON people.subject = sessions.subject \
    WHERE sessions.hash = $1 AND sessions.expires_at > $2 AND people.disabled_at IS NULL";

async fn add<'c>(executor: impl Executor<'c, Database = Any>, session: &BrowserSession) -> Result<(), StoreError> {
    let (subject, authenticated_at) = match &session.stage {
        SessionStage::Anonymous => (None, None),
        SessionStage::SignedIn(person) => {
            (Some(person.subject.as_str().to_owned()), Some(person.authentication.at.as_second()))
        }
    };
    sqlx::query("INSERT INTO sessions (hash, subject, authenticated_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(session.hash.as_str())
        .bind(subject)
        .bind(authenticated_at)
        .bind(session.expires_at.as_second())
        .execute(executor)
        .await?;
    Ok(())
}

async fn renew(
    mut transaction: Transaction<'static, Any>,
    old: &SessionHash,
    new: &BrowserSession,
    request: Option<&RequestHash>,
) -> Result<(), StoreError> {
    add(&mut *transaction, new).await?;
    let statement = "UPDATE pending_authorizations SET session_hash = $1, \
        must_sign_in = CASE WHEN $2 = 1 THEN 0 ELSE must_sign_in END WHERE session_hash = $3 OR hash = $4";
    let signed_in = i64::from(new.subject().is_some());
    let moved = sqlx::query(statement).bind(new.hash.as_str()).bind(signed_in).bind(old.as_str());
    // No hash is empty.
    moved.bind(request.map_or("", RequestHash::as_str)).execute(&mut *transaction).await?;
    end(&mut *transaction, old).await?;
    Ok(transaction.commit().await?)
}

async fn end<'c>(executor: impl Executor<'c, Database = Any>, hash: &SessionHash) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.as_str()).execute(executor).await?;
    Ok(())
}

pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}

fn read(row: &AnyRow) -> Result<BrowserSession, StoreError> {
    let stage = match (optional_text(row, "subject")?, optional_time(row, "authenticated_at")?) {
        // A password is the only way to sign in.
        (Some(subject), Some(at)) => {
            SessionStage::SignedIn(AuthenticatedPerson::by_password(Subject::from_store(subject), at))
        }
        (None, None) => SessionStage::Anonymous,
        (Some(_), None) | (None, Some(_)) => return Err(StoreError::Unreadable("authenticated_at")),
    };
    Ok(BrowserSession {
        hash: SessionHash::from_store(text(row, "hash")?),
        stage,
        expires_at: time(row, "expires_at")?,
    })
}
