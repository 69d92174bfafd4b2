//! `mcp-server explain`: what the configuration in force thinks of a token, check by check, with expected and
//! presented values. The verdict is that of the verifier which serves requests.

mod check;
mod explanation;
mod presented;
mod print;

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use verification_keys::{Clock, SystemClock, http};

pub use check::{Check, Outcome};
pub use explanation::{Explanation, Step};

use crate::cli::ExplainArgs;
use crate::config::Config;
use crate::resource_server::ResourceServer;

/// The most that is read from standard input, in bytes.
const LONGEST_INPUT: u64 = 64 * 1024;
/// How long the issuer's keys are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Explains the token of `args`, or of standard input. Exit code 0 if it is accepted, 1 if it is refused, 2 if
/// there is none.
///
/// # Errors
/// Standard input cannot be read, or nothing can be fetched at all.
pub async fn run(args: &ExplainArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let token = match args.token.as_deref() {
        None | Some("-") => from_stdin()?,
        Some(token) => token.to_owned(),
    };
    let Some(token) = bare(&token) else {
        eprintln!("no token: write it to standard input, as in `pbpaste | mcp-server explain`");
        return Ok(ExitCode::from(2));
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let client = http::client(&config.outgoing)?;
    let server = ResourceServer::new(config.options.clone(), &client, Arc::clone(&clock))?;
    // What is missing then is told by the verdict.
    let _ = tokio::time::timeout(PATIENCE, server.fetch_keys()).await;
    let explanation = Explanation::of(token, &config.options, &server, clock.now()).await;
    if args.json {
        serving::print(serde_json::to_string_pretty(&explanation)? + "\n")?;
    } else {
        serving::print(&explanation)?;
    }
    Ok(ExitCode::from(u8::from(!explanation.is_accepted())))
}

fn from_stdin() -> io::Result<String> {
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        eprintln!("paste the token, then Enter and Ctrl-D:");
    }
    let mut token = Vec::new();
    stdin.by_ref().take(LONGEST_INPUT).read_to_end(&mut token)?;
    Ok(String::from_utf8_lossy(&token).into_owned())
}

/// The token alone, though it may be copied with the header that it stood in.
fn bare(raw: &str) -> Option<&str> {
    let raw = raw.trim();
    let raw = raw.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).map_or(raw, |at| at.1);
    let raw = raw.trim();
    let raw = raw.split_once(' ').filter(|(word, _)| word.eq_ignore_ascii_case("bearer")).map_or(raw, |at| at.1);
    Some(raw.trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_come_with_its_header() {
        for raw in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "bearer  a.b.c", "Authorization: Bearer a.b.c\r\n"] {
            assert_eq!(bare(raw), Some("a.b.c"), "{raw}");
        }
        assert_eq!(bare(" \n"), None);
    }
}
