//! All findings, for people and for machines.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::json;
use serving::settings::InvalidSetting;

use super::fault::{Fault, Finding, Severity};

/// What an examination has found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    good: Vec<String>,
}

impl Report {
    pub(super) fn of_settings(problems: &[InvalidSetting]) -> Self {
        let findings = problems.iter().map(|problem| Finding::new(Fault::SettingInvalid, problem.to_string()));
        Self { findings: findings.collect(), good: Vec::new() }
    }

    pub(super) fn add(&mut self, fault: Fault, detail: impl Into<String>) {
        self.findings.push(Finding::new(fault, detail));
    }

    /// Notes what is as it should be.
    pub(super) fn good(&mut self, what: impl Into<String>) {
        self.good.push(what.into());
    }

    /// Everything found, in the order of the examination.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// 0 for nothing that matters, 1 for a warning, 2 for an error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.findings.iter().map(|finding| finding.fault.severity()).max() {
            None | Some(Severity::Info) => 0,
            Some(Severity::Warning) => 1,
            Some(Severity::Error) => 2,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.good.iter().try_for_each(|good| writeln!(f, "ok       {good}"))?;
        for Finding { fault, detail } in &self.findings {
            let mark = match fault.severity() {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Error => "ERROR",
            };
            writeln!(f, "{mark:<9}{}: {}", fault.id(), fault.what())?;
            writeln!(f, "{:<9}  found: {detail}", "")?;
            writeln!(f, "{:<9}  fix:   {}", "", fault.fix())?;
        }
        let count = |severity| self.findings.iter().filter(|finding| finding.fault.severity() == severity).count();
        writeln!(f, "\n{} errors, {} warnings", count(Severity::Error), count(Severity::Warning))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finding = |Finding { fault, detail }: &Finding| {
            json!({
                "id": fault.id(), "severity": fault.severity(), "what": fault.what(), "found": detail,
                "fix": fault.fix(),
            })
        };
        let findings: Vec<_> = self.findings.iter().map(finding).collect();
        let mut report = serializer.serialize_struct("Report", 3)?;
        report.serialize_field("exit_code", &self.exit_code())?;
        report.serialize_field("findings", &findings)?;
        report.serialize_field("good", &self.good)?;
        report.end()
    }
}
