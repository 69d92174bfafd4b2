//! What the target in `fuzz/` does with a hostile `WWW-Authenticate`, and what must hold whatever it is. Shared with
//! `fuzz/` as a file, so that fuzzing does not build the whole client; the client has none of it.

use http::{HeaderMap, HeaderValue, header};

use super::challenge::BearerChallenge;
use super::scope::Scope;

/// The lines of one answer: what is read of them is no longer than they are, and reads the same when written again.
pub(crate) fn www_authenticate(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(40) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }
    let Some(read) = BearerChallenge::from_headers(&headers) else { return };
    let texts = [&read.resource_metadata, &read.error, &read.error_description];
    let length: usize = texts.into_iter().flatten().map(String::len).sum();
    // A byte that is no UTF-8 is read as the replacement character of three bytes.
    assert!(length <= 3 * bytes.len());
    let scope = read.scope.as_ref().map(Scope::to_string);
    let members = [
        ("resource_metadata", read.resource_metadata.as_ref()),
        ("scope", scope.as_ref()),
        ("error", read.error.as_ref()),
        ("error_description", read.error_description.as_ref()),
    ];
    let quoted = |text: &String| text.replace('\\', r"\\").replace('"', "\\\"");
    let parameters = members.into_iter().filter_map(|(name, text)| Some(format!("{name}=\"{}\"", quoted(text?))));
    let scheme = if read.dpop { "DPoP" } else { "Bearer" };
    let written = format!("{scheme} {}", parameters.collect::<Vec<_>>().join(", "));
    // Escaping may have made it longer than anything that is read.
    if written.len() <= 8 * 1024 {
        assert_eq!(BearerChallenge::parse(&written).as_ref(), Some(&read), "{written}");
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn the_corpus_holds_what_must_hold() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/www_authenticate");
        let inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 5);
        for input in inputs {
            super::www_authenticate(&fs::read(input).unwrap());
        }
    }
}
