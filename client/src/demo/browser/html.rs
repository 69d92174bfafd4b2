//! The forms of an HTML page, read as a browser without scripts reads them: controls, buttons, where they are sent.

/// One `<form>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// `action` as written; empty means the page itself.
    pub action: String,
    /// Whether `method` is `post`.
    pub is_post: bool,
    /// Controls that are sent whichever button is pressed, in order.
    pub fields: Vec<Field>,
    /// Submit buttons, in order.
    pub buttons: Vec<Button>,
}

/// A named control with the value it has when the page is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// `name`.
    pub name: String,
    /// `value`.
    pub value: String,
    /// `type`, in lower case.
    pub kind: String,
}

/// A submit button; its name and value are sent only when it is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// `name`, empty when there is none.
    pub name: String,
    /// `value`.
    pub value: String,
    /// What a person reads on it.
    pub label: String,
}

impl Form {
    /// The control that a person types a password into.
    #[must_use]
    pub fn password(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.kind == "password")
    }

    /// The first control that a person types plain text into.
    #[must_use]
    pub fn text(&self) -> Option<&Field> {
        self.fields.iter().find(|field| matches!(field.kind.as_str(), "text" | "email"))
    }

    /// The button whose label begins with `word`, in any case.
    #[must_use]
    pub fn button(&self, word: &str) -> Option<&Button> {
        self.buttons.iter().find(|button| button.label.to_ascii_lowercase().starts_with(&word.to_ascii_lowercase()))
    }

    fn add_input(&mut self, tag: &Tag<'_>) {
        let kind = tag.attribute("type").unwrap_or_else(|| "text".to_owned()).to_ascii_lowercase();
        let name = tag.attribute("name").unwrap_or_default();
        let value = tag.attribute("value");
        match kind.as_str() {
            "submit" | "image" => {
                let value = value.unwrap_or_else(|| "Submit".to_owned());
                self.buttons.push(Button { name, label: value.clone(), value });
            }
            "checkbox" | "radio" if tag.attribute("checked").is_none() => {}
            "button" | "reset" | "file" => {}
            "checkbox" | "radio" => self.fields.push(Field { name, value: value.unwrap_or_else(|| "on".into()), kind }),
            _ => self.fields.push(Field { name, value: value.unwrap_or_default(), kind }),
        }
    }

    fn add_button(&mut self, tag: &Tag<'_>) {
        let kind = tag.attribute("type").unwrap_or_else(|| "submit".to_owned());
        if kind.eq_ignore_ascii_case("submit") {
            let (name, value) = (tag.attribute("name").unwrap_or_default(), tag.attribute("value").unwrap_or_default());
            self.buttons.push(Button { name, value, label: decoded(tag.text.trim()) });
        }
    }
}

/// All forms of a page, in order.
#[must_use]
pub fn forms(page: &str) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in (Tags { rest: page }) {
        if tag.name == "form" {
            let is_post = tag.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
            found.push(Form { action: tag.attribute("action").unwrap_or_default(), is_post, ..Form::default() });
        }
        is_open = match tag.name.as_str() {
            "form" => true,
            "/form" => false,
            _ => is_open,
        };
        if let Some(form) = found.last_mut().filter(|_| is_open) {
            match tag.name.as_str() {
                "input" => form.add_input(&tag),
                "button" => form.add_button(&tag),
                _ => {}
            }
        }
    }
    found
}

/// A tag and the text up to the next one.
struct Tag<'a> {
    name: String,
    attributes: &'a str,
    text: &'a str,
}

struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let (_, mut inside) = self.rest.split_once('<')?;
        while let Some(comment) = inside.strip_prefix("!--") {
            (_, inside) = comment.split_once("-->")?.1.split_once('<')?;
        }
        let end = tag_end(inside)?;
        let (tag, after) = inside.split_at_checked(end)?;
        let after = after.get(1..)?;
        let name_end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(name_end)?;
        let name = name.trim_end_matches('/').to_ascii_lowercase();
        let closing = match name.as_str() {
            "script" => "</script",
            "style" => "</style",
            "title" => "</title",
            _ => "<",
        };
        let text_end = after.find(closing).unwrap_or(after.len());
        let (text, rest) = after.split_at_checked(text_end)?;
        self.rest = rest;
        Some(Tag { name, attributes, text })
    }
}

/// Position of the `>` that ends a tag; one inside quotes does not.
fn tag_end(inside: &str) -> Option<usize> {
    let mut quote = None;
    inside.char_indices().find_map(|(at, character)| {
        match (quote, character) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        None
    })
}

impl Tag<'_> {
    /// The decoded value of an attribute; empty for one without a value.
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            let name_end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/').unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(name_end)?;
            if name.is_empty() && after.is_empty() {
                return None;
            }
            let (value, after) = match after.trim_start().strip_prefix('=') {
                Some(raw) => attribute_value(raw.trim_start())?,
                None => ("", after),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decoded(value));
            }
            rest = after;
        }
    }
}

fn attribute_value(raw: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = raw.strip_prefix(quote) {
            return quoted.split_once(quote);
        }
    }
    raw.split_at_checked(raw.find(|c: char| c.is_ascii_whitespace()).unwrap_or(raw.len()))
}

/// Character references replaced: the five named ones of XML, and all numeric ones.
fn decoded(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        result.push_str(before);
        let reference = after.split_once(';').and_then(|(name, tail)| Some((character(name)?, tail)));
        if let Some((character, tail)) = reference {
            result.push(character);
            rest = tail;
        } else {
            result.push('&');
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = reference.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hidden_inputs_and_what_a_person_fills_in() {
        let page = r#"<title>a <form> b</title><form method="POST" action="/login?a=1&amp;b=2"><!-- <input name=no> -->
            <input type=hidden name="csrf" value="x&#38;y&quot;"/><label>Name<input name='username' autocomplete="username"></label>
            <input name=password type="password" required><button class="b>c">Sign in</button></form><input name=outside>"#;
        let [form] = &forms(page)[..] else { panic!("one form expected") };
        assert!(form.is_post);
        assert_eq!(form.action, "/login?a=1&b=2");
        let names: Vec<_> = form.fields.iter().map(|f| (f.name.as_str(), f.value.as_str(), f.kind.as_str())).collect();
        assert_eq!(names, [("csrf", "x&y\"", "hidden"), ("username", "", "text"), ("password", "", "password")]);
        assert_eq!(form.password().unwrap().name, "password");
        assert_eq!(form.text().unwrap().name, "username");
        assert_eq!(form.button("sign in").unwrap().name, "");
    }

    #[test]
    fn a_button_is_found_by_what_a_person_reads_on_it() {
        let page = r#"<form action=""><button name="decision" value="allow">Allow</button>
            <input type="submit" name="decision" value="Deny"><button type="button">Allow all</button>
            <input type=checkbox name=a><input type=checkbox name=b checked></form>"#;
        let [form] = &forms(page)[..] else { panic!("one form expected") };
        assert_eq!(form.button("allow").unwrap().value, "allow");
        assert_eq!(form.button("deny").unwrap().value, "Deny");
        assert_eq!(form.buttons.len(), 2);
        assert_eq!(form.fields, [Field { name: "b".into(), value: "on".into(), kind: "checkbox".into() }]);
        assert!(!form.is_post);
    }

    #[test]
    fn broken_markup_ends_the_reading_and_nothing_else() {
        for page in ["<form", "<form action=\"", "<", "<!--", "<form><input name=", "a < b", "<form =x><input ==>"] {
            assert!(forms(page).iter().all(|form| form.buttons.is_empty()), "{page}");
        }
        assert_eq!(decoded("a & b &bogus; &#x41;&#66;"), "a & b &bogus; AB");
    }
}
