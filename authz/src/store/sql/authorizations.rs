//! The table of pending authorizations.

use super::{
    SqlStore, StoreError, codes, consents,
    row::{flag, optional, parsed, text, time},
    writer::Writer,
};
use crate::{
    domain::{AuthorizationCode, PendingAuthorization, RequestHash, SessionHash, Username},
    protocol::{ClientId, CodeChallenge, Nonce, RedirectUri, Resource, Scope, State, UnknownWord},
    store::{AuthorizationStore, Decision, Memory, Verdict},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Transaction, any::AnyRow};

#[async_trait]
impl AuthorizationStore for SqlStore {
    async fn begin_authorization(&self, pending: &PendingAuthorization) -> Result<(), StoreError> {
        add(&self.writer, pending).await
    }

    async fn pending_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<PendingAuthorization>, StoreError> {
        let query = sqlx::query(FIND).bind(request.as_str()).bind(session.as_str()).bind(now.as_second());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn decided_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(PendingAuthorization, Verdict)>, StoreError> {
        let query = sqlx::query(FIND_DECIDED).bind(request.as_str()).bind(session.as_str()).bind(now.as_second());
        let row = query.fetch_optional(&self.reader).await?;
        row.map(|row| Ok((read(&row)?, parsed(&row, "verdict", read_verdict)?))).transpose()
    }

    async fn approve(
        &self,
        pending: &PendingAuthorization,
        code: &AuthorizationCode,
        memory: Memory,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut transaction = self.begin().await?;
        if decide(&mut transaction, pending, Verdict::Approved, now).await? == Decision::AlreadyDecided {
            return Ok(Decision::AlreadyDecided);
        }
        codes::add(&mut transaction, code).await?;
        if memory == Memory::Kept {
            consents::remember(&mut transaction, &code.grant, now).await?;
        }
        transaction.commit().await?;
        Ok(Decision::First)
    }

    async fn deny(&self, pending: &PendingAuthorization, now: Timestamp) -> Result<Decision, StoreError> {
        let mut transaction = self.begin().await?;
        let decision = decide(&mut transaction, pending, Verdict::Denied, now).await?;
        transaction.commit().await?;
        Ok(decision)
    }
}

const ADD: &str = "INSERT INTO pending_authorizations (hash, session_hash, client_id, redirect_uri, scope, state, \
    challenge, resource, created_at, expires_at, nonce, must_sign_in, must_ask, login_hint) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

const FIND: &str = "SELECT * FROM pending_authorizations WHERE hash = $1 AND session_hash = $2 AND expires_at > $3 \
    AND verdict IS NULL";

const FIND_DECIDED: &str = "SELECT * FROM pending_authorizations WHERE hash = $1 AND session_hash = $2 AND expires_at > $3 \
    AND verdict IS NOT NULL";

async fn add(writer: &Writer, pending: &PendingAuthorization) -> Result<(), StoreError> {
    let query = sqlx::query(ADD)
        .bind(pending.hash.as_str())
        .bind(pending.session.as_str())
        .bind(pending.client_id.as_str())
        .bind(pending.redirect_uri.as_str())
        .bind(pending.scope.to_string())
        .bind(pending.state.as_ref().map(|state| state.as_str().to_owned()))
        .bind(pending.challenge.as_str())
        .bind(pending.resource.as_str())
        .bind(pending.created_at.as_second())
        .bind(pending.expires_at.as_second())
        .bind(pending.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()))
        .bind(i64::from(pending.must_sign_in))
        .bind(i64::from(pending.must_ask))
        .bind(pending.login_hint.as_ref().map(|hint| hint.as_str().to_owned()));
    writer.execute(query).await?;
    Ok(())
}

/// One conditional update: of two decisions, one finds the row undecided.
async fn decide(
    transaction: &mut Transaction<'static, Any>,
    pending: &PendingAuthorization,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    let statement = "UPDATE pending_authorizations SET verdict = $1 \
        WHERE hash = $2 AND session_hash = $3 AND expires_at > $4 AND verdict IS NULL";
    let query = sqlx::query(statement).bind(verdict_word(verdict));
    let query = query.bind(pending.hash.as_str()).bind(pending.session.as_str());
    let decided = query.bind(now.as_second()).execute(&mut **transaction).await?.rows_affected();
    Ok(if decided == 1 { Decision::First } else { Decision::AlreadyDecided })
}

pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM pending_authorizations \
        WHERE hash IN (SELECT hash FROM pending_authorizations WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}

fn read(row: &AnyRow) -> Result<PendingAuthorization, StoreError> {
    Ok(PendingAuthorization {
        hash: RequestHash::from_store(text(row, "hash")?),
        session: SessionHash::from_store(text(row, "session_hash")?),
        client_id: parsed(row, "client_id", ClientId::parse)?,
        redirect_uri: parsed(row, "redirect_uri", RedirectUri::from_store)?,
        scope: parsed(row, "scope", Scope::parse)?,
        state: optional(row, "state", State::parse)?,
        challenge: parsed(row, "challenge", CodeChallenge::parse)?,
        nonce: optional(row, "nonce", Nonce::parse)?,
        resource: parsed(row, "resource", Resource::parse)?,
        must_sign_in: flag(row, "must_sign_in")?,
        must_ask: flag(row, "must_ask")?,
        login_hint: optional(row, "login_hint", Username::parse)?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "approved",
        Verdict::Denied => "denied",
    }
}

fn read_verdict(word: &str) -> Result<Verdict, UnknownWord> {
    match word {
        "approved" => Ok(Verdict::Approved),
        "denied" => Ok(Verdict::Denied),
        _ => Err(UnknownWord),
    }
}
