use super::*;
use crate::oauth::testing::http_client;

const PATIENCE: Duration = Duration::from_secs(20);

/// A listener on a free port, and its address.
async fn listener() -> (CallbackListener, String) {
    let listener = Listener::bind("localhost", 0).await.unwrap();
    let address = format!("http://localhost:{}/callback", listener.port());
    (CallbackListener { listener, path: "/callback".into() }, address)
}

#[test]
fn a_redirect_uri_is_http_on_this_computer_with_a_port() {
    for good in
        ["http://localhost:3030/callback", "http://127.0.0.1:3030/", "http://[::1]:3030/a/b", "http://localhost:1"]
    {
        assert_eq!(RedirectUri::parse(good).map(|uri| uri.as_str().to_owned()), Ok(good.to_owned()));
    }
    for (bad, reason) in [
        ("https://localhost:3030/callback", InvalidRedirectUri::NotLoopback),
        ("http://app.example:3030/callback", InvalidRedirectUri::NotLoopback),
        ("http://0.0.0.0:3030/callback", InvalidRedirectUri::NotLoopback),
        ("http://localhost/callback", InvalidRedirectUri::NoPort),
        ("http://localhost:0/callback", InvalidRedirectUri::NoPort),
        ("http://localhost:3030/callback?x", InvalidRedirectUri::Superfluous),
        ("http://localhost:3030/callback#x", InvalidRedirectUri::Superfluous),
        ("http://u@localhost:3030/callback", InvalidRedirectUri::Superfluous),
        ("http://localhost:3030/a/../callback", InvalidRedirectUri::NotAbsolute),
        ("/callback", InvalidRedirectUri::NotAbsolute),
    ] {
        assert_eq!(RedirectUri::parse(bad), Err(reason), "{bad}");
    }
    assert_eq!(RedirectUri::parse("http://localhost:3030/callback"), Ok(RedirectUri::on_port(3030)));
}

#[tokio::test]
async fn a_code_that_the_person_carries_has_no_port() {
    let uri = RedirectUri::parse(OUT_OF_BAND).unwrap();
    assert_eq!((uri.as_str(), uri.port(), uri.is_out_of_band()), (OUT_OF_BAND, None, true));
    assert!(matches!(CallbackListener::bind(&uri).await, Err(LoopbackError::OutOfBand)));
    assert!(!RedirectUri::on_port(3030).is_out_of_band());
    assert!(RedirectUri::parse("urn:ietf:wg:oauth:2.0:oob:auto").is_err());
}

#[tokio::test]
async fn takes_the_query_once_and_shows_a_page_with_nothing_of_it() {
    let (listener, address) = listener().await;
    let browser = tokio::spawn(async move {
        let first = http_client().get(format!("{address}?code=c0de&state=<b>")).send().await.unwrap();
        (first.status(), first.headers().clone(), first.text().await.unwrap())
    });
    let callback = listener.wait(PATIENCE).await.unwrap();
    assert_eq!(callback.query, "code=c0de&state=%3Cb%3E");
    callback.finish(Page::SignedIn).await;
    let (status, headers, text) = browser.await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert!(text.contains("You are signed in") && !text.contains("c0de") && !text.contains("<b>"));
}

#[tokio::test]
async fn a_second_answer_is_turned_away_and_the_port_closes_at_the_end() {
    let (listener, address) = listener().await;
    let first = tokio::spawn(http_client().get(format!("{address}?code=1")).send());
    let callback = listener.wait(PATIENCE).await.unwrap();
    let second = http_client().get(format!("{address}?code=2")).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::GONE);
    assert_eq!(callback.query, "code=1");
    callback.finish(Page::Failed).await;
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.status(), StatusCode::BAD_REQUEST);
    assert!(http_client().get(&address).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn other_paths_and_methods_do_not_use_up_the_answer() {
    let (listener, address) = listener().await;
    let waiting = tokio::spawn(listener.wait(PATIENCE));
    let http = http_client();
    let favicon = http.get(address.replace("/callback", "/favicon.ico")).send().await.unwrap();
    assert_eq!(favicon.status(), StatusCode::NOT_FOUND);
    for method in [Method::HEAD, Method::POST] {
        let refused = http.request(method, &address).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    let real = tokio::spawn(http.get(format!("{address}?state=s")).send());
    let callback = waiting.await.unwrap().unwrap();
    assert_eq!(callback.query, "state=s");
    callback.finish(Page::SignedIn).await;
    assert_eq!(real.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_taken_port_is_one_sentence_with_the_port_and_the_setting() {
    let (taken, _) = listener().await;
    let port = taken.listener.port();
    let sentence = CallbackListener::bind(&RedirectUri::on_port(port)).await.unwrap_err().to_string();
    assert!(sentence.contains(&port.to_string()) && sentence.contains("MCP_CALLBACK_PORT"), "{sentence}");
}

#[tokio::test]
async fn waits_no_longer_than_its_patience() {
    let (listener, _) = listener().await;
    assert!(matches!(listener.wait(Duration::from_millis(1)).await, Err(LoopbackError::TimedOut(_))));
    assert!(LoopbackError::TimedOut(Duration::from_mins(5)).to_string().contains("5 minutes"));
}
