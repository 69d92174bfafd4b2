//! The part of the table of grants that is about their codes: a code is the beginning of a grant, and each has one at
//! most.

use super::{
    SqlStore, StoreError, clients, grants, refresh,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{AuthorizationCode, CodeHash, CodeState, GrantId, RefreshFamily},
    protocol::{CodeChallenge, Nonce, RedirectUri},
    store::{CodeStore, Redemption},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{
    Any, Transaction,
    any::{AnyArguments, AnyRow},
    query::Query,
};

macro_rules! insert {
    ($source:literal) => {
        concat!(
            "INSERT INTO grants (id, subject, client_id, scope, resource, created_at, authenticated_at, acr, keep_until, \
             code_hash, redirect_uri, challenge, nonce, code_expires_at, redeemed_at, used_at) ",
            $source
        )
    };
}

const ADD: &str = insert!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $9, NULL, NULL)");

macro_rules! add_sealed {
    ($lock:literal) => {
        concat!(
            insert!("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15"),
            " FROM consents WHERE subject = $2 AND client_id = $3 AND resource = $5 AND given_at = $16",
            $lock,
            " ON CONFLICT DO NOTHING"
        )
    };
}

/// Adds a code as redeemed, if its consent is still there and it was not added before. One writes at a time.
pub(super) const ADD_SEALED_ON_SQLITE: &str = add_sealed!("");
/// The same. Who forgets the consent meanwhile waits for this, or this finds no row.
pub(super) const ADD_SEALED_ON_POSTGRESQL: &str = add_sealed!(" FOR KEY SHARE");

/// Of two redemptions at once, one finds the code unused. The grant may have been revoked since it was looked at.
const REDEEM: &str = "UPDATE grants SET redeemed_at = $1, used_at = $1, keep_until = $2 \
    WHERE code_hash = $3 AND redeemed_at IS NULL AND revoked_at IS NULL";

#[async_trait]
impl CodeStore for SqlStore {
    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError> {
        let query = sqlx::query("SELECT * FROM grants WHERE code_hash = $1").bind(hash.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn redeem(
        &self,
        hash: &CodeHash,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let keep_until = keep_until(family, now).as_second();
        let query = sqlx::query(REDEEM).bind(now.as_second()).bind(keep_until).bind(hash.as_str());
        redeem_by(self, query, hash, family, now).await
    }

    async fn redeem_sealed(
        &self,
        code: &AuthorizationCode,
        consent_given_at: Timestamp,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let query = bind(sqlx::query(self.add_sealed), code, keep_until(family, now))
            .bind(code.expires_at.as_second())
            .bind(now.as_second())
            .bind(consent_given_at.as_second());
        redeem_by(self, query, &code.hash, family, now).await
    }
}

fn keep_until(family: Option<&RefreshFamily>, now: Timestamp) -> Timestamp {
    family.map_or(now, |family| family.expires_at)
}

/// By a statement that writes one row, or none if the code is not to be redeemed.
async fn redeem_by(
    store: &SqlStore,
    query: Query<'_, Any, AnyArguments>,
    hash: &CodeHash,
    family: Option<&RefreshFamily>,
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    let Some(family) = family else {
        let redeemed = store.write_beside_recent(query).await? == 1;
        return if redeemed { Ok(Redemption::First) } else { refuse(store, hash, now).await };
    };
    let mut transaction = store.begin().await?;
    let before = store.recent.version();
    if query.execute(&mut *transaction).await?.rows_affected() == 0 {
        // Its lock on the consent goes first: of two replays at once, each would wait for the other's.
        transaction.rollback().await?;
        return refuse(store, hash, now).await;
    }
    refresh::add(&mut transaction, family).await?;
    transaction.commit().await?;
    store.recent.outlives_own_commit(before);
    Ok(Redemption::First)
}

pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    bind(sqlx::query(ADD), code, code.expires_at).execute(&mut **transaction).await?;
    clients::mark_used(&mut **transaction, &code.grant.client_id, code.grant.created_at).await
}

/// The first thirteen parameters of a statement that adds a code.
fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    code: &AuthorizationCode,
    keep_until: Timestamp,
) -> Query<'q, Any, AnyArguments> {
    grants::bind(query, &code.grant, keep_until)
        .bind(code.hash.as_str())
        .bind(code.redirect_uri.as_str())
        .bind(code.challenge.as_str())
        .bind(code.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()))
}

/// A code that was not to be redeemed: single use (RFC 6749 §4.1.2: MUST deny a second use, SHOULD revoke what the first
/// one issued).
async fn refuse(store: &SqlStore, hash: &CodeHash, now: Timestamp) -> Result<Redemption, StoreError> {
    let mut transaction = store.begin().await?;
    let query = sqlx::query("SELECT id, redeemed_at FROM grants WHERE code_hash = $1").bind(hash.as_str());
    let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(Redemption::Revoked) };
    let redemption = Redemption::of(0, optional_time(&row, "redeemed_at")?);
    if redemption == Redemption::Replayed {
        let id = parsed(&row, "id", |raw| GrantId::parse(raw).ok_or(()))?;
        grants::revoke(&mut transaction, &id, now).await?;
    }
    transaction.commit().await?;
    Ok(redemption)
}

fn read(row: &AnyRow) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        hash: CodeHash::from_store(text(row, "code_hash")?),
        grant: grants::read(row)?,
        redirect_uri: parsed(row, "redirect_uri", RedirectUri::from_store)?,
        challenge: parsed(row, "challenge", CodeChallenge::parse)?,
        nonce: optional(row, "nonce", Nonce::parse)?,
        expires_at: time(row, "code_expires_at")?,
        state: optional_time(row, "redeemed_at")?.map_or(CodeState::Issued, |at| CodeState::Redeemed { at }),
    })
}
