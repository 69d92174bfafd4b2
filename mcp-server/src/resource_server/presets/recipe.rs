//! How to set an issuer up: the pages under `docs/providers/` are made from this.

use std::fmt::Write as _;

use super::{AudienceKind, Introspection, Preset};

/// The words of a preset's page.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The issuer's name for people.
    pub title: &'static str,
    /// What to do there, step by step.
    pub there: &'static [&'static str],
    /// What to set here besides the preset.
    pub here: &'static [(&'static str, &'static str)],
    /// What to set otherwise, or besides, in some cases.
    pub variants: &'static [Variant],
    /// What `MCP_RESOURCE_OAUTH_STRICT=true` means with it.
    pub strict: &'static str,
    /// What the page was verified against.
    pub verified: &'static str,
}

/// A case in which other settings are needed.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Which case.
    pub when: &'static str,
    /// What to set then, besides [`Recipe::here`] or instead of the same names there.
    pub here: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// The page, as Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let recipe = &self.recipe;
        let mut page = format!("# {}\n\n## There\n\n", recipe.title);
        for (number, step) in recipe.there.iter().enumerate() {
            let _ = writeln!(page, "{}. {step}", number + 1);
        }
        page.push_str("\n## Here\n\n");
        let preset = [("MCP_RESOURCE_PRESET", self.name)];
        page.push_str(&settings(recipe.here.iter().chain(&preset)));
        for variant in recipe.variants {
            let _ = write!(page, "{}\n\n{}", variant.when, settings(variant.here));
        }
        let _ = write!(page, "## What strict means\n\n{}\n\n", recipe.strict);
        let _ = write!(page, "## What the preset sets\n\n{}", self.table());
        let (label, date) = (self.evidence.label.as_str(), self.evidence.date);
        let _ = write!(page, "\n## Evidence\n\n{label}, {date}. {}\n", recipe.verified);
        page
    }

    fn table(&self) -> String {
        let types =
            if self.token_types.is_empty() { "none: no JWT is accepted".to_owned() } else { code(self.token_types) };
        let untyped = if self.untyped { ", or none" } else { "" };
        let audience = match self.audience {
            AudienceKind::Resource => "the resource",
            AudienceKind::Own(what) => what,
        };
        let asked = match self.introspection {
            Introspection::Advertised => "yes, where its metadata says",
            Introspection::Configured => "yes, at `MCP_RESOURCE_INTROSPECT_URL`",
            Introspection::TokenInformation(_) => "by its token information",
            Introspection::Unavailable => "no",
        };
        let changed = match (self.drop_resource, self.add_audience) {
            (true, true) => "`resource` taken out, `audience` added",
            (true, false) => "`resource` taken out: token requests then pass through the MCP server",
            (false, true) => "`audience` added",
            (false, false) => "",
        };
        let word = |yes| if yes { "yes" } else { "no" };
        let hours = self.max_token_lifetime.as_hours();
        let rows = [
            ("`typ` in the header", format!("{types}{untyped}")),
            ("a token without `kid`", if self.unnamed_keys { "taken, if one key fits" } else { "refused" }.to_owned()),
            ("client id", code(self.client_claims)),
            ("scopes", code(self.scope_claims)),
            ("`aud`", audience.to_owned()),
            ("never accepted as `aud`", code(self.shared_audiences)),
            ("longest lifetime", format!("{hours} h")),
            ("keys may also be at", code(self.key_origins)),
            ("opaque access tokens", word(self.opaque_tokens).to_owned()),
            ("can be asked about a token", asked.to_owned()),
            ("its metadata lacks what MCP clients need (PKCE, or RFC 8414)", word(self.incomplete_metadata).to_owned()),
            ("requests, with the metadata shim", changed.to_owned()),
        ];
        let mut table = "| what | value |\n|---|---|\n".to_owned();
        for (what, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(table, "| {what} | {value} |");
        }
        table
    }
}

/// As they stand in `.env`.
fn settings<'s>(lines: impl IntoIterator<Item = &'s (&'static str, &'static str)>) -> String {
    let mut block = "```sh\n".to_owned();
    for (name, value) in lines {
        let _ = writeln!(block, "{name}={value}");
    }
    block + "```\n\n"
}

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
