//! Opening the database: its folder, its connections, its schema. SQLite: WAL, every commit reaches the disk,
//! and one connection writes, so that writers queue instead of failing.

use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serving::DatabaseUrl;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolOptions;
use sqlx::{Any, AnyPool, Connection as _};
use tokio::time::timeout;

use super::StorageError;

const READERS: u32 = 4;
const POSTGRESQL_CONNECTIONS: u32 = 8;
/// Less than what a call waits in all.
const ACQUIRE: Duration = Duration::from_secs(4);
/// How long SQLite waits for the lock of another process.
const BUSY: &str = if cfg!(test) { "PRAGMA busy_timeout = 10" } else { "PRAGMA busy_timeout = 3000" };

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) reader: AnyPool,
    pub(super) writer: AnyPool,
}

impl Database {
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self, StorageError> {
        install_default_drivers();
        let options = AnyConnectOptions::from_str(&url.reveal())?;
        let database = if let Some(file) = url.sqlite_file() {
            make(file).await.map_err(StorageError::Folder)?;
            let writer = sqlite_pool(1).connect_with(options.clone()).await?;
            Self { reader: sqlite_pool(READERS).connect_lazy_with(options), writer }
        } else {
            let pool = postgres_pool().connect_with(options).await?;
            Self { reader: pool.clone(), writer: pool }
        };
        sqlx::migrate!("./migrations").run(&database.writer).await?;
        Ok(database)
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> PoolOptions<Any> {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE)
}

/// What nobody waits for any more may be the answer of a network that went silent: without a look at it, the pool would
/// keep the place of such a connection until the operating system gives it up.
fn postgres_pool() -> PoolOptions<Any> {
    pool(POSTGRESQL_CONNECTIONS).after_release(|connection, _| {
        Box::pin(async move { timeout(ACQUIRE, connection.ping()).await.map_err(io::Error::from)?.map(|()| true) })
    })
}

fn sqlite_pool(connections: u32) -> PoolOptions<Any> {
    let pragmas = [BUSY, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"];
    pool(connections).idle_timeout(None).max_lifetime(None).after_connect(move |connection, _| {
        Box::pin(async move {
            for pragma in pragmas {
                sqlx::query(pragma).execute(&mut *connection).await?;
            }
            Ok(())
        })
    })
}

/// Nobody else of this machine has a business in a new folder or file: it holds what people noted.
async fn make(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        builder.mode(0o700);
        builder.recursive(true).create(folder).await?;
    }
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    match options.open(file).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
