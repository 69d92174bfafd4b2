//! What the client says about pages (OIDC Core §3.1.2.1): `prompt`, `max_age`, `login_hint`. Pure.

use super::request::Wrong;
use crate::{
    domain::{Authentication, Username},
    protocol::{ErrorCode, Parameters},
};
use jiff::{SignedDuration, Timestamp};

/// Which pages the client wants the person to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// `none`: no page may be shown.
    pub silent: bool,
    /// `login` or `select_account`: the person has to sign in, signed in or not.
    pub login: bool,
    /// `consent`: the person has to be asked, remembered consent or not.
    pub consent: bool,
    /// `max_age`: how old the sign-in may be.
    pub max_age: Option<SignedDuration>,
    /// `login_hint`: the name that the page to sign in starts with, where it can be one.
    pub login_hint: Option<Username>,
}

impl Prompt {
    /// Reads the three parameters.
    ///
    /// # Errors
    /// An unknown word, `none` beside another word, a `max_age` that is no number of seconds, a repeated parameter.
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, Wrong> {
        let mut prompt = Self {
            max_age: once(parameters, "max_age")?.map(max_age).transpose()?,
            // A hint that cannot be a name of ours is no mistake: the client may know the person by another one.
            login_hint: once(parameters, "login_hint")?.and_then(login_hint),
            ..Self::default()
        };
        for word in once(parameters, "prompt")?.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.silent = true,
                // The page to sign in is where another account is chosen.
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(wrong("prompt has to be none, or of login, consent, select_account")),
            }
        }
        if prompt.silent && (prompt.login || prompt.consent) {
            return Err(wrong("prompt=none stands alone"));
        }
        Ok(prompt)
    }

    /// Whether somebody who proved who they are like this has to do it again.
    pub(super) fn asks_to_sign_in_again(&self, authentication: &Authentication, now: Timestamp) -> bool {
        let age = now.duration_since(authentication.at);
        self.login || self.max_age.is_some_and(|max_age| age > max_age || max_age.is_zero())
    }
}

/// Shown on a page in the name of whoever made the link, so it is held to what names are made of.
fn login_hint(raw: &str) -> Option<Username> {
    let plain = raw.chars().all(|c| c.is_alphanumeric() || " ._@+-".contains(c));
    if plain { Username::parse(raw).ok() } else { None }
}

fn max_age(raw: &str) -> Result<SignedDuration, Wrong> {
    let digits = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u32> = if digits { raw.parse().ok() } else { None };
    seconds
        .map(|seconds| SignedDuration::from_secs(seconds.into()))
        .ok_or_else(|| wrong("max_age has to be a number of seconds"))
}

fn once<'a>(parameters: &'a Parameters, name: &str) -> Result<Option<&'a str>, Wrong> {
    parameters.once(name).map_err(|_| wrong("a parameter is repeated"))
}

fn wrong(description: &str) -> Wrong {
    (ErrorCode::InvalidRequest, description.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AuthenticationContext;
    use jiff::ToSpan as _;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn parse(query: &str) -> Result<Prompt, Wrong> {
        Prompt::parse(&Parameters::parse(query.as_bytes()).unwrap())
    }

    fn signed_in(seconds_ago: i64) -> Authentication {
        Authentication { at: NOW - seconds_ago.seconds(), context: AuthenticationContext::Password }
    }

    #[test]
    fn the_words_of_prompt_are_the_known_ones_and_none_stands_alone() {
        assert_eq!(parse("").unwrap(), Prompt::default());
        assert_eq!(parse("prompt=").unwrap(), Prompt::default());
        assert_eq!(parse("prompt=none").unwrap(), Prompt { silent: true, ..Prompt::default() });
        let both = Prompt { login: true, consent: true, ..Prompt::default() };
        for words in ["login+consent", "consent%20login", "select_account+consent", "consent++login+login"] {
            assert_eq!(parse(&format!("prompt={words}")).unwrap(), both, "{words}");
        }
        for words in ["none+login", "consent+none", "create", "None", "login,consent", "login%09consent"] {
            assert_eq!(parse(&format!("prompt={words}")).unwrap_err().0, ErrorCode::InvalidRequest, "{words}");
        }
    }

    #[test]
    fn max_age_is_a_number_of_seconds() {
        for (raw, seconds) in [("0", 0), ("3600", 3600), ("4294967295", 4_294_967_295)] {
            let expected = Some(SignedDuration::from_secs(seconds));
            assert_eq!(parse(&format!("max_age={raw}")).unwrap().max_age, expected);
        }
        for raw in ["-1", "%2B1", "1.5", "1e3", "x", "4294967296"] {
            assert_eq!(parse(&format!("max_age={raw}")).unwrap_err().0, ErrorCode::InvalidRequest, "{raw}");
        }
    }

    #[test]
    fn a_sign_in_is_too_old_when_it_is_older_than_max_age() {
        for (query, seconds_ago, again) in [
            ("", 100_000, false),
            ("max_age=60", 60, false),
            ("max_age=60", 61, true),
            ("max_age=0", 0, true),
            ("prompt=login", 0, true),
            ("prompt=consent", 100, false),
        ] {
            let prompt = parse(query).unwrap();
            assert_eq!(prompt.asks_to_sign_in_again(&signed_in(seconds_ago), NOW), again, "{query} {seconds_ago}");
        }
    }

    #[test]
    fn a_hint_that_is_no_name_is_left_out() {
        assert_eq!(parse("login_hint=ann@example.com").unwrap().login_hint.unwrap().as_str(), "ann@example.com");
        for odd in ["%07", "", "%3Cb%3E", "%7B%7B7*7%7D%7D", &"x".repeat(200)] {
            assert_eq!(parse(&format!("login_hint={odd}")).unwrap().login_hint, None);
        }
    }
}
