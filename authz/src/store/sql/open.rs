//! Opening the database: its folder, its connections, its schema.

use super::{SqlStore, StoreError};
use sqlx::{
    Any, AnyConnection, Connection as _,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
    pool::PoolOptions,
};
use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

const READERS: u32 = 4;

impl SqlStore {
    /// Opens the database at `url` (`sqlite:` and a file name), makes it if it is missing, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// The URL is of another kind, the folder cannot be made, or the database does not open.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        install_default_drivers();
        let file = sqlite_file(url).ok_or(StoreError::UnknownDatabase)?;
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).await.map_err(StoreError::Folder)?;
        }
        make_file(&file).await.map_err(StoreError::Folder)?;
        let options = AnyConnectOptions::from_str(&format!("sqlite:{}?mode=rwc", encode(&file)))?;
        try_out(&options).await?;
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        let reader = pool(READERS).connect_with(options).await?;
        Ok(Self { reader, writer })
    }

    /// Waits until every connection is closed.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> PoolOptions<Any> {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                for pragma in [
                    "PRAGMA busy_timeout = 5000",
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = FULL",
                    "PRAGMA foreign_keys = ON",
                ] {
                    sqlx::query(pragma).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
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

/// Says at once why a file is no database: a pool would try again until its time is over, and then say only that.
async fn try_out(options: &AnyConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = AnyConnection::connect_with(options).await?;
    sqlx::query("SELECT count(*) FROM sqlite_master").execute(&mut connection).await?;
    connection.close().await
}

/// The file of a SQLite URL. Databases in memory are refused: they would forget everything.
fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let name = rest.strip_prefix("//").unwrap_or(rest);
    let file = !name.is_empty() && !name.contains([':', '?', '#']);
    file.then(|| PathBuf::from(name))
}

fn encode(file: &Path) -> String {
    file.to_string_lossy().replace('%', "%25")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn makes_the_folder_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("new/100% sure/authz.db").display());
        for _ in 0..2 {
            SqlStore::open(&url).await.unwrap().close().await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_of_this_machine_can_read_a_new_database() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open(&format!("sqlite:{}", folder.path().join("a.db").display())).await.unwrap();
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
        let error = SqlStore::open(&format!("sqlite:{}", file.display())).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Database(cause) if cause.to_string().contains("not a database")),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn every_commit_reaches_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open(&format!("sqlite:{}", folder.path().join("a.db").display())).await.unwrap();
        let mut connection = store.writer.acquire().await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    }

    #[test]
    fn only_files_are_databases() {
        assert_eq!(sqlite_file("sqlite:data/authz.db"), Some("data/authz.db".into()));
        assert_eq!(sqlite_file("sqlite:///srv/authz.db"), Some("/srv/authz.db".into()));
        for refused in ["sqlite:", "sqlite::memory:", "postgres://x", "data/authz.db", "sqlite:a.db?mode=ro"] {
            assert_eq!(sqlite_file(refused), None, "{refused}");
        }
    }
}
