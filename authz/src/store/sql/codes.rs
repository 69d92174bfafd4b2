//! The table of codes. Behind each code is a grant, which is made with it.

use super::{
    SqlStore, StoreError, grants,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{AuthorizationCode, CodeHash, CodeState},
    protocol::{CodeChallenge, Nonce, RedirectUri},
    store::{CodeStore, Redemption},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Transaction, any::AnyRow};

#[async_trait]
impl CodeStore for SqlStore {
    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError> {
        let query = sqlx::query("SELECT * FROM codes JOIN grants ON grants.id = codes.grant_id WHERE codes.hash = $1");
        query.bind(hash.as_str()).fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn redeem(&self, hash: &CodeHash, now: Timestamp) -> Result<Redemption, StoreError> {
        redeem(self.begin().await?, hash, now).await
    }
}

pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    grants::add(transaction, &code.grant).await?;
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
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    let redeem = sqlx::query("UPDATE codes SET redeemed_at = $1 WHERE hash = $2 AND redeemed_at IS NULL");
    let redeemed = redeem.bind(now.as_second()).bind(hash.as_str()).execute(&mut *transaction).await?.rows_affected();
    if redeemed != 1 {
        let statement = "UPDATE grants SET revoked_at = $1 \
            WHERE id = (SELECT grant_id FROM codes WHERE hash = $2) AND revoked_at IS NULL";
        sqlx::query(statement).bind(now.as_second()).bind(hash.as_str()).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(if redeemed == 1 { Redemption::First } else { Redemption::Replayed })
}

fn read(row: &AnyRow) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        hash: CodeHash::from_store(text(row, "hash")?),
        grant: grants::read(row)?,
        redirect_uri: parsed(row, "redirect_uri", RedirectUri::parse)?,
        challenge: parsed(row, "challenge", CodeChallenge::parse)?,
        nonce: optional(row, "nonce", Nonce::parse)?,
        expires_at: time(row, "expires_at")?,
        state: optional_time(row, "redeemed_at")?.map_or(CodeState::Issued, |at| CodeState::Redeemed { at }),
    })
}
