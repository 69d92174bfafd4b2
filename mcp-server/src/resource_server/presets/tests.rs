//! What holds for every preset, and for single ones.

use super::*;

#[test]
fn presets_are_found_by_name_and_listed_in_the_error() {
    for preset in Preset::ALL {
        let found: &'static Preset = preset.name.parse().unwrap();
        assert_eq!(found.name, preset.name);
        assert!(UnknownPreset.to_string().contains(preset.name), "{}", preset.name);
    }
    assert_eq!("oktaa".parse::<&'static Preset>().unwrap_err(), UnknownPreset);
}

#[test]
fn types_are_compared_without_case_and_prefix() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        assert!(authz::AUTHZ.accepts_type(Some(typ)), "{typ}");
    }
    for typ in ["JWT", "dpop+jwt", "logout+jwt", "at+jwt ", "application/application/at+jwt", ""] {
        assert!(!authz::AUTHZ.accepts_type(Some(typ)), "{typ}");
    }
    assert!(!authz::AUTHZ.accepts_type(None) && generic::GENERIC.accepts_type(None));
    assert!(generic::GENERIC.accepts_type(Some("JWT")) && !generic::GENERIC.accepts_type(Some("logout+jwt")));
    assert!(okta::OKTA.accepts_type(Some("application/okta-internal-at+jwt")) && okta::OKTA.accepts_type(None));
}

#[test]
fn where_a_type_says_nothing_the_guard_is_up() {
    for preset in Preset::ALL {
        let guard = &preset.guard;
        assert!(preset.is_strictly_typed() || guard.absent.contains(&"nonce"), "{}", preset.name);
        assert!(guard.words.iter().any(|(name, _)| *name == "token_use"), "{}", preset.name);
    }
}

#[test]
fn every_preset_carries_its_evidence_and_a_recipe() {
    for preset in Preset::ALL {
        assert!(preset.evidence.date.parse::<jiff::civil::Date>().is_ok(), "{}", preset.name);
        let recipe = &preset.recipe;
        assert!(
            !recipe.there.is_empty() && !recipe.strict.is_empty() && !recipe.verified.is_empty(),
            "{}",
            preset.name
        );
        assert_eq!(recipe.here[0].0, "MCP_RESOURCE_AUTH_SERVER_URL", "{}", preset.name);
        let own = matches!(preset.audience, AudienceKind::Own(_));
        let named = recipe.here.iter().any(|(name, _)| *name == "MCP_RESOURCE_AUDIENCES");
        assert_eq!(own, named, "{}: what is not the URL has to be named", preset.name);
    }
}

#[test]
fn where_clients_need_the_shim_the_recipe_has_its_lines() {
    for preset in Preset::ALL {
        let recipe = &preset.recipe;
        let has = |here: &[(&str, &str)]| here.contains(&("MCP_RESOURCE_METADATA_SHIM", "on"));
        let changes = preset.drop_resource || preset.add_audience;
        assert!(has(recipe.here) || !preset.incomplete_metadata, "{}", preset.name);
        assert!(
            has(recipe.here) || !changes || recipe.variants.iter().any(|variant| has(variant.here)),
            "{}",
            preset.name
        );
    }
}

#[test]
fn the_metadata_of_a_tenant_is_where_the_template_says() {
    let entra = &entra::ENTRA;
    let of = |issuer: &str| entra.metadata_url(issuer);
    let v1 = "https://login.microsoftonline.com/t-1/.well-known/openid-configuration";
    assert_eq!(of("https://sts.windows.net/t-1/").as_deref(), Some(v1));
    let all = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
    assert_eq!(of("https://login.microsoftonline.com/{tenantid}/v2.0").as_deref(), Some(all));
    for other in ["https://sts.windows.net//", "https://sts.windows.net/a/b/", "https://sts.windows.net.evil/t/", "x"] {
        assert_eq!(of(other), None, "{other}");
    }
    assert_eq!(okta::OKTA.metadata_url("https://sts.windows.net/t-1/"), None);
}

#[test]
fn a_key_of_one_tenant_signs_for_that_tenant_only() {
    let of = |issuer: &str| entra::ENTRA.key_is_of(issuer, "t-1");
    assert!(of("https://login.microsoftonline.com/{tenantid}/v2.0"));
    assert!(of("https://login.microsoftonline.com/t-1/v2.0") && of("https://sts.windows.net/t-1/"));
    assert!(!of("https://login.microsoftonline.com/t-2/v2.0") && !of("https://evil.example/t-1/v2.0"));
}

/// The folder of the pages.
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/providers");

#[test]
fn the_pages_of_the_providers_are_what_the_presets_say() {
    for preset in Preset::ALL {
        let path = format!("{PAGES}/{}.md", preset.name);
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == preset.page(), "{path} is out of step: run the test write_the_pages_of_the_providers");
    }
}

#[test]
#[ignore = "writes docs/providers: cargo test -p mcp-server --lib write_the_pages -- --ignored"]
fn write_the_pages_of_the_providers() {
    for preset in Preset::ALL {
        std::fs::write(format!("{PAGES}/{}.md", preset.name), preset.page()).unwrap();
    }
}
