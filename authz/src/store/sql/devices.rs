//! The table of device authorizations.

use super::{
    SqlStore, StoreError, grants, refresh,
    row::{optional_text, optional_time, parsed, text, time},
    writer::Writer,
};
use crate::{
    domain::{DeviceAuthorization, DeviceHash, DeviceState, Grant, GrantId, RefreshFamily, Subject, UserCodeHash},
    protocol::{ClientId, Resource, Scope},
    store::{Decision, DeviceStore, Redemption, Verdict},
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, Row as _, Transaction, any::AnyRow};

const BEGIN: &str = "INSERT INTO device_authorizations (hash, user_code_hash, client_id, scope, resource, created_at, \
    expires_at, pause) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

/// Of two decisions, one finds the row undecided.
const APPROVE: &str = "UPDATE device_authorizations SET grant_id = $1 \
    WHERE hash = $2 AND expires_at > $3 AND grant_id IS NULL AND denied_at IS NULL";
const DENY: &str = "UPDATE device_authorizations SET denied_at = $1, denied_by = $3 \
    WHERE hash = $2 AND expires_at > $1 AND grant_id IS NULL AND denied_at IS NULL";

const DECIDED: &str = "SELECT denied_by FROM device_authorizations WHERE user_code_hash = $1 AND expires_at > $2 \
    AND (denied_by = $3 OR EXISTS (SELECT 1 FROM grants WHERE grants.id = device_authorizations.grant_id \
    AND grants.subject = $4 AND grants.revoked_at IS NULL))";

/// Of two redemptions at once, one finds the code unused. The grant may have been revoked since it was looked at.
const REDEEM: &str = "UPDATE device_authorizations SET redeemed_at = $1 WHERE hash = $2 AND redeemed_at IS NULL \
    AND EXISTS (SELECT 1 FROM grants WHERE grants.id = device_authorizations.grant_id AND grants.revoked_at IS NULL)";

#[async_trait]
impl DeviceStore for SqlStore {
    async fn begin_device_authorization(&self, device: &DeviceAuthorization) -> Result<bool, StoreError> {
        let query = sqlx::query(BEGIN)
            .bind(device.hash.as_str())
            .bind(device.user_code.as_str())
            .bind(device.client_id.as_str())
            .bind(device.scope.to_string())
            .bind(device.resource.as_str())
            .bind(device.created_at.as_second())
            .bind(device.expires_at.as_second())
            .bind(device.pause.as_secs());
        Ok(self.writer.execute(query).await? == 1)
    }

    async fn device_authorization(
        &self,
        user_code: &UserCodeHash,
        now: Timestamp,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        let statement = "SELECT * FROM device_authorizations WHERE user_code_hash = $1 AND expires_at > $2 \
            AND grant_id IS NULL AND denied_at IS NULL";
        let query = sqlx::query(statement).bind(user_code.as_str()).bind(now.as_second());
        let row = query.fetch_optional(&self.reader).await?;
        row.map(|row| read(&row, DeviceState::Pending)).transpose()
    }

    async fn approve_device(&self, device: &DeviceHash, grant: &Grant, now: Timestamp) -> Result<Decision, StoreError> {
        let mut transaction = self.begin().await?;
        let query = sqlx::query("SELECT expires_at FROM device_authorizations WHERE hash = $1").bind(device.as_str());
        let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(Decision::AlreadyDecided) };
        grants::add(&mut transaction, grant, time(&row, "expires_at")?).await?;
        let query = sqlx::query(APPROVE).bind(grant.id.as_str()).bind(device.as_str()).bind(now.as_second());
        if query.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(Decision::AlreadyDecided);
        }
        transaction.commit().await?;
        Ok(Decision::First)
    }

    async fn deny_device(
        &self,
        device: &DeviceHash,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let query = sqlx::query(DENY).bind(now.as_second()).bind(device.as_str()).bind(subject.as_str());
        let denied = self.writer.execute(query).await?;
        Ok(if denied == 1 { Decision::First } else { Decision::AlreadyDecided })
    }

    async fn decided_device(
        &self,
        user_code: &UserCodeHash,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        let query = sqlx::query(DECIDED).bind(user_code.as_str()).bind(now.as_second());
        let query = query.bind(subject.as_str()).bind(subject.as_str());
        let Some(row) = query.fetch_optional(&self.reader).await? else { return Ok(None) };
        let denied = optional_text(&row, "denied_by")?.is_some();
        Ok(Some(if denied { Verdict::Denied } else { Verdict::Approved }))
    }

    async fn device(&self, device: &DeviceHash) -> Result<Option<DeviceAuthorization>, StoreError> {
        let query = sqlx::query("SELECT * FROM device_authorizations WHERE hash = $1").bind(device.as_str());
        let Some(row) = query.fetch_optional(&self.reader).await? else { return Ok(None) };
        let grant = match optional_text(&row, "grant_id")? {
            None => None,
            Some(id) => {
                let query = sqlx::query("SELECT * FROM grants WHERE id = $1").bind(id);
                query.fetch_optional(&self.reader).await?.as_ref().map(grants::read).transpose()?
            }
        };
        let state = match (grant, optional_time(&row, "denied_at")?, optional_time(&row, "redeemed_at")?) {
            (Some(grant), None, None) => DeviceState::Approved(grant),
            (Some(grant), None, Some(_)) => DeviceState::Redeemed(grant),
            (None, Some(_), None) => DeviceState::Denied,
            (None, None, None) => DeviceState::Pending,
            _ => return Err(StoreError::Unreadable("denied_at")),
        };
        read(&row, state).map(Some)
    }

    async fn device_polled(
        &self,
        device: &DeviceHash,
        pause: SignedDuration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE device_authorizations SET polled_at = $1, pause = $2 WHERE hash = $3");
        self.writer.execute(query.bind(now.as_second()).bind(pause.as_secs()).bind(device.as_str())).await?;
        Ok(())
    }

    async fn redeem_device(
        &self,
        device: &DeviceHash,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        redeem(self.begin().await?, device, family, now).await
    }
}

async fn redeem(
    mut transaction: Transaction<'static, Any>,
    device: &DeviceHash,
    family: Option<&RefreshFamily>,
    now: Timestamp,
) -> Result<Redemption, StoreError> {
    let query = sqlx::query(REDEEM).bind(now.as_second()).bind(device.as_str());
    let redeemed = query.execute(&mut *transaction).await?.rows_affected();
    let statement = "SELECT grant_id, redeemed_at FROM device_authorizations WHERE hash = $1 AND grant_id IS NOT NULL";
    let query = sqlx::query(statement).bind(device.as_str());
    let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(Redemption::Replayed) };
    let grant_id = parsed(&row, "grant_id", |raw| GrantId::parse(raw).ok_or(()))?;
    let redemption = Redemption::of(redeemed, optional_time(&row, "redeemed_at")?);
    refresh::redeemed(&mut transaction, redemption, (&grant_id, family), now).await?;
    transaction.commit().await?;
    Ok(redemption)
}

/// What has a grant goes with it: its replay has to be known for as long.
pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM device_authorizations WHERE hash IN \
        (SELECT hash FROM device_authorizations WHERE expires_at <= $1 AND grant_id IS NULL LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}

fn read(row: &AnyRow, state: DeviceState) -> Result<DeviceAuthorization, StoreError> {
    Ok(DeviceAuthorization {
        hash: DeviceHash::from_store(text(row, "hash")?),
        user_code: UserCodeHash::from_store(text(row, "user_code_hash")?),
        client_id: parsed(row, "client_id", ClientId::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        resource: parsed(row, "resource", Resource::parse)?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        pause: SignedDuration::from_secs(row.try_get("pause")?),
        polled_at: optional_time(row, "polled_at")?,
        state,
    })
}
