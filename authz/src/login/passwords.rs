//! Passwords: Argon2id on threads of its own, as many as may run at once, a bounded queue behind them, then a refusal.
//! The pool never looks anybody up: an unknown person costs the same verification as a known one.

mod worker_memory;

use crate::domain::PasswordHash;
use argon2::{
    Params,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use ring::{error::Unspecified, rand::SecureRandom};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};
use tokio::sync::{Semaphore, oneshot};
use worker_memory::WorkerMemory;

/// The bounded pool in which passwords are hashed and verified. Clones share one pool.
#[derive(Clone)]
pub struct PasswordPool {
    /// Of new hashes: Argon2id, 19 MiB, two passes, one lane: the OWASP recommendation, and the default of the crate.
    params: Params,
    /// What is verified for an unknown person. No password fits.
    nobody: PasswordHash,
    /// Where threads of the pool's own take their work from. They are always the same ones, each with its own memory.
    work: mpsc::Sender<Work>,
    /// One permit for each that may run or wait.
    places: Arc<Semaphore>,
    verifications: Arc<AtomicU64>,
}

/// How much a [`PasswordPool`] takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLimits {
    /// How many run at once; each keeps a core busy and takes 19 MiB.
    pub at_once: usize,
    /// How many more may wait.
    pub waiting: usize,
}

/// A password in the clear: 1 to 1024 bytes. Debug shows nothing of it.
#[derive(Clone)]
pub struct Password(String);

/// The value cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password is 1 to 1024 bytes long")]
pub struct InvalidPassword;

/// The value is a bad choice of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least 8 characters and at most 1024 bytes")]
pub struct InvalidNewPassword;

/// Why a password was neither hashed nor verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Every place in the queue is taken.
    #[error("too many passwords are being checked")]
    Busy,
    /// A stored hash is not a PHC string of Argon2, or the memory could not be had.
    #[error("a password hash could not be computed")]
    Argon2(#[from] argon2::password_hash::Error),
    /// No randomness for a salt.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The thread went away.
    #[error("a password worker ended early")]
    Worker(#[from] oneshot::error::RecvError),
}

impl PasswordPool {
    /// Makes the pool, and the hash that stands in for an unknown person.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn new(limits: PasswordLimits, random: &dyn SecureRandom) -> Result<Self, PasswordError> {
        let params = Params::DEFAULT;
        Ok(Self {
            nobody: hash_of_nobody(&params, random)?,
            params,
            work: workers(limits.at_once),
            places: Arc::new(Semaphore::new(limits.at_once + limits.waiting)),
            verifications: Arc::default(),
        })
    }

    /// Hashes a password under a new salt.
    ///
    /// # Errors
    /// The pool is full, or the randomness or the worker failed.
    pub fn hash(
        &self,
        password: &Password,
        random: &dyn SecureRandom,
    ) -> impl Future<Output = Result<PasswordHash, PasswordError>> + Send {
        // The salt first: the future may move to another thread, and `random` may not.
        let salt = bytes::<16>(random);
        let (params, password) = (self.params.clone(), password.clone());
        async move {
            let salt = salt?;
            let phc = self.run(move |memory| memory.hash(password.0.as_bytes(), &salt, &params)).await??;
            Ok(PasswordHash::from_phc(phc.to_string()))
        }
    }

    /// Whether `password` is the one behind `stored`. For an unknown person (`None`) the same work is done, and the
    /// answer is no.
    ///
    /// # Errors
    /// The pool is full, the stored hash is unreadable, or the worker failed.
    pub async fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Result<bool, PasswordError> {
        let password = password.clone();
        let phc = stored.unwrap_or(&self.nobody).clone();
        let verifications = self.verifications.clone();
        let verified = self.run(move |memory| {
            verifications.fetch_add(1, Ordering::Relaxed);
            memory.verify(password.0.as_bytes(), phc.reveal())
        });
        Ok(verified.await?? && stored.is_some())
    }

    /// How many verifications ran since the start.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }

    /// Takes every place, as long as the permit lives.
    #[cfg(test)]
    pub(crate) fn fill(&self) -> tokio::sync::OwnedSemaphorePermit {
        let places = u32::try_from(self.places.available_permits()).unwrap();
        self.places.clone().try_acquire_many_owned(places).unwrap()
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WorkerMemory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let (done, result) = oneshot::channel();
        // The place goes along: a caller that hangs up does not make room while its work still runs.
        let work = move |memory: &mut WorkerMemory| {
            let result = (!done.is_closed()).then(|| work(memory));
            drop(place);
            if let Some(result) = result {
                // A caller that has hung up meanwhile does not want to know.
                let _ = done.send(result);
            }
        };
        // Without a worker the work is dropped, and the channel of the result says so.
        let _ = self.work.send(Box::new(work));
        Ok(result.await?)
    }
}

type Work = Box<dyn FnOnce(&mut WorkerMemory) + Send>;

/// Starts so many threads, which end when the pool does.
fn workers(count: usize) -> mpsc::Sender<Work> {
    let (sender, receiver) = mpsc::channel::<Work>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..count.max(1) {
        let receiver = receiver.clone();
        // Whoever waits for work has the lock: then there is none.
        let waiting = move |memory: &mut WorkerMemory| {
            if let Some(work) = receiver.try_lock().ok().and_then(|receiver| receiver.try_recv().ok()) {
                return Ok(work);
            }
            memory.give_back();
            receiver.lock().unwrap_or_else(PoisonError::into_inner).recv()
        };
        let take_turns = move || {
            let mut memory = WorkerMemory::default();
            while let Ok(work) = waiting(&mut memory) {
                // Work that panics ends alone: its caller is told by the channel that it closes. The memory has nothing
                // in it that the next work reads.
                let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
            }
        };
        if let Err(error) = thread::Builder::new().name("password".to_owned()).spawn(take_turns) {
            tracing::error!(%error, "a thread for passwords could not be started");
        }
    }
    sender
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("params", &self.params).finish_non_exhaustive()
    }
}

impl PasswordLimits {
    /// As many at once as there are cores, and sixteen waiting for each: half a second or so.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { at_once: cores, waiting: 16 * cores }
    }
}

impl Password {
    const MAX_BYTES: usize = 1024;
    const MIN_CHOSEN: usize = 8;

    /// Takes a password as it was typed.
    ///
    /// # Errors
    /// It is empty or too long to be hashed for everybody who asks.
    pub fn parse(raw: &str) -> Result<Self, InvalidPassword> {
        if (1..=Self::MAX_BYTES).contains(&raw.len()) { Ok(Self(raw.to_owned())) } else { Err(InvalidPassword) }
    }

    /// Takes a password that somebody chooses for an account. Length is all that is asked for (NIST SP 800-63B §5.1.1.2).
    ///
    /// # Errors
    /// It has fewer than 8 characters or more than 1024 bytes.
    pub fn choose(raw: &str) -> Result<Self, InvalidNewPassword> {
        let long_enough = raw.chars().take(Self::MIN_CHOSEN).count() == Self::MIN_CHOSEN;
        Self::parse(raw).ok().filter(|_| long_enough).ok_or(InvalidNewPassword)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// A random output instead of a computed one: it verifies at the same cost, and nobody knows a password for it.
fn hash_of_nobody(params: &Params, random: &dyn SecureRandom) -> Result<PasswordHash, PasswordError> {
    let salt = Salt::new(&bytes::<16>(random)?).map_err(argon2::password_hash::Error::from)?;
    let output = Output::new(&bytes::<{ Params::DEFAULT_OUTPUT_LEN }>(random)?);
    let output = output.map_err(argon2::password_hash::Error::from)?;
    let phc = Phc {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(argon2::Version::default().into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(PasswordHash::from_phc(phc.to_string()))
}

fn bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use std::collections::HashSet;

    #[expect(clippy::disallowed_methods, reason = "a salt of a test may be any")]
    fn random() -> SystemRandom {
        SystemRandom::new()
    }

    fn pool(at_once: usize, waiting: usize) -> PasswordPool {
        PasswordPool::new(PasswordLimits { at_once, waiting }, &random()).unwrap()
    }

    fn password(raw: &str) -> Password {
        Password::parse(raw).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_that_was_hashed_verifies() {
        let pool = pool(2, 0);
        let stored = pool.hash(&password("correct horse"), &random()).await.unwrap();
        assert!(stored.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(pool.verify(&password("correct horse"), Some(&stored)).await.unwrap());
        assert!(!pool.verify(&password("correct horsf"), Some(&stored)).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_person_costs_the_same_verification_and_never_passes() {
        let pool = pool(2, 0);
        assert!(!pool.verify(&password("anything"), None).await.unwrap());
        assert_eq!(pool.verifications(), 1);
        let stored = pool.hash(&password("x"), &random()).await.unwrap();
        let parameters = |phc: &PasswordHash| phc.reveal().split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let lengths = |phc: &PasswordHash| phc.reveal().split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(parameters(&pool.nobody), parameters(&stored));
        assert_eq!(lengths(&pool.nobody), lengths(&stored));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_recovers() {
        let pool = pool(1, 1);
        let (release, held) = oneshot::channel::<()>();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move |_| held.blocking_recv()).await }
        });
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|_| 2).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.verify(&password("x"), None).await, Err(PasswordError::Busy)));
        assert_eq!(pool.verifications(), 0);
        release.send(()).unwrap();
        assert!(running.await.unwrap().unwrap().is_ok());
        assert_eq!(waiting.await.unwrap().unwrap(), 2);
        assert!(!pool.verify(&password("x"), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_threads_do_all_the_work_and_survive_a_panic() {
        let pool = pool(2, 30);
        let mut threads = HashSet::new();
        for _ in 0..30 {
            threads.insert(pool.run(|_| thread::current().id()).await.unwrap());
        }
        assert!(matches!(pool.run(|_| panic!("in a test")).await.map(|(): ()| ()), Err(PasswordError::Worker(_))));
        for _ in 0..30 {
            threads.insert(pool.run(|_| thread::current().id()).await.unwrap());
        }
        assert!(threads.len() <= 2, "{threads:?}");
    }

    #[tokio::test]
    async fn passwords_that_wait_are_worked_on_in_the_same_memory() {
        let (pool, random, one) = (pool(1, 8), random(), password("one"));
        let (release, held) = oneshot::channel::<()>();
        let first = pool.run(move |_| held.blocking_recv());
        let (_, stored, kept, ()) =
            tokio::join!(first, pool.hash(&one, &random), pool.run(|memory| memory.blocks()), async {
                release.send(()).unwrap();
            });
        assert!(pool.verify(&one, Some(&stored.unwrap())).await.unwrap());
        assert!(kept.unwrap() > 0);
    }

    #[test]
    fn memory_that_is_given_back_is_gone_and_comes_again() {
        let mut memory = WorkerMemory::default();
        let stored = memory.hash(b"one", &[7; 16], &Params::DEFAULT).unwrap().to_string();
        assert!(memory.blocks() > 0);
        memory.give_back();
        assert_eq!(memory.blocks(), 0);
        assert!(memory.verify(b"one", &stored).unwrap());
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_and_of_other_software_verifies() {
        // The reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
        let known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let stored = PasswordHash::from_phc(known.to_owned());
        let pool = pool(1, 0);
        assert!(pool.verify(&password("password"), Some(&stored)).await.unwrap());
        assert!(!pool.verify(&password("differentpassword"), Some(&stored)).await.unwrap());
        let own = pool.hash(&password("after it"), &random()).await.unwrap();
        assert!(pool.verify(&password("after it"), Some(&own)).await.unwrap());
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_does_not_make_room() {
        let pool = pool(1, 0);
        let (release, held) = oneshot::channel::<()>();
        let (began, begins) = oneshot::channel::<()>();
        let caller = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move |_| {
                    began.send(()).unwrap();
                    held.blocking_recv()
                })
                .await
            }
        });
        begins.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert!(matches!(pool.run(|_| ()).await, Err(PasswordError::Busy)));
        release.send(()).unwrap();
    }

    #[tokio::test]
    async fn an_unreadable_stored_hash_is_an_error_and_not_a_no() {
        let stored = PasswordHash::from_phc("plain".to_owned());
        assert!(matches!(pool(1, 0).verify(&password("plain"), Some(&stored)).await, Err(PasswordError::Argon2(_))));
    }

    #[test]
    fn a_password_is_at_most_one_kibibyte_and_never_shown() {
        assert_eq!(format!("{:?}", password(&"x".repeat(1024))), "Password(***)");
        for refused in ["", &"x".repeat(1025), &"x".repeat(1_000_000)] {
            assert_eq!(Password::parse(refused).unwrap_err(), InvalidPassword);
        }
    }

    #[test]
    fn a_chosen_password_has_eight_characters() {
        for good in ["12345678", "äöüßäöüß", &"x".repeat(1024)] {
            assert!(Password::choose(good).is_ok(), "{good}");
        }
        for bad in ["", "1234567", "äöüßäöü", &"x".repeat(1025)] {
            assert_eq!(Password::choose(bad).unwrap_err(), InvalidNewPassword, "{bad}");
        }
    }
}
