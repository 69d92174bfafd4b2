//! Scopes in words.

use crate::protocol::ScopeToken;

/// One scope, as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission<'a> {
    /// What it allows, in a sentence.
    pub sentence: &'static str,
    /// Its technical name.
    pub token: &'a str,
}

impl<'a> Permission<'a> {
    /// What a scope says.
    #[must_use]
    pub fn of(token: &'a ScopeToken) -> Self {
        let sentence = match token.as_str() {
            "mcp:read" => "Use tools that read, and read resources.",
            "mcp:write" => "Use tools that change things.",
            "openid" => "Know that it is you, each time you sign in.",
            "profile" => "Know your name.",
            "email" => "Know your e-mail address.",
            _ => "Use what the server calls:",
        };
        Self { sentence, token: token.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_is_a_sentence_with_its_technical_name() {
        for (raw, expected) in [
            ("mcp:read", "Use tools that read, and read resources."),
            ("mcp:write", "Use tools that change things."),
            ("openid", "Know that it is you, each time you sign in."),
            ("profile", "Know your name."),
            ("email", "Know your e-mail address."),
            ("mcp:other", "Use what the server calls:"),
        ] {
            let token = ScopeToken::parse(raw).unwrap();
            assert_eq!(Permission::of(&token), Permission { sentence: expected, token: raw });
        }
    }
}
