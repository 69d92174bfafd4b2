//! The tables of codes and of the grants behind them.

use super::{
    Redemption, StoreError,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{
        Authentication, AuthenticationContext, AuthorizationCode, CodeHash, CodeState, Grant, GrantId, GrantState,
        Subject,
    },
    protocol::{ClientId, CodeChallenge, Nonce, RedirectUri, Resource, Scope},
};
use jiff::Timestamp;
use sqlx::{Any, AnyPool, Transaction, any::AnyRow};

pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    let statement = "INSERT INTO grants (id, subject, client_id, scope, resource, created_at, authenticated_at, acr) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(statement)
        .bind(code.grant.id.as_str())
        .bind(code.grant.subject.as_str())
        .bind(code.grant.client_id.as_str())
        .bind(code.grant.scope.to_string())
        .bind(code.grant.resource.as_str())
        .bind(code.grant.created_at.as_second())
        .bind(code.grant.authentication.map(|authentication| authentication.at.as_second()))
        .bind(code.grant.authentication.map(|authentication| authentication.context.as_str()))
        .execute(&mut **transaction)
        .await?;
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

pub(super) async fn find(pool: &AnyPool, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError> {
    let query = sqlx::query("SELECT * FROM codes JOIN grants ON grants.id = codes.grant_id WHERE codes.hash = $1");
    let row = query.bind(hash.as_str()).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

/// Single use (RFC 6749 §4.1.2: MUST deny a second use, SHOULD revoke what the first one issued).
pub(super) async fn redeem(
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

pub(super) async fn find_grant(pool: &AnyPool, id: &GrantId) -> Result<Option<Grant>, StoreError> {
    let row = sqlx::query("SELECT * FROM grants WHERE id = $1").bind(id.as_str()).fetch_optional(pool).await?;
    row.as_ref().map(read_grant).transpose()
}

pub(super) async fn revoke_grant(pool: &AnyPool, id: &GrantId, now: Timestamp) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    query.bind(now.as_second()).bind(id.as_str()).execute(pool).await?;
    Ok(())
}

pub(super) async fn sweep(pool: &AnyPool, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM grants WHERE id IN (SELECT grant_id FROM codes WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(query.execute(pool).await?.rows_affected())
}

fn read(row: &AnyRow) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        hash: CodeHash::from_store(text(row, "hash")?),
        grant: read_grant(row)?,
        redirect_uri: parsed(row, "redirect_uri", RedirectUri::parse)?,
        challenge: parsed(row, "challenge", CodeChallenge::parse)?,
        nonce: optional(row, "nonce", Nonce::parse)?,
        expires_at: time(row, "expires_at")?,
        state: optional_time(row, "redeemed_at")?.map_or(CodeState::Issued, |at| CodeState::Redeemed { at }),
    })
}

fn read_grant(row: &AnyRow) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: parsed(row, "id", |raw| GrantId::parse(raw).ok_or(()))?,
        subject: Subject::from_store(text(row, "subject")?),
        client_id: parsed(row, "client_id", ClientId::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        resource: parsed(row, "resource", Resource::parse)?,
        authentication: read_authentication(row)?,
        created_at: time(row, "created_at")?,
        state: optional_time(row, "revoked_at")?.map_or(GrantState::Alive, |at| GrantState::Revoked { at }),
    })
}

fn read_authentication(row: &AnyRow) -> Result<Option<Authentication>, StoreError> {
    match (optional_time(row, "authenticated_at")?, optional(row, "acr", AuthenticationContext::parse)?) {
        (Some(at), Some(context)) => Ok(Some(Authentication { at, context })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(StoreError::Unreadable("acr")),
    }
}
