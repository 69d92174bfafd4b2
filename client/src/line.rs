//! A line of the prompt: split into words as a shell does, except that JSON needs no quotation marks around it, and
//! read by the same definitions as the program's command line.

use clap::{Parser as _, error::ErrorKind};

use crate::{
    terminal::sanitize,
    verbs::{Line, help},
};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Nothing,
    /// A command.
    Run(Line),
    /// Words to show.
    Say(String),
    /// Sentences saying what is wrong with the line.
    Unclear(String),
}

/// Reads a line.
#[must_use]
pub fn parse(line: &str) -> Input {
    let words = match split(line) {
        Some(words) if words.is_empty() => return Input::Nothing,
        Some(words) => words,
        None => {
            let sentence = "A quotation mark has no partner. Put \\ before one that stands for itself, as in it\\'s.";
            return Input::Unclear(sentence.to_owned());
        }
    };
    if words == ["?"] {
        return Input::Say(help(None).unwrap_or_default());
    }
    match Line::try_parse_from(&words) {
        Ok(line) => Input::Run(line),
        Err(error) => explain(&error),
    }
}

/// What clap says, without the parts that are about a program; it repeats the person's words.
fn explain(error: &clap::Error) -> Input {
    let said = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelp {
        return Input::Say(sanitize(&said));
    }
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let lines = said.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let bracketed = |line: &str| line.strip_prefix("tip: ").map_or_else(|| line.to_owned(), |tip| format!("({tip})"));
    let words: Vec<String> = lines.map(str::trim).filter(|line| !line.is_empty()).map(bracketed).collect();
    Input::Unclear(format!("{}. Type help for the commands.", sanitize(&words.join(" ")).trim_end_matches('.')))
}

/// The words of a line; `None` when a quotation mark has no partner.
#[must_use]
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = json_word(rest).map_or_else(|| shell_word(rest), Some)?;
        words.push(word);
        rest = after.trim_start();
    }
    Some(words)
}

/// `{…}`, `[…]`, `key={…}` or `key=[…]` at the beginning of `text`, whole, and what follows. What begins like an object
/// and is none goes to the end, so that it can be told what is wrong with it.
fn json_word(text: &str) -> Option<(String, &str)> {
    let opens = text.find(['{', '['])?;
    let key = text.get(..opens)?;
    if key.contains(|letter: char| letter.is_whitespace() || "\"'\\".contains(letter))
        || !(key.is_empty() || key.ends_with('='))
    {
        return None;
    }
    let json = text.get(opens..)?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<serde::de::IgnoredAny>();
    let read = values.next().is_some_and(|value| value.is_ok());
    let end = opens.checked_add(values.byte_offset()).filter(|_| read);
    let ends =
        |end: &usize| text.get(*end..).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    match end.filter(ends) {
        Some(end) => text.split_at_checked(end).map(|(word, rest)| (word.to_owned(), rest)),
        None => (key.is_empty() && json.starts_with('{')).then(|| (text.trim_end().to_owned(), "")),
    }
}

/// The first word of `text`, and what follows. `#` begins no comment here.
fn shell_word(text: &str) -> Option<(String, &str)> {
    let (word, rest) = text.split_at_checked(word_end(text))?;
    let word = if word.starts_with('#') { format!("\\{word}") } else { word.to_owned() };
    Some((shlex::split(&word)?.pop().unwrap_or_default(), rest))
}

/// Where the first word ends: at white space outside quotation marks.
fn word_end(text: &str) -> usize {
    let (mut quote, mut escaped) = (None, false);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, letter) if letter.is_ascii_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::{PromptCommand, Verb};

    fn run(line: &str) -> PromptCommand {
        match parse(line) {
            Input::Run(line) => line.command,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn call(tool: &str, arguments: &[&str]) -> PromptCommand {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        PromptCommand::Verb(Verb::Call { tool: tool.into(), arguments })
    }

    #[test]
    fn json_needs_no_quotation_marks() {
        assert_eq!(run("call get_time"), call("get_time", &[]));
        assert_eq!(run("  call  get_time  {\"a\": \"b c\"} "), call("get_time", &["{\"a\": \"b c\"}"]));
        assert_eq!(run("call t {\"a\": \"}\"} --json"), call("t", &["{\"a\": \"}\"}"]));
        assert_eq!(run("call t '{\"a\": \"b c\"}'"), call("t", &["{\"a\": \"b c\"}"]));
        assert_eq!(
            run("call t o={\"a\": \"b c\"} l=[1, 2] s=x"),
            call("t", &["o={\"a\": \"b c\"}", "l=[1, 2]", "s=x"])
        );
        assert_eq!(run("call t {\"a\": it's} x"), call("t", &["{\"a\": it's} x"]));
    }

    #[test]
    fn words_are_split_as_in_a_shell() {
        let words = |line: &str| split(line).unwrap();
        assert_eq!(words("a  'b c' \"d \\\" e\" f\\ g"), ["a", "b c", "d \" e", "f g"]);
        assert_eq!(words("text='it is [here' x=\"a b\"y z=[no"), ["text=it is [here", "x=a by", "z=[no"]);
        assert_eq!(words("a '' #b"), ["a", "", "#b"]);
        assert_eq!(words("e={x 東京 ü"), ["e={x", "東京", "ü"]);
        assert_eq!(split("text=it's"), None);
    }

    #[test]
    fn what_is_not_a_command_is_answered_with_a_sentence() {
        assert_eq!(parse("  "), Input::Nothing);
        for (line, said) in [
            ("lst", "unrecognized subcommand 'lst' (a similar subcommand exists: 'list'). Type help for the commands."),
            ("list all", "unexpected argument 'all' found. Type help for the commands."),
            ("call", "the following required arguments were not provided: <TOOL>. Type help for the commands."),
        ] {
            assert_eq!(parse(line), Input::Unclear(said.into()));
        }
        assert!(matches!(parse("call 'x"), Input::Unclear(said) if said.contains("quotation mark")));
    }

    #[test]
    fn every_word_of_the_help_is_a_command_and_has_a_page() {
        let table = help(None).unwrap();
        assert!(table.starts_with("list"), "{table}");
        for line in table.lines() {
            let word = line.split_whitespace().next().unwrap();
            let page = help(Some(word)).unwrap_or_else(|| panic!("{word}"));
            assert!(page.contains("Usage: "), "{page}");
            assert!(!matches!(parse(word), Input::Unclear(said) if said.contains("unrecognized")), "{word}");
        }
        assert_eq!(help(Some("lst")), None);
        assert_eq!(parse("?"), Input::Say(table));
    }
}
