//! What was read last of the rows that nearly every token needs: clients, the grants under which they act for themselves,
//! and the sessions and consents of people. It holds as long as nobody has committed anything to the database, this process
//! or another, so it is what a query would find. PostgreSQL tells nobody so cheaply: there nothing is kept.

use super::wal_index::{Version, WalIndex};
use crate::{
    domain::{BrowserSession, ClientAuthentication, Consent, Grant, RegisteredClient, SessionHash, Subject},
    protocol::{ClientId, Resource},
};
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The rows read last, and the state of the database that they are of.
pub(super) struct Recent {
    index: WalIndex,
    kept: Mutex<Kept>,
}

#[derive(Default)]
pub(super) struct Kept {
    version: Option<Version>,
    pub(super) clients: Rows<ClientId, RegisteredClient>,
    pub(super) direct_grants: Rows<(ClientId, Subject, Resource), Grant>,
    pub(super) sessions: Rows<SessionHash, BrowserSession>,
    pub(super) consents: Rows<(Subject, ClientId, Resource), Consent>,
}

/// Rows of one kind, by what they are looked up by.
pub(super) struct Rows<K, V>(HashMap<K, V>);

/// Of each kind: a few megabytes at the very most.
const MOST: usize = 500;
/// Of what a client says about itself. Whoever registers may say much more.
const MOST_BYTES: usize = 2048;

impl Recent {
    pub(super) fn new(index: WalIndex) -> Self {
        Self { index, kept: Mutex::default() }
    }

    /// To be asked before a query whose answer is to be kept.
    pub(super) fn version(&self) -> Option<Version> {
        self.index.version()
    }

    /// What `look` finds among the rows of `now`.
    pub(super) fn find<T: Clone>(&self, now: Option<Version>, look: impl FnOnce(&Kept) -> Option<&T>) -> Option<T> {
        look(self.kept().at(now)?).cloned()
    }

    /// Keeps what was read, unless something was committed `since`.
    pub(super) fn keep(&self, since: Option<Version>, put: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept();
        if kept.is_of(since) {
            put(&mut kept);
        }
    }

    /// The one who writes has committed, and touched nothing of this kind. What was kept `before` still holds, if nobody
    /// else has committed meanwhile.
    pub(super) fn outlives_own_commit(&self, before: Option<Version>) {
        let (Some(before), Some(now)) = (before, self.version()) else { return };
        let mut kept = self.kept();
        if kept.is_of(Some(before)) && now.is_next_after(before) {
            kept.version = Some(now);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What is kept of this state of the database, which may be nothing yet.
    fn at(&mut self, version: Option<Version>) -> Option<&Self> {
        let version = version?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), ..Self::default() };
        }
        Some(self)
    }

    /// Whether nothing was committed since.
    fn is_of(&self, version: Option<Version>) -> bool {
        version.is_some() && self.version == version
    }
}

impl<K: Eq + Hash, V> Rows<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(super) fn insert(&mut self, key: K, row: V) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, row);
    }
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// A set of keys may be long, and what it is for takes longer than a query.
pub(super) fn is_small(client: &RegisteredClient) -> bool {
    let texts = [&client.name, &client.uri].into_iter().flatten().map(String::len);
    let redirects = client.redirect_uris.iter().map(|uri| uri.as_str().len());
    let others = [client.id.as_str().len(), client.scope.tokens().map(|token| token.as_str().len()).sum()];
    let bytes: usize = texts.chain(redirects).chain(others).sum();
    bytes <= MOST_BYTES && !matches!(client.authentication, ClientAuthentication::PrivateKey { .. })
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("index", &self.index).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod tests {
    use super::*;
    use crate::{
        protocol::RedirectUri,
        store::{ClientStore as _, ConsentStore as _, PersonStore as _, SessionStore as _, SqlStore},
    };
    use jiff::Timestamp;

    /// A store with a client that it has read, and another on the same file.
    async fn two(folder: &tempfile::TempDir) -> (SqlStore, SqlStore, ClientId) {
        let url = format!("sqlite:{}", folder.path().join("a.db").display()).parse().unwrap();
        let (ours, other) = (SqlStore::open(&url).await.unwrap(), SqlStore::open(&url).await.unwrap());
        let add = "INSERT INTO clients (id, methods, redirect_uris, grant_types, scope, application_type, origin, \
            registered_at) VALUES ('c', 'none', '', '', '', 'web', 'demo', 1)";
        other.execute_for_test(add).await;
        let id = ClientId::parse("c").unwrap();
        assert!(ours.client(&id).await.unwrap().is_some());
        // From here on it cannot read.
        ours.reader.close().await;
        (ours, other, id)
    }

    const ANYTHING: &str = "INSERT INTO used_once VALUES ('k', hex(randomblob(8)), 1)";

    #[tokio::test]
    async fn nothing_is_read_twice_until_somebody_commits() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other, id) = two(&folder).await;
        assert!(ours.client(&id).await.unwrap().is_some());
        other.execute_for_test(ANYTHING).await;
        assert!(ours.client(&id).await.is_err(), "it has to be read again");
    }

    #[tokio::test]
    async fn a_session_and_a_consent_that_are_kept_end_as_others_do() {
        let folder = tempfile::tempdir().unwrap();
        let (_, other, client_id) = two(&folder).await;
        let url = format!("sqlite:{}", folder.path().join("a.db").display()).parse().unwrap();
        let ours = SqlStore::open(&url).await.unwrap();
        other
            .execute_for_test(
                "INSERT INTO people (subject, username, password, origin) VALUES ('s', 'ann', 'x', 'demo')",
            )
            .await;
        other
            .execute_for_test("INSERT INTO consents VALUES ('s', 'c', 'http://localhost:8001/mcp', 'mcp:read', 1)")
            .await;
        let (now, subject) = (Timestamp::UNIX_EPOCH, Subject::from_store("s".to_owned()));
        let session = BrowserSession::signed_in(SessionHash::from_store("h".to_owned()), subject.clone(), now);
        other.begin_session(&session).await.unwrap();
        let resource = Resource::parse("http://localhost:8001/mcp").unwrap();
        assert_eq!(ours.session(&session.hash, now).await.unwrap(), Some(session.clone()));
        assert!(ours.consent(&subject, &client_id, &resource).await.unwrap().is_some());
        ours.reader.close().await;
        assert_eq!(ours.session(&session.hash, now).await.unwrap(), Some(session.clone()));
        assert_eq!(ours.session(&session.hash, session.expires_at).await.unwrap(), None);
        assert!(ours.consent(&subject, &client_id, &resource).await.unwrap().is_some());
        other.disable_person(&subject, now).await.unwrap();
        assert!(ours.session(&session.hash, now).await.is_err(), "it has to be read again");
        assert!(ours.consent(&subject, &client_id, &resource).await.is_err());
    }

    #[tokio::test]
    async fn an_own_commit_spares_what_is_kept_and_one_of_others_at_the_same_time_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other, id) = two(&folder).await;
        let before = ours.recent.version();
        ours.execute_for_test(ANYTHING).await;
        ours.recent.outlives_own_commit(before);
        assert!(ours.client(&id).await.unwrap().is_some());
        let before = ours.recent.version();
        ours.execute_for_test(ANYTHING).await;
        other.execute_for_test(ANYTHING).await;
        ours.recent.outlives_own_commit(before);
        assert!(ours.client(&id).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_says_much_about_itself_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (_, other, id) = two(&folder).await;
        let mut client = other.client(&id).await.unwrap().unwrap();
        assert!(is_small(&client));
        client.redirect_uris = vec![RedirectUri::parse("https://app.example/callback").unwrap(); 100];
        assert!(!is_small(&client));
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_kept_after_it() {
        let mut kept = Kept::default();
        assert!(kept.at(None).is_none() && !kept.is_of(None), "nothing is kept where nothing tells");
        assert!(kept.at(Some(Version::for_test(1))).is_some() && kept.is_of(Some(Version::for_test(1))));
        assert!(kept.at(Some(Version::for_test(2))).is_some() && !kept.is_of(Some(Version::for_test(1))));
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let mut rows = Rows::default();
        for number in 0..3 * MOST {
            rows.insert(number, number);
            assert!(rows.0.len() <= MOST && rows.get(&number) == Some(&number));
        }
    }
}
