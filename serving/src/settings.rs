//! How a wrong setting is told: its name, what is wrong, what to do; and all of them at once.

use std::fmt::{self, Display};

/// A setting that cannot be used, shown as `NAME: problem. Fix: …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}. Fix: {fix}.")]
pub struct InvalidSetting {
    /// The name of the setting, as in the environment.
    pub name: &'static str,
    /// What is wrong, without a full stop. Never holds the value of a secret.
    pub problem: String,
    /// What to do about it, without a full stop.
    pub fix: String,
}

impl InvalidSetting {
    /// Makes one; `problem` and `fix` are half sentences without a full stop.
    pub fn new(name: &'static str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, problem: problem.into(), fix: fix.into() }
    }
}

/// Collects every problem of a configuration, so that one start shows them all.
///
/// ```
/// use serving::settings::Problems;
///
/// let mut problems = Problems::new();
/// let port = problems.check("MCP_X_PORT", "use 1 to 65535", "http".parse::<u16>());
/// let result = problems.into_result(port);
/// assert_eq!(result.unwrap_err().len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Problems(Vec<InvalidSetting>);

impl Problems {
    /// No problem yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Remembers a problem.
    pub fn add(&mut self, name: &'static str, problem: impl Into<String>, fix: impl Into<String>) {
        self.0.push(InvalidSetting::new(name, problem, fix));
    }

    /// Remembers a problem that is an [`InvalidSetting`] already.
    pub fn push(&mut self, problem: InvalidSetting) {
        self.0.push(problem);
    }

    /// Remembers a problem unless the very same one is remembered already.
    pub fn push_new(&mut self, problem: InvalidSetting) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// The value, or its error remembered under `name`.
    pub fn check<T, E: Display>(&mut self, name: &'static str, fix: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(name, error.to_string(), fix)).ok()
    }

    /// The value, or its problem remembered.
    pub fn take<T>(&mut self, value: Result<T, InvalidSetting>) -> Option<T> {
        value.map_err(|problem| self.0.push(problem)).ok()
    }

    /// Whether nothing was remembered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The configuration, if it could be built and nothing was remembered.
    ///
    /// # Errors
    /// Every problem remembered.
    pub fn into_result<T>(self, config: Option<T>) -> Result<T, Vec<InvalidSetting>> {
        match config {
            Some(config) if self.0.is_empty() => Ok(config),
            _ => Err(self.0),
        }
    }
}

/// All problems as the text that a process prints before it ends with exit code 2, one a line.
#[must_use]
pub fn report(problems: &[InvalidSetting]) -> impl Display + '_ {
    Report(problems)
}

struct Report<'a>(&'a [InvalidSetting]);

impl Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(formatter, "{problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_name_problem_and_fix() {
        let problem = InvalidSetting::new("MCP_X", "not a URL", "write https://…");
        assert_eq!(problem.to_string(), "MCP_X: not a URL. Fix: write https://….");
    }

    #[test]
    fn every_problem_is_reported_together() {
        let mut problems = Problems::new();
        let port = problems.check("MCP_X_PORT", "use a number", "x".parse::<u16>());
        let host = problems.take::<()>(Err(InvalidSetting::new("MCP_X_HOST", "empty", "leave it out")));
        let found = problems.into_result(port.zip(host)).unwrap_err();
        assert_eq!(found.iter().map(|problem| problem.name).collect::<Vec<_>>(), ["MCP_X_PORT", "MCP_X_HOST"]);
        assert_eq!(report(&found).to_string().lines().count(), 2);
    }

    #[test]
    fn a_configuration_without_problems_passes() {
        let mut problems = Problems::new();
        let port = problems.check("MCP_X_PORT", "use a number", "80".parse::<u16>());
        assert_eq!(problems.into_result(port), Ok(80));
    }
}
