//! The strictness table: whether a token is meant for this resource (RFC 8707, RFC 9068 §4), and whether
//! its client may use it. Pure.

use std::str::FromStr;

use super::challenge::{Reason, Refusal};
use super::resource::ResourceIdentifier;

/// `MCP_RESOURCE_OAUTH_STRICT`: how `aud` is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// `aud` must name this resource.
    #[default]
    True,
    /// Decides like `False`, and tells of each token that `True` would refuse.
    Observe,
    /// `aud` is not checked.
    False,
}

impl Strictness {
    /// The word of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::Observe => "observe",
            Self::False => "false",
        }
    }
}

impl FromStr for Strictness {
    type Err = InvalidStrictness;

    fn from_str(word: &str) -> Result<Self, InvalidStrictness> {
        match word {
            "true" => Ok(Self::True),
            "observe" => Ok(Self::Observe),
            "false" => Ok(Self::False),
            _ => Err(InvalidStrictness),
        }
    }
}

/// The word is none of `true`, `observe` and `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of true, observe, false")]
pub struct InvalidStrictness;

/// Whose tokens are taken.
#[derive(Clone, Debug)]
pub struct AudienceRules {
    /// How `aud` is treated.
    pub strictness: Strictness,
    /// What `aud` must name.
    pub resource: ResourceIdentifier,
    /// Other values that `aud` may have, compared byte for byte.
    pub also_accepted: Vec<String>,
    /// The clients allowed; `None` allows all. Checked whatever the strictness.
    pub allowed_clients: Option<Vec<String>>,
}

/// A token that may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// By the rules in force.
    Plainly,
    /// Only because the rules are observed, not enforced: what `true` would answer.
    WouldRefuse(Refusal),
}

impl AudienceRules {
    /// The rules of `resource` alone, strictly.
    #[must_use]
    pub const fn strict(resource: ResourceIdentifier) -> Self {
        Self { strictness: Strictness::True, resource, also_accepted: Vec::new(), allowed_clients: None }
    }

    /// Whether neither the audience nor the client is checked, so that any token of the issuer passes.
    #[must_use]
    pub const fn checks_nothing(&self) -> bool {
        !matches!(self.strictness, Strictness::True) && self.allowed_clients.is_none()
    }

    /// Decides on the `aud` values and the client of a token.
    ///
    /// # Errors
    /// [`Reason::AudienceMissing`], [`Reason::AudienceMismatch`] or [`Reason::ClientNotAllowed`].
    pub fn judge(&self, audience: &[String], client: Option<&str>) -> Result<Admitted, Refusal> {
        let named = self.names_us(audience);
        let admitted = match (self.strictness, named) {
            (Strictness::True, Err(refusal)) => return Err(refusal),
            (Strictness::Observe, Err(refusal)) => Admitted::WouldRefuse(refusal),
            (Strictness::False, Err(_)) | (_, Ok(())) => Admitted::Plainly,
        };
        self.client_allowed(client)?;
        Ok(admitted)
    }

    fn names_us(&self, audience: &[String]) -> Result<(), Refusal> {
        if audience.iter().all(String::is_empty) {
            return Err(Reason::AudienceMissing.into());
        }
        let ours = |value: &String| self.also_accepted.contains(value) || self.resource.matches(value);
        if audience.iter().any(ours) {
            return Ok(());
        }
        let expected = self.resource.as_str();
        Err(Refusal::explained(Reason::AudienceMismatch, expected, &audience.join(" ")))
    }

    fn client_allowed(&self, client: Option<&str>) -> Result<(), Refusal> {
        let Some(allowed) = &self.allowed_clients else {
            return Ok(());
        };
        if client.is_some_and(|client| allowed.iter().any(|allowed| allowed == client)) {
            return Ok(());
        }
        let presented = client.unwrap_or("none");
        Err(Refusal::explained(Reason::ClientNotAllowed, "a listed client", presented))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://mcp.example/mcp";
    const EXTRA: &str = "api://default";

    fn rules(strictness: Strictness, clients: Option<&[&str]>) -> AudienceRules {
        AudienceRules {
            strictness,
            resource: ResourceIdentifier::parse(OURS).unwrap(),
            also_accepted: vec![EXTRA.to_owned()],
            allowed_clients: clients.map(|list| list.iter().map(ToString::to_string).collect()),
        }
    }

    fn judge(strictness: Strictness, clients: Option<&[&str]>, audience: &[&str]) -> Result<Option<Reason>, Reason> {
        let audience: Vec<String> = audience.iter().map(ToString::to_string).collect();
        match rules(strictness, clients).judge(&audience, Some("client")) {
            Ok(Admitted::Plainly) => Ok(None),
            Ok(Admitted::WouldRefuse(refusal)) => Ok(Some(refusal.reason())),
            Err(refusal) => Err(refusal.reason()),
        }
    }

    #[test]
    fn the_strictness_table() {
        let rows: [(&[&str], Option<Reason>); 9] = [
            (&[OURS], None),
            (&[OURS, "other"], None),
            (&["HTTPS://MCP.example:443/mcp"], None),
            (&[EXTRA], None),
            (&["API://default"], Some(Reason::AudienceMismatch)),
            (&["other"], Some(Reason::AudienceMismatch)),
            (&["https://mcp.example/mcp/"], Some(Reason::AudienceMismatch)),
            (&[""], Some(Reason::AudienceMissing)),
            (&[], Some(Reason::AudienceMissing)),
        ];
        for (audience, refused) in rows {
            let strict = refused.map_or(Ok(None), Err);
            assert_eq!(judge(Strictness::True, None, audience), strict, "{audience:?}");
            assert_eq!(judge(Strictness::Observe, None, audience), Ok(refused), "{audience:?}");
            assert_eq!(judge(Strictness::False, None, audience), Ok(None), "{audience:?}");
            assert_eq!(judge(Strictness::False, Some(&["client"]), audience), Ok(None), "{audience:?}");
            let other = judge(Strictness::False, Some(&["another"]), audience);
            assert_eq!(other, Err(Reason::ClientNotAllowed), "{audience:?}");
        }
    }

    #[test]
    fn the_client_list_applies_in_every_column() {
        for strictness in [Strictness::True, Strictness::Observe, Strictness::False] {
            assert_eq!(judge(strictness, Some(&["client"]), &[OURS]), Ok(None));
            assert_eq!(judge(strictness, Some(&[]), &[OURS]), Err(Reason::ClientNotAllowed));
            let unnamed = rules(strictness, Some(&["client"])).judge(&[OURS.to_owned()], None);
            assert_eq!(unnamed.unwrap_err().reason(), Reason::ClientNotAllowed);
        }
    }

    #[test]
    fn a_mismatch_tells_what_was_expected_and_presented() {
        let refusal = rules(Strictness::True, None).judge(&["https://mcp.example/".to_owned()], None).unwrap_err();
        assert_eq!(refusal.detail(), Some("expected https://mcp.example/mcp, presented https://mcp.example/"));
    }

    #[test]
    fn checks_nothing_only_without_both_checks() {
        assert!(rules(Strictness::False, None).checks_nothing());
        assert!(rules(Strictness::Observe, None).checks_nothing());
        assert!(!rules(Strictness::False, Some(&["client"])).checks_nothing());
        assert!(!rules(Strictness::True, None).checks_nothing());
    }
}
