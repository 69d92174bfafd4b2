//! Opening the database: its folder, its connections, its schema. SQLite: WAL, every commit reaches the disk,
//! and one connection writes, so that writers queue instead of failing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolOptions;
use sqlx::{Any, AnyPool};
use url::Url;

use super::StorageError;

const READERS: u32 = 4;
const POSTGRESQL_CONNECTIONS: u32 = 8;
/// Less than what a call waits in all.
const ACQUIRE: Duration = Duration::from_secs(4);
/// How long SQLite waits for the lock of another process.
const BUSY: &str = if cfg!(test) { "PRAGMA busy_timeout = 10" } else { "PRAGMA busy_timeout = 3000" };

/// Where things are kept: `sqlite:` and a file name, or the URL of a PostgreSQL database.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Sqlite(PathBuf),
    Postgres(Url),
}

/// What is no URL of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither kind.
    #[error("neither sqlite: with a file name, nor postgres://")]
    Unknown,
    /// A SQLite database in memory, or one with options.
    #[error("not a file name: databases in memory forget everything, and there are no options")]
    NoFile,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(raw: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(rest) = raw.strip_prefix("sqlite:") {
            let name = rest.strip_prefix("//").unwrap_or(rest);
            let file = !name.is_empty() && !name.contains([':', '?', '#']);
            return if file { Ok(Self(Kind::Sqlite(name.into()))) } else { Err(InvalidDatabaseUrl::NoFile) };
        }
        let url = Url::parse(raw).map_err(|_| InvalidDatabaseUrl::Unknown)?;
        let postgres = matches!(url.scheme(), "postgres" | "postgresql");
        postgres.then_some(Self(Kind::Postgres(url))).ok_or(InvalidDatabaseUrl::Unknown)
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Kind::Postgres(url) => {
                let mut shown = url.clone();
                // A password can be in the query as well; what else is there is not worth the risk.
                shown.set_query(url.query().map(|_| "***"));
                if url.password().is_some() {
                    // Fails only for URLs without a host, which have no password.
                    shown.set_password(Some("***")).ok();
                }
                write!(f, "{shown}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) reader: AnyPool,
    pub(super) writer: AnyPool,
}

impl Database {
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self, StorageError> {
        install_default_drivers();
        let database = match &url.0 {
            Kind::Sqlite(file) => Self::open_sqlite(file).await?,
            Kind::Postgres(url) => {
                let options = AnyConnectOptions::from_str(url.as_str())?;
                let pool = pool(POSTGRESQL_CONNECTIONS).connect_with(options).await?;
                Self { reader: pool.clone(), writer: pool }
            }
        };
        sqlx::migrate!("./migrations").run(&database.writer).await?;
        Ok(database)
    }

    async fn open_sqlite(file: &Path) -> Result<Self, StorageError> {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).await.map_err(StorageError::Folder)?;
        }
        let name = file.to_string_lossy().replace('%', "%25");
        let options = AnyConnectOptions::from_str(&format!("sqlite:{name}?mode=rwc"))?;
        let writer = sqlite_pool(1).connect_with(options.clone()).await?;
        Ok(Self { reader: sqlite_pool(READERS).connect_lazy_with(options), writer })
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> PoolOptions<Any> {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE)
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

/// Nobody else of this machine has a business in a new folder: it holds what people noted.
async fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(folder).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_a_server_is_a_database() {
        for url in ["sqlite:data/notes.db", "sqlite:///srv/notes.db", "postgres://a@b/c", "postgresql://b/c"] {
            assert!(url.parse::<DatabaseUrl>().is_ok(), "{url}");
        }
        for url in ["sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::NoFile), "{url}");
        }
        for url in ["", "notes.db", "mysql://a/b", "https://a/b"] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Unknown), "{url}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        for url in ["postgres://me:hush@db.example/notes", "postgres://db.example/notes?password=hush"] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert!(!format!("{url} {url:?}").contains("hush"), "{url}");
        }
    }
}
