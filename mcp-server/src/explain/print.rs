//! The explanation for people.

use std::fmt;

use super::check::Outcome;
use super::explanation::{Explanation, Step};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checks.iter().try_for_each(|step| write_step(f, step))?;
        if !self.signature_verified {
            writeln!(f, "\nNo signature was verified: anybody may have written what is presented.")?;
        }
        match (self.reason, &self.description) {
            (Some(reason), Some(description)) => writeln!(f, "\nrefused: {reason} ({}): {description}", self.status)?,
            _ => writeln!(f, "\naccepted, scopes: {}", self.scopes.as_deref().unwrap_or_default())?,
        }
        if let Some(reason) = self.would_refuse {
            writeln!(f, "MCP_RESOURCE_OAUTH_STRICT=true would refuse it: {reason}")?;
        }
        self.remedy.as_ref().map_or(Ok(()), |remedy| writeln!(f, "what to do: {remedy}"))
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    let mark = match step.outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
        Outcome::NotReached => "-",
        Outcome::NotNeeded => "not needed",
    };
    writeln!(f, "{mark:<11}{:<15}expected   {}", step.check.name(), step.expected)?;
    match &step.presented {
        Some(presented) => writeln!(f, "{:<26}presented  {presented}", ""),
        None => Ok(()),
    }
}
