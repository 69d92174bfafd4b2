//! How the fields of a text log line are written: as `name=value`. Some hold words of strangers, as a header or a name, so no
//! character gets through that could steer a terminal, begin another line or turn the reading direction.

use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// See the module.
#[derive(Debug)]
pub(super) struct HarmlessFields;

impl<'writer> FormatFields<'writer> for HarmlessFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { line: Harmless(writer), separator: "", result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Visitor<'writer> {
    line: Harmless<'writer>,
    separator: &'static str,
    result: fmt::Result,
}

impl Visitor<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        // What a line of the `log` crate says about itself stands elsewhere in the line.
        if self.result.is_err() || name.starts_with("log.") {
            return;
        }
        let separator = std::mem::replace(&mut self.separator, " ");
        self.result = match name {
            "message" => write!(self.line, "{separator}{value}"),
            name => write!(self.line, "{separator}{}={value}", name.trim_start_matches("r#")),
        };
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.write(field, format_args!("{value}"));
        } else {
            self.write(field, format_args!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

struct Harmless<'writer>(Writer<'writer>);

impl Write for Harmless<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| self.write_char(character))
    }

    fn write_char(&mut self, character: char) -> fmt::Result {
        let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || character.is_control() {
            return write!(self.0, "{}", character.escape_default());
        }
        self.0.write_char(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };
    use tracing_subscriber::fmt::layer;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(say: impl FnOnce()) -> String {
        let lines = Lines::default();
        let made = lines.clone();
        let logs = layer().with_writer(move || made.clone()).with_ansi(false).without_time().fmt_fields(HarmlessFields);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(logs), say);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn fields_stand_behind_the_message_as_before() {
        let line = logged(|| tracing::info!(status = 200, host = "a", tool = %"get_time", "answered {}", 1));
        assert!(line.ends_with("answered 1 status=200 host=\"a\" tool=get_time\n"), "{line}");
    }

    #[test]
    fn words_of_strangers_neither_steer_a_terminal_nor_forge_a_line() {
        let hostile = "a\u{1b}]0;x\u{7}\r\nWARN forged\u{9b}2J\u{202e}b";
        let line = logged(|| tracing::warn!(tool = %hostile, named = hostile, "said {hostile}"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains("tool=a\\u{1b}]0;x\\u{7}\\r\\nWARN forged\\u{9b}2J\\u{202e}b"), "{line}");
    }

    #[test]
    fn fields_of_spans_are_harmless_too() {
        let line = logged(|| tracing::info_span!("request", path = %"/\u{1b}[2J\n").in_scope(|| tracing::info!("x")));
        assert!(line.contains("path=/\\u{1b}[2J\\n}"), "{line:?}");
    }
}
