//! The file `MCP_RESOURCE_CONFIG` (TOML): what is set for one issuer, and what single tools need. Its keys are the
//! settings' names in lower case without `MCP_RESOURCE_`; all problems are told with their lines, unknown keys too.

mod sections;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serving::settings::{InvalidSetting, Problems};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{filled, list, shim, trust};
use crate::cli::Cli;
use crate::resource_server::{IssuerOptions, Requirement, ResourceIdentifier, ScopePolicy};

pub(super) use sections::Section;

const NAME: &str = "MCP_RESOURCE_CONFIG";
/// How it shows that there is none.
pub(super) const ABSENT: &str = "MCP_RESOURCE_CONFIG=\n";
/// The tables of what operations need.
const NEEDS: [&str; 4] = ["tools", "prompts", "resources", "templates"];

/// What stands in the file.
pub(super) struct File {
    path: String,
    /// Each `[[issuer]]`.
    pub(super) sections: Vec<Section>,
    needs: Vec<Need>,
}

/// What one operation needs.
struct Need {
    table: &'static str,
    name: String,
    requirement: Requirement,
    line: usize,
}

/// The file, if there is one and it can be read.
pub(super) fn read(cli: &Cli, problems: &mut Problems) -> Option<File> {
    let path = filled(cli.config.as_ref())?;
    let text = problems.check(NAME, "name a TOML file that can be read", std::fs::read_to_string(&path))?;
    let (document, errors) = DeTable::parse_recoverable(&text);
    let mut reader = Reader { path: &path, text: &text, problems };
    for error in &errors {
        let span = error.span().unwrap_or_default();
        reader.problem(&span, error.message().trim(), "write TOML");
    }
    let mut file = File { path: path.clone(), sections: Vec::new(), needs: Vec::new() };
    for (key, value) in document.get_ref() {
        let name = key.get_ref().as_ref();
        match (name, value.get_ref(), NEEDS.into_iter().find(|table| *table == name)) {
            ("issuer", DeValue::Array(tables), _) => {
                file.sections = tables.iter().filter_map(|table| Section::read(table, cli, &mut reader)).collect();
            }
            (_, DeValue::Table(table), Some(known)) => file.needs.extend(reader.needs(known, table)),
            ("issuer", _, _) => reader.problem(&value.span(), "issuer is no list of tables", "write [[issuer]]"),
            (_, _, Some(known)) => {
                reader.problem(&value.span(), &format!("{known} is no table"), &format!("write [{known}]"));
            }
            _ => reader.unknown(key),
        }
    }
    Some(file)
}

impl File {
    /// The issuers of the file, each with its own rules; what is wrong with one is told with its line.
    pub(super) fn issuers(
        &self,
        cli: &Cli,
        resource: &ResourceIdentifier,
        problems: &mut Problems,
    ) -> Option<Vec<IssuerOptions>> {
        self.check_list(cli, problems);
        let mut found = Vec::new();
        for section in &self.sections {
            let mut own = Problems::new();
            let raw = trust::Raw { trust: &section.trust, introspect: &section.introspect, shim: &section.shim };
            found.extend(trust::issuer(raw, &section.trust.auth_server, resource, &mut own));
            for problem in own.into_result(None::<()>).err().unwrap_or_default() {
                problems.push(section.told(&self.path, problem));
            }
        }
        (found.len() == self.sections.len()).then_some(found)
    }

    /// An issuer that is named elsewhere, and not here, would silently not be trusted.
    fn check_list(&self, cli: &Cli, problems: &mut Problems) {
        const DEFAULT: &str = "http://localhost:9000";
        let here = |name: &String| self.sections.iter().any(|section| section.trust.auth_server == *name);
        let missing = list(&cli.trust.auth_server).into_iter().find(|name| name != DEFAULT && !here(name));
        if let Some(missing) = missing {
            let problem = format!("{missing} has no [[issuer]] in {}, which lists every issuer", self.path);
            problems.add("MCP_RESOURCE_AUTH_SERVER_URL", problem, "add it there, or leave it out here");
        }
        if shim::is_on(&cli.shim) {
            let problem = format!("is about one issuer, and they are listed in {}", self.path);
            problems.add("MCP_RESOURCE_METADATA_SHIM", problem, "say metadata_shim = \"on\" in its [[issuer]]");
        } else {
            shim::check_off(&cli.shim, problems);
        }
    }

    /// Adds what the file says of operations to what the tools say.
    pub(super) fn policy(&self, mut policy: ScopePolicy, problems: &mut Problems) -> ScopePolicy {
        for need in &self.needs {
            let (name, requirement) = (need.name.as_str(), need.requirement.clone());
            policy = match need.table {
                "tools" if !policy.has_tool(name) => {
                    let problem = format!("{}:{}: there is no tool {name}", self.path, need.line);
                    problems.add(NAME, problem, "name a tool as tools/list does");
                    policy
                }
                "prompts" if !policy.has_prompt(name) => {
                    let problem = format!("{}:{}: there is no prompt {name}", self.path, need.line);
                    problems.add(NAME, problem, "name a prompt as prompts/list does");
                    policy
                }
                "tools" => policy.tool(name, requirement),
                "prompts" => policy.prompt(name, requirement),
                "resources" => policy.resource(name, requirement),
                _ => policy.template(name, requirement),
            };
        }
        policy
    }
}

/// What the file says of operations, for people: `[tools] get_time = mcp:read`.
impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{NAME}={}", self.path)?;
        self.needs.iter().try_for_each(|need| writeln!(f, "# [{}] {} = {}", need.table, need.name, need.requirement))
    }
}

/// Where a problem is told from.
struct Reader<'t, 'p> {
    path: &'t str,
    text: &'t str,
    problems: &'p mut Problems,
}

impl Reader<'_, '_> {
    fn line(&self, span: &Range<usize>) -> usize {
        self.text.get(..span.start).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn problem(&mut self, span: &Range<usize>, what: &str, fix: &str) {
        let problem = format!("{}:{}: {what}", self.path, self.line(span));
        self.problems.push(InvalidSetting::new(NAME, problem, fix));
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>) {
        let what = format!("unknown key {}", key.get_ref());
        self.problem(&key.span(), &what, "remove it, or correct its name");
    }

    fn needs(&mut self, table: &'static str, entries: &DeTable<'_>) -> Vec<Need> {
        let mut found = Vec::new();
        for (name, value) in entries {
            if let Some(requirement) = self.requirement(value) {
                let line = self.line(&name.span());
                found.push(Need { table, name: name.get_ref().to_string(), requirement, line });
            }
        }
        found
    }

    /// `"a b"`, `["a", "b"]`, or `{ scopes = …, max_age_seconds = … }`.
    fn requirement(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Requirement> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.scopes(value).map(|scopes| Requirement::scopes(&scopes));
        };
        let (mut scopes, mut age) = (Some(String::new()), None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "scopes" => scopes = self.scopes(value),
                "max_age_seconds" => match sections::number(value.get_ref()) {
                    Some(seconds) => age = Some(Duration::from_secs(seconds)),
                    None => self.problem(&value.span(), "max_age_seconds is no number", "use a number of seconds"),
                },
                _ => self.unknown(key),
            }
        }
        let requirement = Requirement::scopes(&scopes?);
        Some(match age {
            Some(age) => requirement.max_age(age),
            None => requirement,
        })
    }

    fn scopes(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let scopes = sections::words(value.get_ref(), " ");
        if scopes.is_none() {
            self.problem(&value.span(), "not scopes", "write \"mcp:read mcp:write\" or a list of them");
        }
        scopes
    }
}
