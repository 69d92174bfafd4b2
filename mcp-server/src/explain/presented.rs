//! What a token says, read as far as it can be read: to be shown, never to be believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use verification_keys::Claims;
use verification_keys::claims::ClaimsError;

/// The longest value that is shown, in characters.
const LONGEST: usize = 300;

/// The parts of a presented token.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) bytes: usize,
    segments: usize,
    header: Value,
    payload: Value,
    /// Why the claims cannot be taken, if there are any.
    pub(super) claims: Option<Result<Claims, ClaimsError>>,
}

impl Presented {
    pub(super) fn read(token: &str) -> Self {
        let segments: Vec<&str> = token.split('.').collect();
        let decoded = |index: usize| segments.get(index).and_then(|segment| URL_SAFE_NO_PAD.decode(segment).ok());
        let is_jwt = segments.len() == 3;
        let payload = decoded(1).filter(|_| is_jwt);
        let json = |bytes: Option<&[u8]>| bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
        Self {
            bytes: token.len(),
            segments: segments.len(),
            header: json(decoded(0).filter(|_| is_jwt).as_deref()).unwrap_or_default(),
            payload: json(payload.as_deref()).unwrap_or_default(),
            claims: payload.map(|payload| Claims::parse(&payload)),
        }
    }

    pub(super) const fn is_opaque(&self) -> bool {
        self.segments != 3
    }

    pub(super) fn shape(&self) -> String {
        match self.segments {
            1 => "one segment: an opaque token".to_owned(),
            5 => "5 segments: an encrypted JWT (JWE)".to_owned(),
            3 if !self.header.is_object() => "3 segments, but the header is no JSON object".to_owned(),
            3 if self.claims.is_none() => "3 segments, but the payload is not base64url".to_owned(),
            count => format!("{count} segments"),
        }
    }

    /// A header parameter as it stands there.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.header.get(name).map(shown)
    }

    /// A claim as it stands there.
    pub(super) fn claim(&self, name: &str) -> Option<String> {
        self.payload.get(name).map(shown)
    }

    /// A claim that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.payload.get(name)?.as_str()
    }

    /// The `kid`, if it is a string.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    fn seconds(&self, name: &str) -> Option<i64> {
        self.payload.get(name)?.as_i64()
    }

    /// `exp`, `nbf` and `iat` as times.
    pub(super) fn times(&self) -> Option<String> {
        let told = ["iat", "nbf", "exp"].into_iter().filter_map(|name| {
            let time = self.seconds(name).and_then(|seconds| Timestamp::from_second(seconds).ok());
            Some(format!("{name} {}", time.map_or_else(|| self.claim(name), |time| Some(time.to_string()))?))
        });
        Some(told.collect::<Vec<_>>().join(", ")).filter(|told| !told.is_empty())
    }

    pub(super) fn lifetime(&self) -> Option<String> {
        let lifetime = self.seconds("exp")?.checked_sub(self.seconds("iat")?)?;
        Some(format!("{lifetime} s"))
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let mut short: String = text.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
