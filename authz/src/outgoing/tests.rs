//! What is connected to, and what is not: connections are counted at the other end.

use super::{testing::*, *};

async fn get(outgoing: &Outgoing, url: &str) -> Result<Answer, OutgoingError> {
    outgoing.get(&Url::parse(url).unwrap(), "application/json", 1000).await
}

#[tokio::test]
async fn a_name_that_leads_to_an_allowed_address_is_called() {
    let site = Site::start().await;
    site.answers("200 OK", "", "hello");
    let names = Names::of([(HOST, &["127.0.0.1"])]);
    let outgoing = site.outgoing(names, AllowedAddresses::PublicAndLoopback);
    assert_eq!(get(&outgoing, &site.url("/x")).await.unwrap().body, b"hello");
    assert_eq!((site.connections(), site.requests()), (1, 1));
}

#[tokio::test]
async fn no_connection_leaves_for_a_forbidden_address() {
    let site = Site::start().await;
    site.answers("200 OK", "", "hello");
    // Loopback is the one address of a special use at which a test can count.
    let names = Names::of([(HOST, &["127.0.0.1"]), ("mixed.example", &["8.8.8.8", "127.0.0.1"])]);
    let outgoing = site.outgoing(names.clone(), AllowedAddresses::Public);
    for host in [HOST, "mixed.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"] {
        let url = format!("https://{host}:{}/x", site.port);
        assert!(get(&outgoing, &url).await.is_err(), "{url}");
    }
    assert_eq!(site.connections(), 0);
    assert_eq!(names.lookups.load(std::sync::atomic::Ordering::SeqCst), 2, "addresses are not looked up");
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let site = Site::start().await;
    site.answers("200 OK", "", "hello");
    let names = Names::of([(HOST, &["127.0.0.1"])]);
    let outgoing = site.outgoing(names.clone(), AllowedAddresses::PublicAndLoopback);
    get(&outgoing, &site.url("/x")).await.unwrap();
    assert_eq!(names.lookups.load(std::sync::atomic::Ordering::SeqCst), 1, "one look-up for a call");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let site = Site::start().await;
    site.answers("302 Found", "location: https://app.example/y\r\n", "");
    let outgoing = site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), AllowedAddresses::PublicAndLoopback);
    assert_eq!(get(&outgoing, &site.url("/x")).await.unwrap().status.as_u16(), 302);
    assert_eq!(site.requests(), 1);
}

#[test]
fn only_https_is_called_and_http_to_this_machine_where_this_server_is_on_it() {
    verification_keys::install_crypto_providers();
    let outgoing = |allowed| Outgoing::new(&ClientOptions::default(), Names::of([]), allowed).unwrap();
    let (public, local) = (outgoing(AllowedAddresses::Public), outgoing(AllowedAddresses::PublicAndLoopback));
    for (url, at_public, at_local) in [
        ("https://app.example/x", Ok(()), Ok(())),
        ("http://app.example/x", Err(ForbiddenUrl::Scheme), Err(ForbiddenUrl::Scheme)),
        ("http://localhost/x", Err(ForbiddenUrl::Scheme), Ok(())),
        ("https://127.0.0.1/x", Err(ForbiddenUrl::Address), Ok(())),
        ("https://[::1]/x", Err(ForbiddenUrl::Address), Ok(())),
        ("https://10.0.0.1/x", Err(ForbiddenUrl::Address), Err(ForbiddenUrl::Address)),
        ("file:///etc/passwd", Err(ForbiddenUrl::Scheme), Err(ForbiddenUrl::Scheme)),
    ] {
        let url = Url::parse(url).unwrap();
        assert_eq!((public.check(&url), local.check(&url)), (at_public, at_local), "{url}");
    }
}
