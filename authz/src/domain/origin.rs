//! How a client or a person came to be known.

/// Who brought a client or a person in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The demo set, whose secrets everybody knows.
    Demo,
    /// The operator.
    Operator,
    /// The operator's file of clients, which is read at each start.
    Configuration,
    /// Itself: at the registration endpoint (RFC 7591), for a client.
    SelfRegistered,
    /// The document at the URL that is its identifier, for a client.
    MetadataDocument,
}
