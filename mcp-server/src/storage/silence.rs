//! A network to PostgreSQL that goes silent: what is open stays open, and nothing comes through any more.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use url::Url;

use super::suite::{at, new_note, random, somebody};
use super::*;

/// More than a pool has connections.
const CALLERS: usize = 16;

/// A TCP address of the PostgreSQL that `.ci/postgres` starts.
struct Network {
    port: u16,
    is_silent: Arc<AtomicBool>,
}

impl Network {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, is_silent) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let silent = is_silent.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = UnixStream::connect(&socket).await.unwrap();
                let ((mut questions, mut to_us), (mut answers, mut to_them)) = (near.into_split(), far.into_split());
                let silent = silent.clone();
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut to_us).await });
                tokio::spawn(async move {
                    let (mut bytes, mut is_dead) = (vec![0; 65_536], false);
                    while let Ok(read @ 1..) = questions.read(&mut bytes).await {
                        // Silence begins in the middle: whoever is only looked at (5 bytes) answers.
                        is_dead |= silent.load(Ordering::SeqCst) && read > 5;
                        if !is_dead && to_them.write_all(bytes.get(..read).unwrap()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, is_silent }
    }
}

async fn all_at_once(storage: &Storage) -> Vec<Result<NoteId, StorageError>> {
    let calls: Vec<_> = (0..CALLERS)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move { storage.add_note(&somebody(), &new_note("Groceries", "milk"), at(0)).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[expect(clippy::disallowed_methods, reason = "this test runs by a script, which says where")]
async fn a_silent_network_to_postgres_is_an_error_in_time_and_every_connection_comes_back() {
    let server: Url = std::env::var("PORTCULLIS_TEST_POSTGRES").expect("run .ci/postgres").parse().unwrap();
    let folder = server.query_pairs().find(|(name, _)| name == "host").unwrap().1.into_owned();
    let network = Network::to(PathBuf::from(folder).join(".s.PGSQL.5432")).await;
    let url = format!("postgres://postgres@127.0.0.1:{}{}", network.port, server.path());
    let storage = Storage::new(url.parse().unwrap(), random());
    assert!(all_at_once(&storage).await.iter().all(Result::is_ok));
    network.is_silent.store(true, Ordering::SeqCst);
    let began = Instant::now();
    for answer in all_at_once(&storage).await {
        assert!(matches!(answer, Err(StorageError::TimedOut | StorageError::Database(_))), "{answer:?}");
    }
    assert!(began.elapsed() < PATIENCE * 2, "{:?}", began.elapsed());
    network.is_silent.store(false, Ordering::SeqCst);
    let back =
        timeout(Duration::from_secs(20), async { while !all_at_once(&storage).await.iter().all(Result::is_ok) {} });
    back.await.expect("connections that broke off keep their places");
}
