//! One strict reading of JSON (RFC 8259, RFC 7515 §4): a name twice in one object, at any level, deep nesting,
//! a byte order mark, trailing bytes and broken UTF-8 are all refused.

use std::{borrow::Cow, cell::Cell, fmt, marker::PhantomData};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How many objects and arrays may stand inside each other.
pub const MAX_DEPTH: u8 = 32;

/// Why a text is not taken as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not one JSON text in UTF-8, from the first byte to the last.
    #[error("not valid JSON")]
    Syntax,
    /// An object has a name twice.
    #[error("a name stands twice in one object")]
    DuplicateName,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
}

/// Parses any JSON value.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let fault = Fault::default();
    read(text, &fault, Strict { fault: &fault, depth: MAX_DEPTH })
}

/// Parses a JSON object.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    parse_members(text)
}

/// What takes the members of the outermost object one by one, so that known names need no map.
pub(crate) trait Members: Default {
    /// Keeps a member; `false` when one of that name is there already.
    fn put(&mut self, name: Cow<'_, str>, value: Value) -> bool;
}

impl Members for Map<String, Value> {
    fn put(&mut self, name: Cow<'_, str>, value: Value) -> bool {
        self.insert(name.into_owned(), value).is_none()
    }
}

/// Parses a JSON object into `M`.
pub(crate) fn parse_members<M: Members>(text: &[u8]) -> Result<M, JsonError> {
    let fault = Fault::default();
    read(text, &fault, StrictObject { strict: Strict { fault: &fault, depth: MAX_DEPTH }, members: PhantomData })
}

/// Where a refusal deep inside leaves its reason, since the library's error carries only text.
type Fault = Cell<Option<JsonError>>;

fn read<'t, S: DeserializeSeed<'t>>(text: &'t [u8], fault: &Fault, seed: S) -> Result<S::Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = seed.deserialize(&mut reader).map_err(|error| {
        let otherwise = if error.is_data() { JsonError::NotAnObject } else { JsonError::Syntax };
        fault.get().unwrap_or(otherwise)
    })?;
    reader.end().map_err(|_| JsonError::Syntax)?;
    Ok(value)
}

/// Reads any value, `depth` levels deep at most.
#[derive(Clone, Copy)]
struct Strict<'f> {
    fault: &'f Fault,
    depth: u8,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, reason: JsonError) -> E {
        self.fault.set(Some(reason));
        E::custom(reason)
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(JsonError::TooDeep)),
        }
    }

    fn members<'t, A: MapAccess<'t>, M: Members>(self, mut map: A) -> Result<M, A::Error> {
        let inner = self.deeper()?;
        let mut members = M::default();
        while let Some(name) = map.next_key_seed(Name)? {
            if !members.put(name, map.next_value_seed(inner)?) {
                return Err(self.refuse(JsonError::DuplicateName));
            }
        }
        Ok(members)
    }
}

impl<'t> DeserializeSeed<'t> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(JsonError::Syntax))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'t>>(self, map: A) -> Result<Value, A::Error> {
        self.members(map).map(Value::Object)
    }
}

/// Reads an object and nothing else.
struct StrictObject<'f, M> {
    strict: Strict<'f>,
    members: PhantomData<M>,
}

impl<'t, M: Members> DeserializeSeed<'t> for StrictObject<'_, M> {
    type Value = M;

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<M, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'t, M: Members> Visitor<'t> for StrictObject<'_, M> {
    type Value = M;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'t>>(self, map: A) -> Result<M, A::Error> {
        self.strict.members(map)
    }
}

/// Reads a member's name, borrowed when it has no escapes.
struct Name;

impl<'t> DeserializeSeed<'t> for Name {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Name {
    type Value = Cow<'t, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'t str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
