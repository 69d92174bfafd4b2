//! The arguments of a call as a person types them: one JSON object, or `key=value` words that get their types from the
//! tool's input schema (JSON Schema 2020-12, as far as it says what a value is).

use rmcp::model::JsonObject;
use serde_json::Value;

use super::schema::{Expected, Schema};

/// What was typed.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// Nothing.
    None,
    /// An object, sent as it is.
    Object(JsonObject),
    /// Words, in order; each key once.
    Words(Vec<(String, String)>),
}

/// Why words are no arguments: a sentence for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArguments {
    /// Starts like an object, and is none.
    #[error("the arguments are not a JSON object ({0}), as in {{\"timezone\":\"Asia/Tokyo\"}}")]
    Json(String),
    /// Neither an object nor `key=value`.
    #[error("{0:?} is neither a JSON object nor key=value, as in timezone=Asia/Tokyo")]
    Word(String),
    /// The same key again.
    #[error("the argument {0} is given twice")]
    Twice(String),
    /// Not in the schema.
    #[error("{owner} has no argument {name}; {known}")]
    Unknown {
        /// The tool or prompt.
        owner: String,
        /// The key.
        name: String,
        /// What there is.
        known: String,
    },
    /// Required, and not given.
    #[error("{owner} needs the argument {name} ({expected}), as in {name}=…")]
    Missing {
        /// The tool or prompt.
        owner: String,
        /// The key.
        name: String,
        /// What the schema says about it.
        expected: String,
    },
    /// Of another type.
    #[error("the argument {name} of {owner} must be {expected}, but {given:?} is not")]
    Type {
        /// The tool or prompt.
        owner: String,
        /// The key.
        name: String,
        /// What the schema says about it.
        expected: String,
        /// What was typed.
        given: String,
    },
}

impl Arguments {
    /// Reads the words; nothing is typed yet.
    ///
    /// # Errors
    /// The first word that is wrong.
    pub fn parse(words: &[String]) -> Result<Self, InvalidArguments> {
        match words {
            [] => Ok(Self::None),
            [word] if word.trim().is_empty() => Ok(Self::None),
            [word] if is_json(word) => {
                let object = serde_json::from_str(word.trim());
                object.map(Self::Object).map_err(|error| InvalidArguments::Json(error.to_string()))
            }
            words => pairs(words).map(Self::Words),
        }
    }

    /// The object to send to `owner`, whose input schema is `schema`.
    ///
    /// # Errors
    /// The first argument that the schema does not have, or has as another type; then the first that is missing.
    pub fn typed(self, owner: &str, schema: &JsonObject) -> Result<Option<JsonObject>, InvalidArguments> {
        let words = match self {
            Self::None => Vec::new(),
            Self::Object(object) => return Ok(Some(object)),
            Self::Words(words) => words,
        };
        let schema = Schema::new(schema);
        let mut typed = JsonObject::new();
        for (name, given) in words {
            let expected = schema.property(&name).ok_or_else(|| unknown(owner, &name, schema))?;
            typed.insert(name.clone(), value(owner, name, given, &expected)?);
        }
        if let Some(name) = schema.required().find(|name| !typed.contains_key(*name)) {
            let expected = schema.property(name).map_or_else(|| "a value".to_owned(), |expected| expected.to_string());
            return Err(InvalidArguments::Missing { owner: owner.to_owned(), name: name.to_owned(), expected });
        }
        Ok((!typed.is_empty()).then_some(typed))
    }
}

/// Whether a word is meant as JSON: an object, or another value that no `key=value` begins with.
fn is_json(word: &str) -> bool {
    word.trim_start().starts_with(['{', '[', '"']) || !word.contains('=')
}

fn pairs(words: &[String]) -> Result<Vec<(String, String)>, InvalidArguments> {
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(words.len());
    for word in words {
        let pair = word.split_once('=').filter(|(key, _)| !key.is_empty() && !key.contains(['{', '"']));
        let (key, value) = pair.ok_or_else(|| InvalidArguments::Word(word.clone()))?;
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(InvalidArguments::Twice(key.to_owned()));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

fn value(owner: &str, name: String, given: String, expected: &Expected) -> Result<Value, InvalidArguments> {
    expected.read(&given).ok_or_else(|| InvalidArguments::Type {
        owner: owner.to_owned(),
        name,
        expected: expected.to_string(),
        given,
    })
}

fn unknown(owner: &str, name: &str, schema: Schema<'_>) -> InvalidArguments {
    let known: Vec<&str> = schema.names().collect();
    let known = if known.is_empty() { "it takes none".to_owned() } else { format!("it has {}", known.join(", ")) };
    InvalidArguments::Unknown { owner: owner.to_owned(), name: name.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(words: &[&str]) -> Result<Arguments, InvalidArguments> {
        Arguments::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn typed(words: &[&str], schema: &Value) -> Result<Value, InvalidArguments> {
        let typed = parse(words)?.typed("the tool t", schema.as_object().unwrap())?;
        Ok(typed.map_or(Value::Null, Value::Object))
    }

    #[test]
    fn arguments_are_a_json_object_or_words_or_nothing() {
        assert_eq!(parse(&[]), Ok(Arguments::None));
        assert_eq!(parse(&["  "]), Ok(Arguments::None));
        assert_eq!(typed(&["{\"a\":1}"], &json!({})), Ok(json!({"a": 1})));
        for bad in ["[1]", "1", "{", "{\"a\":1} x", "\"a=b\"", "not json"] {
            assert!(matches!(parse(&[bad]), Err(InvalidArguments::Json(_))), "{bad}");
        }
        assert_eq!(parse(&["a=1", "b"]), Err(InvalidArguments::Word("b".into())));
        assert_eq!(parse(&["a=1", "{\"b\":1}"]), Err(InvalidArguments::Word("{\"b\":1}".into())));
        assert_eq!(parse(&["=1", "a=2"]), Err(InvalidArguments::Word("=1".into())));
        assert_eq!(parse(&["a=1", "a=2"]), Err(InvalidArguments::Twice("a".into())));
    }

    #[test]
    fn each_word_becomes_what_the_schema_says() {
        let schema = json!({"properties": {
            "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
            "l": {"type": "array"}, "o": {"type": "object"}, "any": {}, "maybe": {"type": ["integer", "null"]},
            "ref": {"$ref": "#/$defs/R"}, "either": {"anyOf": [{"type": "boolean"}, {"type": "string"}]},
        }, "$defs": {"R": {"enum": ["x", 2]}}});
        let words = [
            "s=1",
            "i=-2",
            "n=1.5",
            "b=true",
            "l=[1,\"a\"]",
            "o={\"k\":\"a=b\"}",
            "any=x",
            "maybe=null",
            "ref=2",
            "either=yes",
        ];
        assert_eq!(
            typed(&words, &schema),
            Ok(
                json!({"s": "1", "i": -2, "n": 1.5, "b": true, "l": [1, "a"], "o": {"k": "a=b"}, "any": "x", "maybe": null, "ref": 2, "either": "yes"})
            )
        );
        assert_eq!(
            typed(&["any=3", "s=a=b", "either=true"], &schema),
            Ok(json!({"any": 3, "s": "a=b", "either": true}))
        );
    }

    #[test]
    fn a_wrong_argument_is_named_with_what_was_expected() {
        let schema = json!({"properties": {
            "count": {"type": "integer"}, "unit": {"enum": ["C", "F"]}, "ids": {"type": ["array", "null"]},
        }, "required": ["count"]});
        let said = |words: &[&str]| typed(words, &schema).unwrap_err().to_string();
        assert_eq!(
            said(&["count=many"]),
            "the argument count of the tool t must be a whole number, but \"many\" is not"
        );
        assert_eq!(said(&["count=1.5"]), "the argument count of the tool t must be a whole number, but \"1.5\" is not");
        assert_eq!(said(&["unit=K"]), "the argument unit of the tool t must be \"C\" or \"F\", but \"K\" is not");
        assert_eq!(said(&["ids=a"]), "the argument ids of the tool t must be a JSON array or null, but \"a\" is not");
        assert_eq!(said(&["unit=C"]), "the tool t needs the argument count (a whole number), as in count=…");
        assert_eq!(said(&["coutn=1"]), "the tool t has no argument coutn; it has count, unit, ids");
        assert_eq!(
            typed(&[], &json!({"required": ["x"]})).unwrap_err().to_string(),
            "the tool t needs the argument x (a value), as in x=…"
        );
    }

    #[test]
    fn a_schema_that_takes_anything_takes_any_name_and_one_that_turns_in_circles_ends() {
        let open = json!({"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}});
        assert_eq!(typed(&["b=true"], &open), Ok(json!({"b": true})));
        assert!(typed(&["b=1"], &open).is_err());
        let circle = json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}});
        assert_eq!(typed(&["a=x"], &circle), Ok(json!({"a": "x"})));
    }
}
