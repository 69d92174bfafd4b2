//! Parameters of a query or a form: each at most once, empty means omitted, unknown ones are ignored (RFC 6749 §3.1, §3.2).

use std::{borrow::Cow, fmt};

/// The parameters of one request, decoded. Debug shows the names only: values may be secrets.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

/// The bytes are not parameters, or not acceptable ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedParameters {
    /// More than 256 KiB.
    #[error("the parameters are larger than 256 KiB")]
    TooLarge,
    /// More than 64 parameters.
    #[error("more than 64 parameters")]
    TooMany,
    /// A name or a value is not UTF-8 once decoded.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// A parameter is there twice (RFC 6749 §3.1: MUST NOT).
    #[error("a parameter is repeated")]
    Repeated,
}

impl Parameters {
    const MAX_BYTES: usize = 256 * 1024;
    const MAX_COUNT: usize = 64;

    /// Decodes `application/x-www-form-urlencoded` bytes. Repeated parameters are kept, for [`Self::once`] to refuse.
    ///
    /// # Errors
    /// Too large, too many, or not UTF-8.
    pub fn parse(raw: &[u8]) -> Result<Self, MalformedParameters> {
        if raw.len() > Self::MAX_BYTES {
            return Err(MalformedParameters::TooLarge);
        }
        let pairs = raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if pairs.clone().count() > Self::MAX_COUNT {
            return Err(MalformedParameters::TooMany);
        }
        pairs.map(decode_pair).collect::<Result<_, _>>().map(Self)
    }

    /// Refuses a request in which any parameter is repeated, except those of `may_repeat`.
    ///
    /// # Errors
    /// A parameter is there twice, be it known or not, empty or not.
    pub fn refuse_repeated(&self, may_repeat: &[&str]) -> Result<(), MalformedParameters> {
        let repeated = |(index, (name, _)): (usize, &(String, String))| {
            !may_repeat.contains(&name.as_str()) && self.0.iter().skip(index + 1).any(|(later, _)| later == name)
        };
        if self.0.iter().enumerate().any(repeated) { Err(MalformedParameters::Repeated) } else { Ok(()) }
    }

    /// The value of a parameter that may be there once; `None` if it is not there or empty.
    ///
    /// # Errors
    /// It is there twice.
    pub fn once(&self, name: &str) -> Result<Option<&str>, MalformedParameters> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let first = values.next().filter(|value| !value.is_empty());
        if values.next().is_some() { Err(MalformedParameters::Repeated) } else { Ok(first) }
    }

    /// The parameters as a query, in order.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// Every value of a parameter that may be repeated, empty ones left out.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, value)| other == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// `form_urlencoded` alone would replace what is not UTF-8, and `state` has to go back as it came; so look first.
fn decode_pair(pair: &[u8]) -> Result<(String, String), MalformedParameters> {
    let (name, value) = form_urlencoded::parse(pair).next().unwrap_or((Cow::Borrowed(""), Cow::Borrowed("")));
    let replaced = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    if (replaced(&name) || replaced(&value)) && !is_utf8_once_decoded(pair) {
        return Err(MalformedParameters::NotUtf8);
    }
    Ok((name.into_owned(), value.into_owned()))
}

fn is_utf8_once_decoded(pair: &[u8]) -> bool {
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = Vec::with_capacity(pair.len());
    let mut rest = pair;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    std::str::from_utf8(&bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Parameters {
        Parameters::parse(raw.as_bytes()).unwrap()
    }

    #[test]
    fn empty_is_omitted_and_unknown_is_ignored() {
        let parameters = parse("a=1&b=&c&&unknown=x");
        assert_eq!(parameters.once("a"), Ok(Some("1")));
        for omitted in ["b", "c", "d"] {
            assert_eq!(parameters.once(omitted), Ok(None));
        }
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_when_empty_or_unknown() {
        assert_eq!(parse("a=1&a=1").once("a"), Err(MalformedParameters::Repeated));
        assert_eq!(parse("a=&%61=1").once("a"), Err(MalformedParameters::Repeated));
        assert_eq!(parse("a=1&u=1&u=2").refuse_repeated(&["a"]), Err(MalformedParameters::Repeated));
        assert_eq!(parse("a=1&u=1&u=2").refuse_repeated(&["u"]), Ok(()));
    }

    #[test]
    fn values_are_decoded_byte_for_byte() {
        assert_eq!(parse("s=%0d%0a%26%23+%2B%EF%BF%BD").once("s"), Ok(Some("\r\n&# +\u{fffd}")));
        assert_eq!(Parameters::parse(b"s=%ff").unwrap_err(), MalformedParameters::NotUtf8);
        assert_eq!(Parameters::parse(b"s=%EF%BF%BD%ff").unwrap_err(), MalformedParameters::NotUtf8);
        assert_eq!(Parameters::parse(b"\xff=1").unwrap_err(), MalformedParameters::NotUtf8);
    }

    #[test]
    fn size_and_number_are_bounded() {
        assert_eq!(Parameters::parse(&vec![b'a'; 256 * 1024 + 1]).unwrap_err(), MalformedParameters::TooLarge);
        assert_eq!(Parameters::parse("a=1&".repeat(65).as_bytes()).unwrap_err(), MalformedParameters::TooMany);
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(pairs in proptest::collection::vec(("\\PC{1,8}", ".{0,20}"), 0..8)) {
            let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let decoded = parse(&encoded);
            prop_assert_eq!(decoded.encode(), encoded);
            for (name, value) in &pairs {
                let values: Vec<_> = pairs.iter().filter(|(other, _)| other == name).collect();
                if let [_] = values.as_slice() {
                    prop_assert_eq!(decoded.once(name), Ok(Some(value.as_str()).filter(|value| !value.is_empty())));
                } else {
                    prop_assert_eq!(decoded.once(name), Err(MalformedParameters::Repeated));
                }
            }
        }

        #[test]
        fn any_bytes_are_text_or_refused(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _text_or_refused = Parameters::parse(&raw);
        }
    }

    #[test]
    fn debug_shows_no_values() {
        assert_eq!(format!("{:?}", parse("client_secret=hunter2")), r#"["client_secret"]"#);
    }
}
