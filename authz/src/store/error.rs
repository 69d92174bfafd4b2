//! Why the store could not do what was asked.

/// The database failed, or holds what this program did not write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what was asked.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database file or its folder could not be made.
    #[error("the database file could not be made")]
    Folder(#[source] std::io::Error),
    /// The database file was removed or replaced.
    #[error("the database file was removed or replaced")]
    Gone,
    /// The database said nothing for [`super::PATIENCE`].
    #[error("the database does not answer")]
    Silent,
    /// A column holds what cannot be read back.
    #[error("the column {0} holds an unreadable value")]
    Unreadable(&'static str),
}
