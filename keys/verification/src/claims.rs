//! The claims of a JWT, strictly typed (RFC 7519 §4.1, RFC 9068 §2.2). What is missing is `None` and for the verifier
//! to judge; what has the wrong type is an error. Times are integers: no fractions, no strings.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::json::{self, JsonError, Members};

/// The claims of one token.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// `iss`
    pub issuer: Option<String>,
    /// `sub`
    pub subject: Option<String>,
    /// `aud`
    pub audience: Audience,
    /// `exp`
    pub expires_at: Option<Timestamp>,
    /// `nbf`
    pub not_before: Option<Timestamp>,
    /// `iat`
    pub issued_at: Option<Timestamp>,
    /// `jti`
    pub token_id: Option<String>,
    /// `client_id`
    pub client_id: Option<String>,
    /// `scope`, as it was written: scope tokens between spaces.
    pub scope: Option<String>,
    /// Every other claim, by its name; also a `scope` that is a list, which some issuers write.
    pub extra: Map<String, Value>,
}

/// Whom a token is for (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// There is no `aud`.
    #[default]
    Missing,
    /// A single string.
    One(String),
    /// A list of strings; it may be empty.
    Many(Vec<String>),
}

impl Audience {
    /// Every audience named, in order; empty strings too.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Missing => &[][..],
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
        .iter()
        .map(String::as_str)
    }
}

/// Why a payload is not taken as claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Not one strict JSON object.
    #[error("the payload is {0}")]
    Json(#[from] JsonError),
    /// The claim of this name has a type it must not have.
    #[error("the claim {0} has the wrong type")]
    WrongType(&'static str),
    /// The claim of this name is an integer that no date belongs to.
    #[error("the claim {0} is out of range")]
    OutOfRange(&'static str),
}

impl Claims {
    /// Parses a decoded payload.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(payload: &[u8]) -> Result<Self, ClaimsError> {
        json::parse_members::<Raw>(payload)?.typed()
    }
}

/// The claims as read, before their types are judged.
#[derive(Default)]
struct Raw {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
    client_id: Option<Value>,
    scope: Option<Value>,
    extra: Map<String, Value>,
}

impl Members for Raw {
    fn put(&mut self, name: Cow<'_, str>, value: Value) -> bool {
        let slot = match &*name {
            "iss" => &mut self.iss,
            "sub" => &mut self.sub,
            "aud" => &mut self.aud,
            "exp" => &mut self.exp,
            "nbf" => &mut self.nbf,
            "iat" => &mut self.iat,
            "jti" => &mut self.jti,
            "client_id" => &mut self.client_id,
            "scope" => &mut self.scope,
            _ => return self.extra.put(name, value),
        };
        slot.replace(value).is_none()
    }
}

impl Raw {
    fn typed(mut self) -> Result<Claims, ClaimsError> {
        if let Some(list @ Value::Array(_)) = self.scope {
            self.extra.insert("scope".to_owned(), list);
            self.scope = None;
        }
        Ok(Claims {
            issuer: text("iss", self.iss)?,
            subject: text("sub", self.sub)?,
            audience: audience(self.aud)?,
            expires_at: time("exp", self.exp)?,
            not_before: time("nbf", self.nbf)?,
            issued_at: time("iat", self.iat)?,
            token_id: text("jti", self.jti)?,
            client_id: text("client_id", self.client_id)?,
            scope: text("scope", self.scope)?,
            extra: self.extra,
        })
    }
}

fn text(name: &'static str, value: Option<Value>) -> Result<Option<String>, ClaimsError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ClaimsError::WrongType(name)),
    }
}

fn audience(value: Option<Value>) -> Result<Audience, ClaimsError> {
    const WRONG: ClaimsError = ClaimsError::WrongType("aud");
    match value {
        None => Ok(Audience::Missing),
        Some(Value::String(name)) => Ok(Audience::One(name)),
        Some(Value::Array(names)) => names
            .into_iter()
            .map(|name| if let Value::String(name) = name { Ok(name) } else { Err(WRONG) })
            .collect::<Result<_, _>>()
            .map(Audience::Many),
        Some(_) => Err(WRONG),
    }
}

fn time(name: &'static str, value: Option<Value>) -> Result<Option<Timestamp>, ClaimsError> {
    match value {
        None => Ok(None),
        Some(Value::Number(number)) if number.is_f64() => Err(ClaimsError::WrongType(name)),
        Some(Value::Number(number)) => number
            .as_i64()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(Some)
            .ok_or(ClaimsError::OutOfRange(name)),
        Some(_) => Err(ClaimsError::WrongType(name)),
    }
}

#[cfg(test)]
mod tests;
