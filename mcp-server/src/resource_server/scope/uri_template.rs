//! URIs of resources with variables, as in `user://notes/{note_id}` (RFC 6570, simple expansion).

/// A URI, or a template of URIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UriTemplate {
    /// What comes before the first variable.
    start: Box<str>,
    /// What comes after each variable.
    rest: Vec<Box<str>>,
}

impl UriTemplate {
    /// A URI without variables.
    pub(super) fn exact(uri: &str) -> Self {
        Self { start: uri.into(), rest: Vec::new() }
    }

    /// `{name}` stands for any text without a slash. A brace without its partner is text.
    pub(super) fn parse(template: &str) -> Self {
        let mut pieces = template.split('{');
        let mut parsed = Self::exact(pieces.next().unwrap_or_default());
        for piece in pieces {
            match (piece.split_once('}'), parsed.rest.last_mut()) {
                (Some((_, literal)), _) => parsed.rest.push(literal.into()),
                (None, Some(last)) => *last = format!("{last}{{{piece}").into(),
                (None, None) => parsed.start = format!("{}{{{piece}", parsed.start).into(),
            }
        }
        parsed
    }

    pub(super) fn matches(&self, uri: &str) -> bool {
        uri.strip_prefix(&*self.start).is_some_and(|uri| follows(&self.rest, uri))
    }
}

/// Whether `uri` is a variable and a literal, as often as there are literals.
fn follows(literals: &[Box<str>], uri: &str) -> bool {
    let Some((literal, others)) = literals.split_first() else {
        return uri.is_empty();
    };
    let segment = uri.find('/').unwrap_or(uri.len());
    let ends = uri.char_indices().map(|(at, _)| at).chain([uri.len()]).take_while(|&end| end <= segment);
    ends.filter_map(|end| uri.get(end..)?.strip_prefix(&**literal)).any(|uri| follows(others, uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_any_text_without_a_slash() {
        let notes = UriTemplate::parse("user://notes/{note_id}");
        for uri in ["user://notes/1", "user://notes/", "user://notes/ä?x#y", "user://notes/{note_id}"] {
            assert!(notes.matches(uri), "{uri}");
        }
        for uri in ["user://notes", "user://notes/1/2", "USER://notes/1", "user://profile", " user://notes/1"] {
            assert!(!notes.matches(uri), "{uri}");
        }
        let two = UriTemplate::parse("x://{a}/{b}.txt");
        assert!(two.matches("x://1/2.txt") && two.matches("x://1/a.txt.txt"));
        assert!(!two.matches("x://1/2.tx") && !two.matches("x://1/2/3.txt"));
    }

    #[test]
    fn without_variables_it_is_the_text() {
        assert!(UriTemplate::parse("user://profile").matches("user://profile"));
        assert!(!UriTemplate::parse("user://profile").matches("user://profile/"));
        let odd = UriTemplate::parse("x://a}b{c");
        assert!(odd.matches("x://a}b{c") && !odd.matches("x://ab"));
        assert!(UriTemplate::exact("x://{a}").matches("x://{a}") && !UriTemplate::exact("x://{a}").matches("x://b"));
    }
}
