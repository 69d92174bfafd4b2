//! Opening the database: its folder, its connections, its schema.

use super::{
    SqlStore, StoreError, codes,
    place::Place,
    recent::Recent,
    wal_index::WalIndex,
    writer::{self, Writer},
};
use serving::DatabaseUrl;
use sqlx::{
    Any, AnyConnection, Connection as _,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
    pool::PoolOptions,
};
use std::{io, path::Path, str::FromStr as _, sync::Arc};
use tokio::time::timeout;

const READERS: u32 = 4;
const POSTGRESQL_CONNECTIONS: u32 = 8;
const SQLITE_SESSION: [&str; 4] = [
    // How long a lock of another process is waited for, in milliseconds.
    if cfg!(test) { "PRAGMA busy_timeout = 100" } else { "PRAGMA busy_timeout = 3000" },
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
];

const POSTGRESQL_SESSION: [&str; 3] = [
    "SET synchronous_commit = on",
    "SET statement_timeout = '5s'",
    // A process that stops in the middle of a transaction does not keep its locks for ever.
    "SET idle_in_transaction_session_timeout = '10s'",
];

impl SqlStore {
    /// Opens the database at `url`, makes a SQLite file if it is missing, and brings the schema up to date.
    ///
    /// # Errors
    /// The folder cannot be made, the database does not open, or its schema is of another program or a later version.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        install_default_drivers();
        match url.sqlite_file() {
            Some(file) => Self::open_sqlite(file, url).await,
            None => Self::open_postgres(url).await,
        }
    }

    async fn open_sqlite(file: &Path, url: &DatabaseUrl) -> Result<Self, StoreError> {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).await.map_err(StoreError::Folder)?;
        }
        make_file(file).await.map_err(StoreError::Folder)?;
        let options = AnyConnectOptions::from_str(&url.reveal())?;
        try_out(&options, "SELECT count(*) FROM sqlite_master").await?;
        let pool = sqlite_pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        let writer = Writer::one(pool);
        let reader = sqlite_pool(READERS).connect_with(options).await?;
        // The write lock at once: a transaction that reads first could not get it later without failing.
        let recent = Arc::new(Recent::new(WalIndex::of(file)));
        let (begin, add_sealed) = ("BEGIN IMMEDIATE", codes::ADD_SEALED_ON_SQLITE);
        Ok(Self { reader, writer, begin, add_sealed, place: Some(Place::new(file)), recent })
    }

    async fn open_postgres(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let options = AnyConnectOptions::from_str(&url.reveal())?;
        try_out(&options, "SELECT 1").await?;
        let pool = pool(POSTGRESQL_CONNECTIONS, &POSTGRESQL_SESSION).after_release(|connection, _| {
            // What nobody waits for any more may be the answer of a network that went silent: the pool would keep the
            // place of such a connection until the operating system gives it up.
            Box::pin(async move {
                timeout(writer::PATIENCE, connection.ping()).await.map_err(io::Error::from)?.map(|()| true)
            })
        });
        let pool = pool.connect_with(options).await?;
        sqlx::migrate!("migrations/postgres").run(&pool).await?;
        let recent = Arc::new(Recent::new(WalIndex::none()));
        let (begin, add_sealed) = ("BEGIN", codes::ADD_SEALED_ON_POSTGRESQL);
        Ok(Self { reader: pool.clone(), writer: Writer::several(pool), begin, add_sealed, place: None, recent })
    }

    /// Waits until every connection is closed.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Every connection begins with the statements of `session`.
fn pool(connections: u32, session: &'static [&'static str]) -> PoolOptions<Any> {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(writer::PATIENCE).after_connect(
        move |connection, _| {
            Box::pin(async move {
                for statement in session {
                    sqlx::query(*statement).execute(&mut *connection).await?;
                }
                Ok(())
            })
        },
    )
}

/// A connection inside of this process does not break off.
fn sqlite_pool(connections: u32) -> PoolOptions<Any> {
    let options = pool(connections, &SQLITE_SESSION).idle_timeout(None).max_lifetime(None);
    options.test_before_acquire(false)
}

/// Nobody else of this machine has a business in a new folder: the database holds sessions and password hashes.
async fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(folder).await
}

/// The same for a new file; what SQLite puts beside it gets the mode of the file.
async fn make_file(file: &Path) -> io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    match options.open(file).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Says at once why a database cannot be used: a pool would try again until its time is over, and then say only that.
async fn try_out(options: &AnyConnectOptions, statement: &'static str) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect_with(options).await?;
    sqlx::query(statement).execute(&mut connection).await?;
    connection.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(file: &Path) -> DatabaseUrl {
        format!("sqlite:{}", file.display()).parse().unwrap()
    }

    #[tokio::test]
    async fn makes_the_folder_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let url = sqlite(&folder.path().join("new/100% sure/authz.db"));
        for _ in 0..2 {
            SqlStore::open(&url).await.unwrap().close().await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_of_this_machine_can_read_a_new_database() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open(&sqlite(&folder.path().join("a.db"))).await.unwrap();
        store.execute_for_test("DELETE FROM clients").await;
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
        }
        store.close().await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        std::fs::write(&file, "these are not the tables you are looking for ".repeat(100)).unwrap();
        let error = SqlStore::open(&sqlite(&file)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Database(cause) if cause.to_string().contains("not a database")),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn every_commit_reaches_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open(&sqlite(&folder.path().join("a.db"))).await.unwrap();
        let mut connection = store.writer.acquire().await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    }
}
