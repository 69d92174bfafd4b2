//! What is being waited for, on a line of the terminal that turns while it lasts; nothing where stderr is none.
//! There is one terminal, so there is one such line for the whole process.

use anstyle::Style;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::terminal::{sanitize_line, styled};

const TURN: Duration = Duration::from_millis(100);

static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The line is there until this is dropped.
#[derive(Debug)]
#[must_use = "the line goes when this is dropped"]
pub struct Waiting(());

impl Drop for Waiting {
    fn drop(&mut self) {
        hand_over();
    }
}

/// Says that `what` is waited for, as in `Calling get_time …`.
pub fn waiting(what: &str) -> Waiting {
    with(|line| {
        let turning = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
        turning.set_message(sanitize_line(what));
        turning.enable_steady_tick(TURN);
        *line = Some(turning);
    });
    Waiting(())
}

/// Something else is waited for now, if anything is.
pub fn now(what: &str) {
    with(|line| {
        if let Some(line) = line {
            line.set_message(sanitize_line(what));
        }
    });
}

/// Takes the line away: the person has to type something, or it is over.
pub fn hand_over() {
    with(|line| {
        if let Some(line) = line.take() {
            line.finish_and_clear();
        }
    });
}

/// Prints `text`, which is fit for a terminal, to stderr around the line; a closed terminal is not worth a word.
pub fn aside(style: Style, text: &str) {
    let print = || {
        let _closed = writeln!(anstream::stderr().lock(), "{}", styled(style, text));
    };
    with(|line| match line {
        Some(line) => line.suspend(print),
        None => print(),
    });
}

fn with(change: impl FnOnce(&mut Option<ProgressBar>)) {
    change(&mut LINE.lock().unwrap_or_else(PoisonError::into_inner));
}
