//! One visitor: their client, what the page shows them, and the one errand that runs for them, which may have to wait
//! for them to come back from the authorization server.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    Web,
    errand::{Errand, View},
};
use crate::{app::App, flow::Step, oauth::visit::Visit};

/// Most steps shown; the oldest go first.
const MAX_STEPS: usize = 200;

/// What belongs to one session.
#[derive(Default)]
pub(super) struct Visitor {
    pub(super) told: Arc<Told>,
    app: tokio::sync::Mutex<Option<App>>,
    running: tokio::sync::Mutex<Running>,
    visit: Mutex<Option<Visit>>,
    view: Mutex<View>,
}

/// The errand that runs, and where it asks for the visitor.
#[derive(Default)]
struct Running {
    task: Option<JoinHandle<()>>,
    visits: Option<mpsc::Receiver<Visit>>,
}

impl Visitor {
    /// What the page shows.
    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        lock(&self.view)
    }

    /// The page that the visitor has to go to before anything goes on.
    pub(super) fn awaited(&self) -> Option<url::Url> {
        lock(&self.visit).as_ref().map(|visit| visit.url().clone())
    }

    /// Runs `errand` until it is done or needs the visitor; whatever ran before is given up.
    pub(super) async fn send(self: &Arc<Self>, web: &Web, errand: Errand) {
        let mut running = self.running.lock().await;
        self.give_up(&mut running).await;
        self.view().begin(&errand);
        if let Errand::SignIn(way) = &errand {
            let (app, visits) = web.app(*way, &self.told);
            *self.app.lock().await = Some(app);
            running.visits = Some(visits);
        }
        let visitor = Arc::clone(self);
        running.task = Some(web.workers.spawn_pinned(move || async move {
            let mut app = visitor.app.lock().await;
            match app.as_mut() {
                Some(app) => errand.run(app, &visitor.view).await,
                None => visitor.view().problem = Some("You are not signed in.".to_owned()),
            }
        }));
        self.wait(&mut running).await;
    }

    /// The visitor is back with `query`; `false` when nobody waits for this answer.
    pub(super) async fn comes_back(&self, query: String) -> bool {
        let Some(visit) = lock(&self.visit).take_if(|visit| visit.is_answered_by(&query)) else { return false };
        let mut running = self.running.lock().await;
        visit.answer(query);
        self.wait(&mut running).await;
        true
    }

    /// Nobody waits for the visitor any more.
    pub(super) async fn stay(&self) {
        let mut running = self.running.lock().await;
        self.give_up(&mut running).await;
    }

    async fn give_up(&self, running: &mut Running) {
        if let Some(task) = running.task.take() {
            task.abort();
            // Until it has let go of the client.
            let _aborted = task.await;
        }
        lock(&self.visit).take();
    }

    /// Until the errand is done, or asks for the visitor.
    async fn wait(&self, running: &mut Running) {
        let Running { task: Some(task), visits } = running else { return };
        let visit = async {
            match visits {
                Some(visits) => visits.recv().await,
                None => None,
            }
        };
        tokio::select! {
            Some(visit) = visit => *lock(&self.visit) = Some(visit),
            ended = &mut *task => {
                if ended.is_err() {
                    self.view().problem = Some("Something went wrong here; the log says what.".to_owned());
                }
                running.task = None;
            }
        }
    }
}

/// The steps so far, and the news that there is another one.
pub(super) struct Told {
    steps: Mutex<VecDeque<Step>>,
    last: watch::Sender<u32>,
}

impl Default for Told {
    fn default() -> Self {
        Self { steps: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl Told {
    pub(super) fn add(&self, mut step: Step) {
        let mut steps = lock(&self.steps);
        // A client of a later sign-in counts from 1 again; the visitor's story goes on.
        step.number = steps.back().map_or(1, |last| last.number.saturating_add(1));
        if steps.len() == MAX_STEPS {
            steps.pop_front();
        }
        self.last.send_replace(step.number);
        steps.push_back(step);
    }

    /// The steps behind number `last`.
    pub(super) fn after(&self, last: u32) -> Vec<Step> {
        lock(&self.steps).iter().filter(|step| step.number > last).cloned().collect()
    }

    /// How many pages are kept up to date.
    pub(super) fn news_count(&self) -> usize {
        self.last.receiver_count()
    }

    /// Changes with every step.
    pub(super) fn news(&self) -> watch::Receiver<u32> {
        self.last.subscribe()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
