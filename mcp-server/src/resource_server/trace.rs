//! What the current span is told of a request: `issuer`, `client_id`, `tool` and `outcome`, where it has such fields. Of
//! a caller only what a verified token says; never a token.

use tracing::Span;

use super::access_token::AccessToken;
use super::challenge::Reason;
use super::scope::Operation;

/// The longest name of a tool that is told, in characters.
const LONGEST_NAME: usize = 200;

pub(super) fn accepted(token: &AccessToken) {
    let span = Span::current();
    caller(&span, token);
    span.record("outcome", "accepted");
}

pub(super) fn refused(reason: Reason, token: Option<&AccessToken>) {
    let span = Span::current();
    if let Some(token) = token {
        caller(&span, token);
    }
    span.record("outcome", reason.code());
}

/// The tool that is refused. One that is called names itself, where its name is read anyway.
pub(super) fn asked(operation: &Operation<'_>) {
    if let Operation::Tool(name) = operation {
        let end = name.char_indices().nth(LONGEST_NAME).map_or(name.len(), |(end, _)| end);
        Span::current().record("tool", name.get(..end));
    }
}

fn caller(span: &Span, token: &AccessToken) {
    span.record("issuer", token.issuer());
    span.record("client_id", token.client_id());
}
