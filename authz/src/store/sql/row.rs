//! Columns to domain values. What cannot be read back is an error that names the column.

use super::StoreError;
use crate::{domain::Origin, protocol::UnknownWord};
use jiff::Timestamp;
use sqlx::{Row as _, any::AnyRow};

pub(super) fn text(row: &AnyRow, column: &'static str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

pub(super) fn optional_text(row: &AnyRow, column: &'static str) -> Result<Option<String>, StoreError> {
    Ok(row.try_get(column)?)
}

pub(super) fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    optional_time(row, column)?.ok_or(StoreError::Unreadable(column))
}

pub(super) fn optional_time(row: &AnyRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let seconds: Option<i64> = row.try_get(column)?;
    seconds.map(Timestamp::from_second).transpose().map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn flag(row: &AnyRow, column: &'static str) -> Result<bool, StoreError> {
    let number: i64 = row.try_get(column)?;
    Ok(number != 0)
}

pub(super) fn parsed<T, E>(
    row: &AnyRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, StoreError> {
    parse(&text(row, column)?).map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn optional<T, E>(
    row: &AnyRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, StoreError> {
    optional_text(row, column)?.as_deref().map(parse).transpose().map_err(|_| StoreError::Unreadable(column))
}

/// A list in one column, separated by a space: none of our lists has values with spaces.
pub(super) fn list<T, E>(
    row: &AnyRow,
    column: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, StoreError> {
    let stored = text(row, column)?;
    stored
        .split(' ')
        .filter(|part| !part.is_empty())
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

pub(super) const fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Demo => "demo",
        Origin::Operator => "operator",
        Origin::Configuration => "configuration",
        Origin::SelfRegistered => "self",
        Origin::MetadataDocument => "document",
    }
}

pub(super) fn read_origin(word: &str) -> Result<Origin, UnknownWord> {
    match word {
        "demo" => Ok(Origin::Demo),
        "operator" => Ok(Origin::Operator),
        "configuration" => Ok(Origin::Configuration),
        "self" => Ok(Origin::SelfRegistered),
        "document" => Ok(Origin::MetadataDocument),
        _ => Err(UnknownWord),
    }
}
