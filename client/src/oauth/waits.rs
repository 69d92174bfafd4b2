//! What a sign-in without a callback waits with: for time to pass, and for the person to type a line.

use futures_util::future::BoxFuture;
use std::{
    fmt,
    io::{BufRead as _, Read as _},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// Longest line read, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// Lets time pass.
pub type Pause = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;
/// Reads a line; `None` when nobody can type one.
pub type ReadLine = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Both.
#[derive(Clone)]
pub struct Waits {
    /// Lets time pass.
    pub pause: Pause,
    /// Reads a line from the person.
    pub line: ReadLine,
}

impl Waits {
    /// The system's time, and the terminal.
    #[must_use]
    pub fn at_a_terminal() -> Self {
        Self { line: Arc::new(|| Box::pin(line())), ..Self::without_a_person() }
    }

    /// The system's time, and nobody to type anything.
    #[must_use]
    pub fn without_a_person() -> Self {
        Self {
            pause: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
            line: Arc::new(|| Box::pin(async { None })),
        }
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waits")
    }
}

/// A line of standard input, read by a thread of its own: the process may end while it waits.
async fn line() -> Option<String> {
    let (send, receive) = oneshot::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line);
        // Whoever asked may have gone.
        let _gone = send.send(read.ok().filter(|bytes| *bytes > 0).map(|_| line));
    });
    receive.await.ok().flatten()
}
