//! How a client or a person came to be known.

/// Who brought a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The demo set, whose secrets everybody knows.
    Demo,
    /// The operator.
    Operator,
    /// The operator's file of clients, which is read at each start.
    Configuration,
    /// Itself: at the registration endpoint (RFC 7591).
    SelfRegistered,
    /// The document at the URL that is its identifier.
    MetadataDocument,
}

impl Origin {
    /// Whether a client of this origin goes when nobody lets it in for long.
    #[must_use]
    pub const fn expires(self) -> bool {
        matches!(self, Self::SelfRegistered | Self::MetadataDocument)
    }
}

/// Who brought a person in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonOrigin {
    /// The demo set, whose passwords everybody knows.
    Demo,
    /// The operator.
    Operator,
    /// Themselves, on the page for it.
    SignedUp,
}

impl PersonOrigin {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Operator => "operator",
            Self::SignedUp => "self",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Demo, Self::Operator, Self::SignedUp].into_iter().find(|origin| origin.as_str() == word)
    }
}
