//! One `[[issuer]]` of the file → the settings of that issuer, as text like all others.

use serving::settings::InvalidSetting;
use toml::Spanned;
use toml::de::DeValue;

use super::{NAME, Reader};
use crate::cli::{Cli, IntrospectArgs, ShimArgs, TrustArgs};

/// The settings of one issuer.
pub(in super::super) struct Section {
    pub(super) trust: TrustArgs,
    pub(super) introspect: IntrospectArgs,
    pub(super) shim: ShimArgs,
    line: usize,
    lines: Vec<(String, usize)>,
}

/// A setting's place, and what its value may be.
enum Slot<'s> {
    Word(&'s mut String),
    Maybe(&'s mut Option<String>),
    List(&'s mut String),
    Pairs(&'s mut String),
}

impl Section {
    pub(super) fn read(table: &Spanned<DeValue<'_>>, cli: &Cli, reader: &mut Reader<'_, '_>) -> Option<Self> {
        let DeValue::Table(entries) = table.get_ref() else {
            reader.problem(&table.span(), "issuer is no table", "write [[issuer]]");
            return None;
        };
        let line = reader.line(&table.span());
        let mut section = Self::inheriting(cli, line);
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            section.lines.push((name.to_owned(), reader.line(&key.span())));
            match section.slot(name).map(|slot| slot.fill(value.get_ref())) {
                Some(Ok(())) => {}
                Some(Err(wanted)) => {
                    reader.problem(&value.span(), &format!("{name} is not {wanted}"), "correct the value");
                }
                None => reader.unknown(key),
            }
        }
        if section.trust.auth_server.is_empty() {
            reader.problem(&table.span(), "an issuer without auth_server_url", "say whose settings these are");
            return None;
        }
        Some(section)
    }

    /// What all issuers share is taken from the settings; what is about one issuer, or lets more in, is not.
    fn inheriting(cli: &Cli, line: usize) -> Self {
        let trust = TrustArgs {
            auth_server: String::new(),
            tenants: String::new(),
            audiences: String::new(),
            scope_prefix: String::new(),
            scope_map: String::new(),
            scope_claims: String::new(),
            metadata_url: None,
            jwks_url: None,
            allow_missing_kid: None,
            ..cli.trust.clone()
        };
        let introspect = IntrospectArgs {
            url: None,
            client_id: None,
            client_secret: None,
            client_key: None,
            client_key_id: None,
            opaque_tokens: None,
            ..cli.introspect.clone()
        };
        Self { trust, introspect, shim: ShimArgs::default(), line, lines: Vec::new() }
    }

    fn slot(&mut self, key: &str) -> Option<Slot<'_>> {
        let (trust, introspect, shim) = (&mut self.trust, &mut self.introspect, &mut self.shim);
        Some(match key {
            "metadata_shim" => Slot::Word(&mut shim.on),
            "metadata_shim_client_id" => Slot::Word(&mut shim.client_id),
            "metadata_shim_redirect_uris" => Slot::List(&mut shim.redirect_uris),
            "metadata_shim_drop_resource" => Slot::Maybe(&mut shim.drop_resource),
            "metadata_shim_add_audience" => Slot::Maybe(&mut shim.add_audience),
            "auth_server_url" => Slot::Word(&mut trust.auth_server),
            "preset" => Slot::Word(&mut trust.preset),
            "oauth_strict" => Slot::Word(&mut trust.oauth_strict),
            "tenants" => Slot::List(&mut trust.tenants),
            "audiences" => Slot::List(&mut trust.audiences),
            "allowed_clients" => Slot::List(&mut trust.allowed_clients),
            "algorithms" => Slot::List(&mut trust.algorithms),
            "scope_prefix" => Slot::Word(&mut trust.scope_prefix),
            "scope_map" => Slot::Pairs(&mut trust.scope_map),
            "scope_claims" => Slot::List(&mut trust.scope_claims),
            "max_token_lifetime_seconds" => Slot::Maybe(&mut trust.max_token_lifetime_seconds),
            "allow_missing_kid" => Slot::Maybe(&mut trust.allow_missing_kid),
            "metadata_url" => Slot::Maybe(&mut trust.metadata_url),
            "jwks_url" => Slot::Maybe(&mut trust.jwks_url),
            "introspect" => Slot::Maybe(&mut introspect.mode),
            "introspect_url" => Slot::Maybe(&mut introspect.url),
            "introspect_client_id" => Slot::Maybe(&mut introspect.client_id),
            "introspect_client_secret" => Slot::Maybe(&mut introspect.client_secret),
            "introspect_client_key" => Slot::Maybe(&mut introspect.client_key),
            "introspect_client_key_id" => Slot::Maybe(&mut introspect.client_key_id),
            "introspect_client_method" => Slot::Word(&mut introspect.method),
            "introspect_cache_seconds" => Slot::Word(&mut introspect.cache_seconds),
            "opaque_tokens" => Slot::Maybe(&mut introspect.opaque_tokens),
            _ => return None,
        })
    }

    /// A problem with a setting, told with the key and its line.
    pub(super) fn told(&self, path: &str, problem: InvalidSetting) -> InvalidSetting {
        let key = problem.name.trim_start_matches("MCP_RESOURCE_").to_ascii_lowercase();
        let line = self.lines.iter().find(|(name, _)| *name == key).map_or(self.line, |(_, line)| *line);
        InvalidSetting::new(NAME, format!("{path}:{line}: {key}: {}", problem.problem), problem.fix)
    }
}

impl Slot<'_> {
    /// Takes a value, or says what it should be.
    fn fill(self, value: &DeValue<'_>) -> Result<(), &'static str> {
        match self {
            Self::Word(slot) => *slot = word(value).ok_or("one value")?,
            Self::Maybe(slot) => *slot = Some(word(value).ok_or("one value")?),
            Self::List(slot) => *slot = words(value, ",").ok_or("a list of strings without commas")?,
            Self::Pairs(slot) => *slot = pairs(value).ok_or("a table of ours = \"theirs\"")?,
        }
        Ok(())
    }
}

fn word(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// A whole number.
pub(super) fn number(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(_) => word(value)?.parse().ok(),
        _ => None,
    }
}

/// A string, or a list of strings as one with `separator` between them, which none of them has.
pub(super) fn words(value: &DeValue<'_>, separator: &str) -> Option<String> {
    let entry = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) if !text.contains(separator) => Some(text.to_string()),
        _ => None,
    };
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Array(entries) => Some(entries.iter().map(entry).collect::<Option<Vec<_>>>()?.join(separator)),
        _ => None,
    }
}

/// `{ ours = "theirs", … }`, where one of ours may have several of theirs.
fn pairs(value: &DeValue<'_>) -> Option<String> {
    let DeValue::Table(table) = value else {
        return None;
    };
    let mut pairs = Vec::new();
    for (ours, theirs) in table {
        for theirs in words(theirs.get_ref(), ",")?.split(',') {
            pairs.push(format!("{}={theirs}", ours.get_ref()));
        }
    }
    Some(pairs.join(","))
}
