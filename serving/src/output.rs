//! Standard output, for people and for pipes.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

/// Writes `text` as it is. That nobody reads on, as behind `| head`, is no error.
///
/// # Errors
/// It could not be written for another reason, such as a full disk.
pub fn print(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
