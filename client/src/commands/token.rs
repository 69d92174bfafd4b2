//! `token` and `login`: what the held token says, how long it lives; the token itself only with `--reveal`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Report, show::to_json};
use crate::{
    app::App,
    decoded::{Decoded, time},
    oauth::sign_in::Held,
    terminal::{BOLD, sanitize_line, styled},
    verbs::Format,
};

/// What `token` prints.
pub(super) fn report(app: &App, reveal: bool, format: Format) -> Report {
    let Some(held) = app.held() else { return no_token(app, format) };
    let decoded = Decoded::read(&held.token);
    match format {
        Format::Json => Report::success(to_json(&document(held, decoded.as_ref(), app.now(), reveal))),
        Format::Text if reveal => Report::success(held.token.reveal().to_owned()),
        Format::Text => Report::success(text(held, decoded.as_ref(), app.now())),
    }
}

/// What `login` prints.
pub(super) fn signed_in(app: &App, format: Format) -> Report {
    let Some(held) = app.held() else { return no_token(app, format) };
    match format {
        Format::Json => {
            Report::success(to_json(&document(held, Decoded::read(&held.token).as_ref(), app.now(), false)))
        }
        Format::Text => {
            let end = held.expires_at.map(|end| format!("; {}", left(end, app.now()))).unwrap_or_default();
            Report::success(format!("You are signed in to {}{end}.", sanitize_line(&app.server())))
        }
    }
}

fn no_token(app: &App, format: Format) -> Report {
    Report::success(match format {
        Format::Json => to_json(&json!({"kind": "none"})),
        Format::Text => format!("{} asks for no sign-in, so there is no token.", sanitize_line(&app.server())),
    })
}

fn document(held: &Held, decoded: Option<&Decoded>, now: Timestamp, reveal: bool) -> Value {
    let scope = held.granted_scope.as_ref().or(held.requested_scope.as_ref());
    let mut document = json!({
        "kind": if decoded.is_some() { "jwt" } else { "opaque" },
        "header": decoded.map(|decoded| &decoded.header),
        "claims": decoded.map(|decoded| &decoded.claims),
        "scope": scope.map(ToString::to_string),
        "expires_at": held.expires_at.map(|end| end.to_string()),
        "seconds_left": held.expires_at.map(|end| end.duration_since(now).as_secs()),
    });
    if let (true, Some(document)) = (reveal, document.as_object_mut()) {
        document.insert("access_token".to_owned(), held.token.reveal().into());
    }
    document
}

fn text(held: &Held, decoded: Option<&Decoded>, now: Timestamp) -> String {
    let mut lines = Vec::new();
    if let Some(decoded) = decoded {
        lines.push(styled(BOLD, "header"));
        lines.extend(members(&decoded.header, now));
        lines.push(styled(BOLD, "claims"));
        lines.extend(members(&decoded.claims, now));
    } else {
        lines.push("The token is opaque: only its issuer can say what is in it.".to_owned());
        let scope = held.granted_scope.as_ref().or(held.requested_scope.as_ref());
        lines.extend(scope.map(|scope| format!("It was asked for with the scope {scope}.")));
    }
    lines.push(match held.expires_at {
        Some(end) => format!("Lifetime: {}.", left(end, now)),
        None => "Lifetime: the issuer did not say.".to_owned(),
    });
    lines.join("\n")
}

fn members(object: &Map<String, Value>, now: Timestamp) -> impl Iterator<Item = String> {
    let width = object.keys().map(|name| name.chars().count()).max().unwrap_or(0).min(24);
    object.iter().map(move |(name, value)| {
        let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let when = match time(name, value) {
            Some(end) if name == "exp" => format!("  {end}, {}", left(end, now)),
            Some(when) => format!("  {when}"),
            None => String::new(),
        };
        format!("  {:width$}  {}{when}", sanitize_line(name), sanitize_line(&shown))
    })
}

/// `59 min 12 s left`, or `expired 3 min 0 s ago`.
fn left(end: Timestamp, now: Timestamp) -> String {
    let left = end.duration_since(now);
    if left.is_positive() { format!("{} left", rough(left)) } else { format!("expired {} ago", rough(left.abs())) }
}

fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_in_two_units() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for (seconds, words) in [
            (59, "59 s left"),
            (3599, "59 min 59 s left"),
            (3600, "1 h 0 min left"),
            (200_000, "2 d 7 h left"),
            (0, "expired 0 s ago"),
            (-61, "expired 1 min 1 s ago"),
        ] {
            let end = now + SignedDuration::from_secs(seconds);
            assert_eq!(left(end, now), words);
        }
    }
}
