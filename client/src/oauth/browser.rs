//! Opens the person's browser: `$BROWSER`, else what the platform has; an argument list, never a shell.
//! MCP best practices "OAuth Authorization URL Validation".

use std::{ffi::OsString, io, process::Stdio};
use url::Url;

use super::{
    endpoint::{Endpoint, InvalidEndpoint},
    visit::Visits,
};

/// How to open a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Browser {
    /// With the first of these argument lists that starts; `%s` stands for the URL, which else comes last.
    Commands(Vec<Vec<OsString>>),
    /// Not at all: the person opens the printed URL.
    Disabled,
    /// Not here: the person is the visitor of a page of ours, and follows its link.
    Visitor(Visits),
}

/// Why no browser was opened.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The URL must not be opened.
    #[error("the sign-in page is not opened: {0}")]
    Url(#[from] InvalidEndpoint),
    /// No command could be started.
    #[error("no browser could be started ({0})")]
    Start(#[from] io::Error),
    /// There is no command to start.
    #[error("no browser is set up")]
    NoCommand,
}

impl Browser {
    /// From the value of `$BROWSER` (commands separated by `:`, arguments by spaces), else by platform.
    #[must_use]
    pub fn new(setting: Option<&str>) -> Self {
        let words = |command: &str| command.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        let mut commands: Vec<_> = setting.unwrap_or("").split(':').map(words).filter(|c| !c.is_empty()).collect();
        if commands.is_empty() {
            commands.push(words(PLATFORM_COMMAND));
        }
        Self::Commands(commands)
    }

    /// Opens `url` and does not wait for the browser to end.
    ///
    /// # Errors
    /// When the URL is neither https nor http on this computer, or nothing could be started.
    pub fn open(&self, url: &Url) -> Result<(), BrowserError> {
        Endpoint::parse(url.as_str())?;
        let Self::Commands(commands) = self else { return Ok(()) };
        let mut outcome = Err(BrowserError::NoCommand);
        for command in commands {
            outcome = start(command, url);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// `start` of Windows is a word of its shell, which reads `&`; this is the same thing without the shell.
const PLATFORM_COMMAND: &str = if cfg!(target_os = "windows") {
    "rundll32 url.dll,FileProtocolHandler"
} else if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

fn start(command: &[OsString], url: &Url) -> Result<(), BrowserError> {
    let (program, arguments) = arguments(command, url).ok_or(BrowserError::NoCommand)?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Waited for, so that no zombie stays; not killed with us, because the browser is the person's.
    tokio::spawn(async move { child.wait().await });
    Ok(())
}

fn arguments(command: &[OsString], url: &Url) -> Option<(OsString, Vec<OsString>)> {
    let (program, rest) = command.split_first()?;
    let placed = rest.iter().any(|argument| argument == "%s");
    let mut arguments: Vec<OsString> =
        rest.iter().map(|argument| if argument == "%s" { url.as_str().into() } else { argument.clone() }).collect();
    if !placed {
        arguments.push(url.as_str().into());
    }
    Some((program.clone(), arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("https://auth.example/authorize?a=1&b=2").unwrap()
    }

    #[test]
    fn the_url_is_one_argument_whatever_it_holds() {
        let Browser::Commands(commands) = Browser::new(Some("firefox --new-tab:lynx %s -accept")) else { panic!() };
        let lists: Vec<_> = commands.iter().map(|command| arguments(command, &url()).unwrap()).collect();
        let text = url().to_string();
        assert_eq!(lists[0], ("firefox".into(), vec!["--new-tab".into(), text.clone().into()]));
        assert_eq!(lists[1], ("lynx".into(), vec![text.into(), "-accept".into()]));
    }

    #[test]
    fn an_empty_setting_means_the_platforms_own() {
        for unset in [None, Some(""), Some(" : ")] {
            assert_eq!(Browser::new(unset), Browser::new(Some(PLATFORM_COMMAND)));
        }
    }

    #[tokio::test]
    async fn opens_neither_files_nor_scripts_nor_plain_http_elsewhere() {
        let never = Browser::new(Some("/nonexistent/never-started"));
        for bad in ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "http://auth.example/"] {
            let refused = never.open(&Url::parse(bad).unwrap());
            assert!(matches!(refused, Err(BrowserError::Url(InvalidEndpoint::InsecureScheme))), "{bad}");
        }
        assert!(matches!(never.open(&url()), Err(BrowserError::Start(_))));
        assert!(Browser::Disabled.open(&url()).is_ok());
    }
}
