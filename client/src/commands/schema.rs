//! What an input schema says about single arguments: the types and the values it allows. A part that is not understood
//! allows everything, because the server checks again.

use rmcp::model::JsonObject;
use serde_json::Value;
use std::fmt;

/// Deepest chain of references and alternatives followed; a schema may turn in circles.
const MAX_DEPTH: usize = 8;

/// The input schema of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    root: &'a JsonObject,
}

/// What one argument may be; empty lists allow everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    kinds: Vec<Kind>,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    Array,
    Object,
    String,
}

impl<'a> Schema<'a> {
    /// Of a tool, or the part of one.
    #[must_use]
    pub const fn new(root: &'a JsonObject) -> Self {
        Self { root }
    }

    /// The names of all arguments, in the schema's order.
    pub fn names(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.properties().into_iter().flat_map(JsonObject::keys).map(String::as_str)
    }

    /// The names of those that must be given.
    pub fn required(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.root.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// What `name` may be; `None` when there is no such argument.
    #[must_use]
    pub fn property(self, name: &str) -> Option<Expected> {
        let schema = match self.properties().and_then(|properties| properties.get(name)) {
            Some(schema) => schema,
            None => match self.root.get("additionalProperties") {
                None if self.properties().is_none() => return Some(Expected::default()),
                None | Some(Value::Bool(false)) => return None,
                Some(schema) => schema,
            },
        };
        Some(self.expected(schema, MAX_DEPTH))
    }

    fn properties(self) -> Option<&'a JsonObject> {
        self.root.get("properties").and_then(Value::as_object)
    }

    fn expected(self, schema: &Value, depth: usize) -> Expected {
        let Some(depth) = depth.checked_sub(1) else { return Expected::default() };
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return self.resolve(target).map(|target| self.expected(target, depth)).unwrap_or_default();
        }
        if let Some(constant) = schema.get("const") {
            return Expected { kinds: Vec::new(), values: vec![constant.clone()] };
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Expected { kinds: Vec::new(), values: values.clone() };
        }
        let alternatives = ["anyOf", "oneOf"].iter().find_map(|word| schema.get(*word)?.as_array());
        match (schema.get("type"), alternatives) {
            (Some(Value::String(kind)), _) => Expected::of(Kind::parse(kind)),
            (Some(Value::Array(kinds)), _) => Expected::of(kinds.iter().filter_map(|kind| Kind::parse(kind.as_str()?))),
            (_, Some(alternatives)) => self.any_of(alternatives, depth),
            _ => Expected::default(),
        }
    }

    fn any_of(self, alternatives: &[Value], depth: usize) -> Expected {
        let mut all = Expected::default();
        for alternative in alternatives {
            let one = self.expected(alternative, depth);
            if one == Expected::default() {
                return one;
            }
            all.kinds.extend(one.kinds);
            all.values.extend(one.values);
        }
        all
    }

    fn resolve(self, target: &str) -> Option<&'a Value> {
        let mut path = target.strip_prefix("#/")?.split('/');
        let first = self.root.get(path.next()?)?;
        path.try_fold(first, |value, step| value.get(step))
    }
}

impl Expected {
    fn of(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self { kinds: kinds.into_iter().collect(), values: Vec::new() }
    }

    /// The value that `given` stands for, if it is one of those allowed; text is what is left when nothing else fits.
    #[must_use]
    pub fn read(&self, given: &str) -> Option<Value> {
        let json: Option<Value> = serde_json::from_str(given).ok();
        let text = Value::String(given.to_owned());
        if self.kinds.is_empty() && self.values.is_empty() {
            return Some(json.unwrap_or(text));
        }
        if let Some(value) = self.values.iter().find(|value| **value == text || Some(*value) == json.as_ref()) {
            return Some(value.clone());
        }
        let fits = |value: &Value| self.kinds.iter().any(|kind| *kind != Kind::String && kind.holds(value));
        json.filter(fits).or_else(|| self.kinds.contains(&Kind::String).then_some(text))
    }

    /// The values to offer when there are only some.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        match self.kinds.as_slice() {
            [Kind::Boolean] => vec!["true".to_owned(), "false".to_owned()],
            _ => self.values.iter().map(shown).collect(),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds.iter().map(|kind| kind.words().to_owned());
        let all: Vec<String> = kinds.chain(self.values.iter().map(ToString::to_string)).collect();
        f.write_str(&if all.is_empty() { "a value".to_owned() } else { all.join(" or ") })
    }
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "array" => Self::Array,
            "object" => Self::Object,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Array => "a JSON array",
            Self::Object => "a JSON object",
            Self::String => "text",
        }
    }
}
