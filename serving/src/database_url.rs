//! Where a process keeps its state: a SQLite file or a PostgreSQL database. The password is for the driver alone.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};
use url::Url;

/// `sqlite:` and a file name, or the URL of a PostgreSQL database. Shown without the password.
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

impl DatabaseUrl {
    /// The file, if it is a SQLite database.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Sqlite(file) => Some(file),
            Kind::Postgres(_) => None,
        }
    }

    /// The URL for sqlx, with the password: never to be shown. A SQLite file has to be there.
    #[must_use]
    pub fn reveal(&self) -> String {
        match &self.0 {
            Kind::Sqlite(file) => format!("sqlite:{}?mode=rw", file.to_string_lossy().replace('%', "%25")),
            Kind::Postgres(url) => url.as_str().to_owned(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_a_server_is_a_database() {
        for url in ["sqlite:data/a.db", "sqlite:///srv/a.db", "postgres://a@b/c", "postgresql://b/c"] {
            assert!(url.parse::<DatabaseUrl>().is_ok(), "{url}");
        }
        for url in ["sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::NoFile), "{url}");
        }
        for url in ["", "a.db", "mysql://a/b", "https://a/b"] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Unknown), "{url}");
        }
    }

    #[test]
    fn the_driver_gets_the_file_as_it_is_named() {
        let url: DatabaseUrl = "sqlite:///srv/100% sure.db".parse().unwrap();
        assert_eq!(url.sqlite_file(), Some(Path::new("/srv/100% sure.db")));
        assert_eq!(url.reveal(), "sqlite:/srv/100%25 sure.db?mode=rw");
    }

    #[test]
    fn the_password_is_for_the_driver_alone() {
        for raw in ["postgres://me:hush@db.example/notes", "postgres://db.example/notes?password=hush"] {
            let url: DatabaseUrl = raw.parse().unwrap();
            assert_eq!(url.reveal(), raw);
            assert!(!format!("{url} {url:?}").contains("hush"), "{url}");
        }
    }
}
