//! Flags, environment and `.env` become the command line of a process. A setting from the environment that clap
//! cannot read is told like every other wrong setting, by its name and together with the rest; an empty one counts as
//! left out, so that a template may be filled in part by part.

use crate::settings::InvalidSetting;
use clap::{
    Arg, ArgAction, Command, Parser,
    builder::{OsStr, Resettable},
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{error::Error as _, ffi::OsString, path::Path};

/// Reads `.env` (of this folder or of one above), then flags and environment, and hands them to `judge`.
/// Ends the process for `--help`, `--version` and wrong flags, as clap does. Not to be called when other threads run.
///
/// # Errors
/// Every problem: those of `.env`, those of single settings, and those that `judge` finds.
pub fn read<Cli: Parser, Config>(
    judge: impl FnOnce(Cli) -> Result<Config, Vec<InvalidSetting>>,
) -> Result<Config, Vec<InvalidSetting>> {
    read_env_file(dotenvy::dotenv().map(drop))?;
    from_process(judge)
}

/// As [`read()`], with the `.env` at `file`, which may be missing.
///
/// # Errors
/// As [`read()`].
pub fn read_with<Cli: Parser, Config>(
    file: &Path,
    judge: impl FnOnce(Cli) -> Result<Config, Vec<InvalidSetting>>,
) -> Result<Config, Vec<InvalidSetting>> {
    read_env_file(dotenvy::from_path(file))?;
    from_process(judge)
}

/// A broken line ends the file for dotenvy, so going on would leave out settings without a word. What stands in the
/// line may be a secret: only its name is shown.
fn read_env_file(read: Result<(), dotenvy::Error>) -> Result<(), Vec<InvalidSetting>> {
    let problem = match read {
        Err(dotenvy::Error::LineParse(line, _)) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            let is_name =
                !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if is_name { format!("the line of {name} cannot be read") } else { "a line cannot be read".to_owned() }
        }
        Err(error) if !error.not_found() => error.to_string(),
        Ok(()) | Err(_) => return Ok(()),
    };
    let fix = "write NAME=value, with quotation marks around a value that holds spaces, quotes or #";
    Err(vec![InvalidSetting::new(".env", problem, fix)])
}

fn from_process<Cli: Parser, Config>(
    judge: impl FnOnce(Cli) -> Result<Config, Vec<InvalidSetting>>,
) -> Result<Config, Vec<InvalidSetting>> {
    #[expect(clippy::disallowed_methods, reason = "here the settings are read")]
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    // Every setting may also stand after a subcommand.
    let command = without_empty(Cli::command().mut_args(|arg| arg.global(true)), &is_empty);
    let arguments: Vec<_> = std::env::args_os().collect();
    let (cli, mut problems) = parse::<Cli>(command, &arguments).unwrap_or_else(|error| error.exit());
    match judge(cli) {
        Ok(config) if problems.is_empty() => Ok(config),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

fn without_empty(command: Command, is_empty: &impl Fn(&OsStr) -> bool) -> Command {
    let command = command.mut_args(|arg| {
        let empty = arg.get_env().is_some_and(|name| is_empty(&OsStr::from(name.to_os_string())));
        if empty { arg.env(Resettable::Reset) } else { arg }
    });
    command.mut_subcommands(|subcommand| without_empty(subcommand, is_empty))
}

/// Leaves out one setting that cannot be read after the other, until what is left can.
fn parse<Cli: Parser>(mut command: Command, arguments: &[OsString]) -> Result<(Cli, Vec<InvalidSetting>), clap::Error> {
    let mut problems = Vec::new();
    loop {
        let error = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) => return Ok((Cli::from_arg_matches(&matches)?, problems)),
            Err(error) => error,
        };
        let Some((id, problem)) = unreadable(command.clone(), &error) else { return Err(error) };
        problems.push(problem);
        // Now that it has no environment variable, it cannot come again.
        command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
    }
}

/// The setting that `error` is about, and what is wrong with it; none if the value may come from a flag.
fn unreadable(mut command: Command, error: &clap::Error) -> Option<(clap::Id, InvalidSetting)> {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    // Only then do its arguments know how they are shown.
    command.build();
    let arg = command.get_arguments().find(|arg| arg.to_string() == *flag)?;
    #[expect(clippy::disallowed_methods, reason = "here the settings are read")]
    let set = std::env::var_os(arg.get_env()?)?;
    if set.to_string_lossy() != *value {
        return None;
    }
    // Once for each setting at most, and only before the process ends.
    let name = arg.get_env()?.to_string_lossy().into_owned().leak();
    let cause = error.source().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let problem = format!("{value:?} cannot be used{cause}");
    Some((arg.get_id().clone(), InvalidSetting::new(name, problem, expectation(arg, error))))
}

fn expectation(arg: &Arg, error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) if !words.is_empty() => format!("use {}", words.join(" or ")),
        _ if matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse) => "use true or false".to_owned(),
        _ => "use a whole number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    // Tests cannot set variables, but these are always there: cargo sets them.
    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[arg(long, env = "CARGO_PKG_NAME", default_value_t = 7)]
        port: u16,
        #[arg(long, env = "CARGO_PKG_VERSION", value_parser = clap::builder::BoolishValueParser::new())]
        on: bool,
        #[arg(long, env = "CARGO_MANIFEST_DIR", default_value = "text")]
        format: crate::logging::LogFormat,
        #[arg(long)]
        count: Option<u8>,
    }

    fn arguments(flags: &[&str]) -> Vec<OsString> {
        std::iter::once("x").chain(flags.iter().copied()).map(OsString::from).collect()
    }

    #[test]
    fn every_setting_that_cannot_be_read_is_named_with_its_value_and_what_is_expected() {
        let (_, problems) = parse::<Cli>(Cli::command(), &arguments(&[])).unwrap();
        let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(
            shown[0],
            "CARGO_PKG_NAME: \"serving\" cannot be used (invalid digit found in string). Fix: use a whole number."
        );
        assert!(shown[1].starts_with("CARGO_PKG_VERSION: ") && shown[1].ends_with("Fix: use true or false."));
        assert!(shown[2].starts_with("CARGO_MANIFEST_DIR: ") && shown[2].ends_with("Fix: use text or json."));
    }

    #[test]
    fn an_empty_setting_is_left_out() {
        let command = without_empty(Cli::command(), &|_: &OsStr| true);
        let (cli, problems) = parse::<Cli>(command, &arguments(&[])).unwrap();
        assert_eq!((cli.port, cli.on, problems), (7, false, Vec::new()));
    }

    #[test]
    fn a_wrong_flag_is_clap_s_to_tell() {
        for flags in [&["--count", "many"][..], &["--port", "many"], &["--nonsense"], &["--help"]] {
            let command = without_empty(Cli::command(), &|_: &OsStr| true);
            assert!(parse::<Cli>(command, &arguments(flags)).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn a_broken_env_file_is_a_problem_that_shows_no_value_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        assert_eq!(read_env_file(dotenvy::from_path(&file)), Ok(()));
        std::fs::write(&file, "PORTCULLIS_TEST_SECRET=\"hunter2\n").unwrap();
        let problems = read_env_file(dotenvy::from_path(&file)).unwrap_err();
        let shown = problems[0].to_string();
        assert!(shown.starts_with(".env: the line of PORTCULLIS_TEST_SECRET cannot be read"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
