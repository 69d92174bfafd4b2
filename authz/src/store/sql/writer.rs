//! The connections that write. SQLite has one, and it stays out of its pool between two statements: a pool looks after every
//! connection that comes back, in a task of its own, and asks the thread behind it whether it is well.

use sqlx::{Any, AnyConnection, AnyPool, Transaction, any::AnyArguments, pool::PoolConnection, query::Query};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

/// How long a request waits for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A pool, and what is kept out of it.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pool: AnyPool,
    /// Where the only connection waits for the next statement. `None` with several connections.
    home: Option<Arc<Mutex<Home>>>,
}

/// Empty while somebody has the connection, or the pool.
type Home = Option<PoolConnection<Any>>;

/// A connection that writes, for one at a time. Dropped, it goes back to its pool, which knows what to do with a broken one.
pub(super) struct Writing {
    connection: PoolConnection<Any>,
    home: Option<OwnedMutexGuard<Home>>,
}

impl Writer {
    /// With a pool of one connection.
    pub(super) fn one(pool: AnyPool) -> Self {
        Self { pool, home: Some(Arc::default()) }
    }

    /// With a pool of several.
    pub(super) const fn several(pool: AnyPool) -> Self {
        Self { pool, home: None }
    }

    pub(super) async fn acquire(&self) -> sqlx::Result<Writing> {
        let mut home = self.home().await?;
        let connection = match home.as_mut().and_then(|home| home.take()) {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(Writing { connection, home })
    }

    pub(super) async fn begin(&self, statement: &'static str) -> sqlx::Result<Transaction<'static, Any>> {
        // Held until the transaction has the connection, so that nobody takes it in between.
        let mut home = self.home().await?;
        drop(home.as_mut().and_then(|home| home.take()));
        self.pool.begin_with(statement).await
    }

    /// One statement. How many rows it wrote.
    pub(super) async fn execute(&self, query: Query<'_, Any, AnyArguments>) -> sqlx::Result<u64> {
        let mut writing = self.acquire().await?;
        let rows = query.execute(&mut *writing).await?.rows_affected();
        writing.keep();
        Ok(rows)
    }

    /// Waits until every connection is closed.
    pub(super) async fn close(&self) {
        if let Some(home) = &self.home {
            drop(home.lock().await.take());
        }
        self.pool.close().await;
    }

    async fn home(&self) -> sqlx::Result<Option<OwnedMutexGuard<Home>>> {
        let Some(home) = &self.home else { return Ok(None) };
        timeout(PATIENCE, home.clone().lock_owned()).await.map(Some).map_err(|_| sqlx::Error::PoolTimedOut)
    }
}

impl Writing {
    /// What it did went well: the next one may have it without the pool.
    pub(super) fn keep(self) {
        if let Some(mut home) = self.home {
            *home = Some(self.connection);
        }
    }
}

impl Deref for Writing {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use crate::store::SqlStore;
    use futures_util::{future::join_all, poll};
    use std::pin::pin;

    async fn store(folder: &tempfile::TempDir) -> SqlStore {
        SqlStore::open(&format!("sqlite:{}", folder.path().join("a.db").display()).parse().unwrap()).await.unwrap()
    }

    const ADD: &str = "INSERT INTO used_once VALUES ('k', hex(randomblob(8)), 1)";

    async fn rows(store: &SqlStore) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM used_once").fetch_one(&store.reader).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn statements_and_transactions_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let turns = (0..60).map(|turn| {
            let store = store.clone();
            tokio::spawn(async move {
                if turn % 3 > 0 {
                    return store.execute_for_test(ADD).await;
                }
                let mut transaction = store.begin().await.unwrap();
                sqlx::query(ADD).execute(&mut *transaction).await.unwrap();
                if turn % 2 == 0 {
                    transaction.commit().await.unwrap();
                }
            })
        });
        for turn in join_all(turns).await {
            turn.unwrap();
        }
        assert_eq!(rows(&store).await, 40 + 10);
        store.close().await;
    }

    /// Lets `work` come so far, and drops it.
    async fn hang_up(work: impl Future, polls: usize) {
        let mut work = pin!(work);
        for _ in 0..polls {
            if poll!(&mut work).is_ready() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn whoever_hangs_up_takes_nothing_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        for polls in 0..50 {
            hang_up(store.execute_for_test(ADD), polls).await;
            hang_up(store.begin(), polls).await;
        }
        store.execute_for_test(ADD).await;
        let before = rows(&store).await;
        store.begin().await.unwrap().commit().await.unwrap();
        store.execute_for_test(ADD).await;
        assert_eq!(rows(&store).await, before + 1);
    }
}
