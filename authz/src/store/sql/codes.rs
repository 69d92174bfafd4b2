//! The table of codes. Behind each code is a grant, which is made with it.

use super::{
    SqlStore, StoreError, grants, refresh,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{AuthorizationCode, CodeHash, CodeState, GrantId, RefreshFamily},
    protocol::{CodeChallenge, Nonce, RedirectUri},
    store::{CodeStore, Redemption},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Transaction, any::AnyRow};

/// Of two redemptions at once, one finds the code unused. The grant may have been revoked since it was looked at.
const REDEEM: &str = "UPDATE codes SET redeemed_at = $1 WHERE hash = $2 AND redeemed_at IS NULL \
    AND EXISTS (SELECT 1 FROM grants WHERE grants.id = codes.grant_id AND grants.revoked_at IS NULL)";

#[async_trait]
impl CodeStore for SqlStore {
    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError> {
        let query = sqlx::query("SELECT * FROM codes JOIN grants ON grants.id = codes.grant_id WHERE codes.hash = $1");
        query.bind(hash.as_str()).fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn redeem(
        &self,
        hash: &CodeHash,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        redeem(self.begin().await?, hash, family, now).await
    }
}

pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    grants::add(transaction, &code.grant, code.expires_at).await?;
    let statement = "INSERT INTO codes (hash, grant_id, redirect_uri, challenge, expires_at, nonce) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(statement)
        .bind(code.hash.as_str())
        .bind(code.grant.id.as_str())
        .bind(code.redirect_uri.as_str())
        .bind(code.challenge.as_str())
        .bind(code.expires_at.as_second())
        .bind(code.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Single use (RFC 6749 §4.1.2: MUST deny a second use, SHOULD revoke what the first one issued).
async fn redeem(
    mut transaction: Transaction<'static, Any>,
    hash: &CodeHash,
    family: Option<&RefreshFamily>,
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    let query = sqlx::query(REDEEM).bind(now.as_second()).bind(hash.as_str());
    let redeemed = query.execute(&mut *transaction).await?.rows_affected();
    let query = sqlx::query("SELECT grant_id, redeemed_at FROM codes WHERE hash = $1").bind(hash.as_str());
    let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(Redemption::Replayed) };
    let grant_id = parsed(&row, "grant_id", |raw| GrantId::parse(raw).ok_or(()))?;
    let redemption = Redemption::of(redeemed, optional_time(&row, "redeemed_at")?);
    refresh::redeemed(&mut transaction, redemption, (&grant_id, family), now).await?;
    transaction.commit().await?;
    Ok(redemption)
}

fn read(row: &AnyRow) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        hash: CodeHash::from_store(text(row, "hash")?),
        grant: grants::read(row)?,
        redirect_uri: parsed(row, "redirect_uri", RedirectUri::from_store)?,
        challenge: parsed(row, "challenge", CodeChallenge::parse)?,
        nonce: optional(row, "nonce", Nonce::parse)?,
        expires_at: time(row, "expires_at")?,
        state: optional_time(row, "redeemed_at")?.map_or(CodeState::Issued, |at| CodeState::Redeemed { at }),
    })
}
