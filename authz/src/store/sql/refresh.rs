//! The table of refresh families.

use super::{
    SqlStore, StoreError, grants,
    row::{optional_text, optional_time, text, time},
};
use crate::{
    domain::{FamilyHash, FamilyStage, GrantId, RefreshFamily, RefreshHash, Refreshing, Rotation},
    store::{Redemption, RefreshStore},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Executor, Transaction, any::AnyRow};

const FIND: &str = "SELECT grants.*, refresh_families.id AS family_id, current_hash, parent_hash, rotated_at, expires_at \
    FROM refresh_families JOIN grants ON grants.id = refresh_families.grant_id WHERE refresh_families.id = $1";

/// Only with a current token that is in time, of a grant that is alive; of two uses at once, one finds it so.
const ROTATE: &str = "UPDATE refresh_families SET current_hash = $1, parent_hash = $2, rotated_at = $3, expires_at = $4 \
    WHERE id = $5 AND current_hash = $2 AND expires_at > $3 \
    AND EXISTS (SELECT 1 FROM grants WHERE grants.id = refresh_families.grant_id AND grants.revoked_at IS NULL \
    AND grants.client_id = $6)";

#[async_trait]
impl RefreshStore for SqlStore {
    async fn refresh_family(&self, id: &FamilyHash) -> Result<Option<RefreshFamily>, StoreError> {
        find(&self.reader, id).await
    }

    async fn rotate(&self, refreshing: &Refreshing, now: Timestamp) -> Result<Rotation, StoreError> {
        rotate(self.begin().await?, refreshing, now).await
    }
}

async fn find<'c>(
    executor: impl Executor<'c, Database = Any>,
    id: &FamilyHash,
) -> Result<Option<RefreshFamily>, StoreError> {
    let row = sqlx::query(FIND).bind(id.as_str()).fetch_optional(executor).await?;
    row.as_ref().map(read).transpose()
}

/// What follows from the redemption of a device code, in its own transaction: the family begins, or the grant ends.
pub(super) async fn redeemed(
    transaction: &mut Transaction<'static, Any>,
    redemption: Redemption,
    (grant, family): (&GrantId, Option<&RefreshFamily>),
    now: Timestamp,
) -> Result<(), StoreError> {
    match (redemption, family) {
        (Redemption::First, Some(family)) => {
            add(transaction, family).await?;
            grants::used(transaction, &family.grant.id, now, family.expires_at).await
        }
        (Redemption::First, None) => grants::used(transaction, grant, now, now).await,
        (Redemption::Replayed, _) => grants::revoke(transaction, grant, now).await,
        (Redemption::Revoked, _) => Ok(()),
    }
}

pub(super) async fn add(transaction: &mut Transaction<'static, Any>, family: &RefreshFamily) -> Result<(), StoreError> {
    let (FamilyStage::Fresh { current } | FamilyStage::Rotated { current, .. }) = &family.stage;
    sqlx::query("INSERT INTO refresh_families (id, grant_id, current_hash, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(family.id.as_str())
        .bind(family.grant.id.as_str())
        .bind(current.as_str())
        .bind(family.expires_at.as_second())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// One conditional update; where it finds nothing to do, the family as it is by now says why.
async fn rotate(
    mut transaction: Transaction<'static, Any>,
    refreshing: &Refreshing,
    now: Timestamp,
) -> Result<Rotation, StoreError> {
    let rotated = sqlx::query(ROTATE)
        .bind(refreshing.next.as_str())
        .bind(refreshing.presented.as_str())
        .bind(now.as_second())
        .bind(refreshing.next_expires_at.as_second())
        .bind(refreshing.family.as_str())
        .bind(refreshing.client_id.as_str())
        .execute(&mut *transaction)
        .await?;
    let Some(family) = find(&mut *transaction, &refreshing.family).await? else { return Ok(Rotation::Dead) };
    let rotation = if rotated.rows_affected() == 1 { Rotation::Rotated } else { family.judge(refreshing, now) };
    match rotation {
        Rotation::Rotated => {
            grants::used(&mut transaction, &family.grant.id, now, refreshing.next_expires_at).await?;
        }
        Rotation::Reused => grants::revoke(&mut transaction, &family.grant.id, now).await?,
        Rotation::Spared | Rotation::Dead => {}
    }
    transaction.commit().await?;
    Ok(rotation)
}

fn read(row: &AnyRow) -> Result<RefreshFamily, StoreError> {
    let current = RefreshHash::from_store(text(row, "current_hash")?);
    let stage = match (optional_text(row, "parent_hash")?, optional_time(row, "rotated_at")?) {
        (Some(parent), Some(at)) => FamilyStage::Rotated { current, parent: RefreshHash::from_store(parent), at },
        (None, None) => FamilyStage::Fresh { current },
        (Some(_), None) | (None, Some(_)) => return Err(StoreError::Unreadable("rotated_at")),
    };
    Ok(RefreshFamily {
        id: FamilyHash::from_store(text(row, "family_id")?),
        grant: grants::read(row)?,
        stage,
        expires_at: time(row, "expires_at")?,
    })
}
