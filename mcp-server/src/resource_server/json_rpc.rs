//! What is read of a JSON-RPC message: its method and its parameters. One reading serves scopes and audit log.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::challenge::Reason;

/// One message. What two parsers could read differently, a repeated member, is no message, so that what is checked is
/// what is done.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Reason> {
        serde_json::from_slice(body).map_err(|_| Reason::BodyMalformed)
    }

    /// What is to be done; an answer or an error has none.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The members of `params` that `T` knows; those of an empty object if there is none.
    pub(super) fn params<T: Default + Deserialize<'a>>(&self) -> Result<T, Reason> {
        let Some(params) = self.params else {
            return Ok(T::default());
        };
        serde_json::from_str(params.get()).map_err(|_| Reason::BodyMalformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    struct Named<'a> {
        name: Option<Cow<'a, str>>,
    }

    #[test]
    fn a_message_has_a_method_and_parameters() {
        let call = Message::parse(br#"{"id":1,"meth\u006fd":"tools/call","params":{"name":"t"}}"#).unwrap();
        assert_eq!((call.method(), call.params()), (Some("tools/call"), Ok(Named { name: Some("t".into()) })));
        let bare = Message::parse(b"{}").unwrap();
        assert_eq!((bare.method(), bare.params()), (None, Ok(Named { name: None })));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_no_message() {
        for body in [&b""[..], b"[]", b"x", b"{} {}", br#"{"method":1}"#, br#"{"method":"a","method":"b"}"#] {
            assert_eq!(Message::parse(body).unwrap_err(), Reason::BodyMalformed);
        }
        let call = Message::parse(br#"{"method":"a","params":{"name":"t","name":"u"}}"#).unwrap();
        assert_eq!(call.params::<Named<'_>>(), Err(Reason::BodyMalformed));
    }
}
