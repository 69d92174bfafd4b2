//! The part of the table of grants that is about their codes: a code is the beginning of a grant, and each has one at
//! most.

use super::{
    SqlStore, StoreError, clients, grants, refresh,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{AuthorizationCode, CodeHash, CodeState, Consent, GrantId, RefreshFamily},
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
             code_expires_at, code_hash, redirect_uri, challenge, nonce) ",
            $source
        )
    };
}

const ADD: &str = insert!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)");

macro_rules! add_with_consent {
    ($lock:literal) => {
        concat!(
            insert!("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13"),
            " FROM consents WHERE subject = $2 AND client_id = $3 AND resource = $5 AND scope = $14",
            $lock
        )
    };
}

/// Adds a code if a consent is still what was remembered. One writes at a time.
pub(super) const ADD_ON_SQLITE: &str = add_with_consent!("");
/// The same. Who forgets the consent meanwhile waits for this, or this finds no row.
pub(super) const ADD_ON_POSTGRESQL: &str = add_with_consent!(" FOR SHARE");

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
        let keep_until = family.map_or(now, |family| family.expires_at);
        let query = sqlx::query(REDEEM).bind(now.as_second()).bind(keep_until.as_second()).bind(hash.as_str());
        let Some(family) = family else {
            let redeemed = self.write_beside_recent(query).await? == 1;
            return if redeemed { Ok(Redemption::First) } else { refuse(self.begin().await?, hash, now).await };
        };
        let mut transaction = self.begin().await?;
        let before = self.recent.version();
        if query.execute(&mut *transaction).await?.rows_affected() == 0 {
            return refuse(transaction, hash, now).await;
        }
        refresh::add(&mut transaction, family).await?;
        transaction.commit().await?;
        self.recent.outlives_own_commit(before);
        Ok(Redemption::First)
    }
}

pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    bind(sqlx::query(ADD), code).execute(&mut **transaction).await?;
    clients::mark_used(&mut **transaction, &code.grant.client_id, code.grant.created_at).await
}

/// Whether the consent was still there.
pub(super) async fn add_as_before(
    store: &SqlStore,
    consent: &Consent,
    code: &AuthorizationCode,
) -> Result<bool, StoreError> {
    let query = bind(sqlx::query(store.add_as_before), code).bind(consent.scope.to_string());
    Ok(store.write_beside_recent(query).await? == 1)
}

fn bind<'q>(query: Query<'q, Any, AnyArguments>, code: &AuthorizationCode) -> Query<'q, Any, AnyArguments> {
    grants::bind(query, &code.grant, code.expires_at)
        .bind(code.hash.as_str())
        .bind(code.redirect_uri.as_str())
        .bind(code.challenge.as_str())
        .bind(code.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()))
}

/// A code that was not to be redeemed: single use (RFC 6749 §4.1.2: MUST deny a second use, SHOULD revoke what the first
/// one issued).
async fn refuse(
    mut transaction: Transaction<'static, Any>,
    hash: &CodeHash,
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    let query = sqlx::query("SELECT id, redeemed_at FROM grants WHERE code_hash = $1").bind(hash.as_str());
    let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(Redemption::Replayed) };
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
