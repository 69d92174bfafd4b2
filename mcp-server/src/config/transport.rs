//! How the server is spoken to.

use http::HeaderValue;
use serving::settings::Problems;

use super::filled;

/// The transport of MCP.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Over HTTP, many people at once.
    StreamableHttp,
    /// Over standard input and output, one person.
    Stdio {
        /// Their token as the value of an `Authorization` header, which does not show it.
        authorization: HeaderValue,
    },
}

impl Transport {
    /// As in the setting.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable-http",
            Self::Stdio { .. } => "stdio",
        }
    }
}

/// None after a problem.
pub(super) fn read(transport: &str, token: Option<&String>, problems: &mut Problems) -> Option<Transport> {
    const NAME: &str = "MCP_RESOURCE_TRANSPORT";
    const FIX: &str = "use streamable-http or stdio";
    match transport {
        "streamable-http" | "streamable_http" => return Some(Transport::StreamableHttp),
        "stdio" => return stdio(token, problems),
        "sse" => problems.add(NAME, "the HTTP+SSE transport is not supported, streamable-http has replaced it", FIX),
        _ => problems.add(NAME, "unknown transport", FIX),
    }
    None
}

fn stdio(token: Option<&String>, problems: &mut Problems) -> Option<Transport> {
    const NAME: &str = "MCP_ACCESS_TOKEN";
    let Some(token) = filled(token) else {
        problems.add(NAME, "missing, and with stdio there is no other place for a token", "set it to an access token");
        return None;
    };
    let authorization = HeaderValue::try_from(format!("Bearer {token}"));
    let mut authorization = problems.check(NAME, "set it to an access token, on one line", authorization)?;
    authorization.set_sensitive(true);
    Some(Transport::Stdio { authorization })
}
