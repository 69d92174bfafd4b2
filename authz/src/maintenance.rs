//! What has to be done now and then: look at the key folder and the list of resources, sweep rows and rate limits whose
//! time is over.

use crate::{
    services::Services,
    store::{StoreError, in_time},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

const KEY_INTERVAL: Duration = Duration::from_secs(10);
/// One sweep for so many looks at the keys.
const TICKS_PER_SWEEP: u32 = 6;
const ROWS_PER_STEP: u32 = 500;
/// More rows a minute than requests can add, each of which waits for the disk: nobody makes the tables grow for ever.
const STEPS_PER_SWEEP: u32 = 2000;

/// Runs for as long as the process does.
pub async fn run(services: Arc<Services>) {
    let mut ticks = interval(KEY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in (0..TICKS_PER_SWEEP).cycle() {
        ticks.tick().await;
        maintain_keys(&services).await;
        if let Err(error) = in_time(services.resources.reload(services.store.as_ref())).await {
            tracing::error!(?error, "the list of resources could not be read; the one at hand stays in use");
        }
        if let Some(limits) = &services.operations.rate_limits {
            limits.sweep();
        }
        if tick == 0
            && let Err(error) = sweep(&services).await
        {
            tracing::error!(?error, "sweeping failed");
        }
    }
}

/// Reading a folder and making a key take their time: not on a thread that answers requests.
async fn maintain_keys(services: &Arc<Services>) {
    let services = services.clone();
    let maintain = move || services.keys.maintain(services.now());
    match tokio::task::spawn_blocking(maintain).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(?error, "the key folder could not be maintained; the keys at hand stay in use");
        }
        Err(error) => tracing::error!(?error, "maintaining the keys ended early"),
    }
}

/// Removes rows whose time is over, in small steps that let requests through in between.
///
/// # Errors
/// The store failed.
pub async fn sweep(services: &Services) -> Result<u64, StoreError> {
    let mut total = 0;
    for _ in 0..STEPS_PER_SWEEP {
        let (store, now) = (&services.store, services.now());
        let unused_since = now - services.settings.unused_client_lifetime;
        let removed = in_time(store.sweep(now, ROWS_PER_STEP)).await?
            + in_time(store.sweep_clients(unused_since, ROWS_PER_STEP)).await?;
        total += removed;
        if removed < u64::from(ROWS_PER_STEP) {
            break;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::ClientId,
        routes,
        testing::{AUTHORIZATION_REQUEST, CLIENT, REDIRECT_URI, Server, request_with},
    };

    #[tokio::test]
    async fn a_sweep_takes_everything_whose_time_is_over() {
        let server = Server::start().await;
        server.pending(&AUTHORIZATION_REQUEST).await;
        assert_eq!(sweep(&server.services).await.unwrap(), 0);
        server.clock.advance(Duration::from_hours(13));
        assert_eq!(sweep(&server.services).await.unwrap(), 1, "the session, and its request with it");
    }

    #[tokio::test]
    async fn a_client_that_registered_itself_and_is_not_used_expires_and_one_in_use_stays() {
        let server = Server::start().await;
        let metadata = serde_json::json!({
            "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let register = async || {
            let answer = server.post_json(routes::REGISTER, &metadata).await.json();
            ClientId::parse(answer["client_id"].as_str().unwrap()).unwrap()
        };
        let (unused, used) = (register().await, register().await);
        server.clock.advance(Duration::from_hours(60 * 24));
        server.code(&request_with(&[("client_id", used.as_str())])).await;
        let kept = async |id: &ClientId| {
            sweep(&server.services).await.unwrap();
            server.services.store.client(id).await.unwrap().is_some()
        };
        assert!(kept(&unused).await && kept(&used).await, "the time is not over");
        server.clock.advance(Duration::from_hours(31 * 24));
        assert!(!kept(&unused).await && kept(&used).await, "90 days since registration, 31 since the last use");
        server.clock.advance(Duration::from_hours(60 * 24));
        assert!(!kept(&used).await);
        assert!(kept(&ClientId::parse(CLIENT).unwrap()).await, "only those that registered themselves");
    }

    #[tokio::test]
    async fn one_sweep_is_enough_for_a_flood_of_sessions() {
        let server = Server::start().await;
        let flood = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 30000) \
            INSERT INTO sessions (hash, expires_at) SELECT 'x' || n, 1 FROM numbers";
        server.change_database(flood).await;
        assert_eq!(sweep(&server.services).await.unwrap(), 30_000);
    }
}
