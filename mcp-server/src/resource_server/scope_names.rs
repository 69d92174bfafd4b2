//! What an issuer calls our scopes. Ours are renamed, then prefixed, when the issuer is asked for them; a token's
//! names take the same way back.

use super::scope::Scopes;

/// The names of scopes at one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeNames {
    /// Stands before each scope that the issuer is asked for, as in `https://mcp.example.com/mcp/` or `api://…/`.
    pub prefix: String,
    /// Ours, and what the issuer calls it. Several of its names may mean one of ours: the first is asked for.
    pub renamed: Vec<(String, String)>,
    /// Where tokens hold scopes besides the preset's places: claims, or paths with dots into them.
    pub more_claims: Vec<String>,
}

impl ScopeNames {
    /// Our scopes, as the issuer is asked for them.
    #[must_use]
    pub fn asked(&self, ours: &Scopes) -> Scopes {
        let names: Vec<String> = ours.iter().map(|scope| format!("{}{}", self.prefix, self.theirs(scope))).collect();
        names.iter().map(String::as_str).collect()
    }

    /// Our names of scopes that a token holds. With a prefix, a scope without it is another resource's, unless the
    /// issuer is known to leave it out (`short`).
    pub(super) fn ours<'t>(&'t self, claimed: impl Iterator<Item = &'t str>, short: bool) -> Scopes {
        claimed.filter_map(|name| self.unprefixed(name, short)).flat_map(|name| self.meant_by(name)).collect()
    }

    fn theirs<'s>(&'s self, ours: &'s str) -> &'s str {
        self.renamed.iter().find(|(known, _)| known == ours).map_or(ours, |(_, theirs)| theirs)
    }

    fn unprefixed<'t>(&self, name: &'t str, short: bool) -> Option<&'t str> {
        match name.strip_prefix(self.prefix.as_str()) {
            Some(rest) => Some(rest),
            None => Some(name).filter(|_| short),
        }
    }

    /// A name that is ours, but called otherwise by this issuer, means nothing when it comes from there.
    fn meant_by<'t>(&'t self, theirs: &'t str) -> impl Iterator<Item = &'t str> {
        let renamed = self.renamed.iter().filter(move |(_, known)| known == theirs).map(|(ours, _)| ours.as_str());
        let taken = self.renamed.iter().any(|(ours, known)| ours == theirs || known == theirs);
        renamed.chain(Some(theirs).filter(|_| !taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(prefix: &str, renamed: &[(&str, &str)]) -> ScopeNames {
        let renamed = renamed.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect();
        ScopeNames { prefix: prefix.to_owned(), renamed, more_claims: Vec::new() }
    }

    fn ours(names: &ScopeNames, claimed: &str, short: bool) -> String {
        names.ours(claimed.split(' '), short).to_string()
    }

    #[test]
    fn without_names_of_its_own_an_issuer_uses_ours() {
        let plain = ScopeNames::default();
        assert_eq!(plain.asked(&Scopes::parse("mcp:read mcp:write")).to_string(), "mcp:read mcp:write");
        assert_eq!(ours(&plain, "openid mcp:read", false), "openid mcp:read");
    }

    #[test]
    fn a_prefix_is_asked_for_and_taken_off() {
        let cognito = names("https://mcp.example/mcp/", &[]);
        assert_eq!(cognito.asked(&Scopes::parse("mcp:read")).to_string(), "https://mcp.example/mcp/mcp:read");
        let claimed = "openid mcp:read https://other.example/mcp:write https://mcp.example/mcp/mcp:read";
        assert_eq!(ours(&cognito, claimed, false), "mcp:read");
        assert_eq!(ours(&cognito, "mcp:read", true), "mcp:read", "an issuer that leaves the prefix out");
    }

    #[test]
    fn a_renamed_scope_has_one_meaning() {
        let entra = names("api://id/", &[("mcp:read", "Tools.Read"), ("mcp:read", "Tools.Read.All")]);
        assert_eq!(
            entra.asked(&Scopes::parse("mcp:read mcp:write")).to_string(),
            "api://id/Tools.Read api://id/mcp:write"
        );
        assert_eq!(ours(&entra, "Tools.Read.All", true), "mcp:read");
        assert_eq!(ours(&entra, "Tools.Read mcp:write", true), "mcp:read mcp:write");
        assert_eq!(ours(&entra, "mcp:read", true), "", "their mcp:read is not ours");
    }

    #[test]
    fn one_name_may_mean_several_of_ours() {
        let google = names("", &[("mcp:read", "openid"), ("mcp:write", "openid")]);
        assert_eq!(ours(&google, "openid email", false), "mcp:read mcp:write email");
        assert_eq!(google.asked(&Scopes::parse("mcp:read mcp:write")).to_string(), "openid");
    }
}
