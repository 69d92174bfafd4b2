//! `GET /events`: the steps as they happen (server-sent events), each as the piece of the page that shows it.

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use super::{diagram, visitor::Told};
use crate::flow::Step;

/// How often a quiet stream says that it is still there: before anybody on the way gives it up.
const ALIVE: Duration = Duration::from_secs(20);

/// The steps behind number `last`, and all that come.
pub(super) fn stream(told: Arc<Told>, last: u32) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = told.news();
    let start = (told, news, VecDeque::<Step>::new(), last);
    let events = stream::unfold(start, |(told, mut news, mut waiting, mut last)| async move {
        loop {
            if let Some(step) = waiting.pop_front() {
                last = step.number;
                let event = Event::default().event("step").id(last.to_string()).data(diagram::rendered(&step));
                return Some((Ok(event), (told, news, waiting, last)));
            }
            news.borrow_and_update();
            waiting.extend(told.after(last));
            if waiting.is_empty() && news.changed().await.is_err() {
                return None;
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}
