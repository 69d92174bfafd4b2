//! The line editor: history in a private file, completion, a coloured prompt (rustyline itself respects `NO_COLOR`).

use rustyline::{
    CompletionType, Config, Context, Editor, Helper, completion::Completer, highlight::Highlighter, hint::Hinter,
    history::DefaultHistory, validate::Validator,
};
use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    completion::{Known, complete},
    terminal::{PROMPT_STYLE, styled},
};

const HISTORY_LINES: usize = 1000;

/// What completion knows; changed while the editor exists.
pub(super) type Shared = Arc<Mutex<Known>>;

/// An editor of lines.
pub(super) type LineEditor = Editor<Assistant, DefaultHistory>;

/// Completes lines with what is known.
pub(super) struct Assistant(Shared);

/// Opens the editor; `history` is a file that only its owner can read.
pub(super) fn open(history: Option<&Path>, known: Shared) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(HISTORY_LINES)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant(known)));
    if let Some(file) = history {
        // No history yet, or one that cannot be read: the prompt works without.
        let _missing = editor.load_history(file);
    }
    Ok(editor)
}

/// Keeps `line`.
pub(super) fn remember(editor: &mut LineEditor, line: &str, history: Option<&Path>) {
    let added = editor.add_history_entry(line).unwrap_or(false);
    if let (true, Some(file)) = (added, history) {
        // At once, so that it survives Ctrl-C in a long call; not being able to is no reason to stop.
        let _unsaved = editor.append_history(file);
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(complete(line.get(..at).unwrap_or(line), &known))
    }
}

impl Highlighter for Assistant {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        Cow::Owned(styled(PROMPT_STYLE, prompt))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {}

impl Helper for Assistant {}
