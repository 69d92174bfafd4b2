//! RFC 8414 on the client's side.

use serde_json::{Value, json};
use verification_keys::{
    HttpHosts, Issuer,
    metadata::{self, IssuerMetadata, MetadataError, NoDocument, Overrides},
};

use crate::issuer::{Reply, ScriptedIssuer, client};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

async fn discover(issuer: &str, overrides: &Overrides) -> Result<IssuerMetadata, MetadataError> {
    let issuer = Issuer::parse(issuer, &HttpHosts::default()).unwrap();
    metadata::discover(&client(), &issuer, overrides).await
}

/// A good document of `issuer`, whose keys are on the server's origin.
fn document(server: &ScriptedIssuer, issuer: &str) -> Value {
    json!({
        "issuer": issuer, "jwks_uri": server.url("/jwks").as_str(),
        "introspection_endpoint": server.url("/introspect").as_str(), "userinfo_endpoint": server.url("/me").as_str(),
    })
}

#[tokio::test]
async fn reads_the_first_document_found() {
    let server = ScriptedIssuer::start().await;
    server.answers(OAUTH, Reply::json(&document(&server, server.origin())));
    let found = discover(server.origin(), &Overrides::default()).await.unwrap();
    assert_eq!(found.issuer.as_str(), server.origin());
    assert_eq!(found.jwks_uri, server.url("/jwks"));
    assert_eq!(found.introspection_endpoint, Some(server.url("/introspect")));
    assert_eq!(found.userinfo_endpoint, Some(server.url("/me")));
    assert_eq!(server.asked(), [OAUTH]);
}

#[tokio::test]
async fn rfc8414_section_5_goes_on_to_the_next_place_and_stops_at_the_last() {
    let server = ScriptedIssuer::start().await;
    let issuer = format!("{}/tenant1", server.origin());
    let places = [format!("{OAUTH}/tenant1"), format!("{OPENID}/tenant1"), format!("/tenant1{OPENID}")];
    let [first, second, last] = &places;
    server.answers(first, Reply::new(500, ""));
    server.answers(second, Reply::new(200, "<html></html>"));
    server.answers(last, Reply::json(&document(&server, &issuer)));
    assert_eq!(discover(&issuer, &Overrides::default()).await.unwrap().jwks_uri, server.url("/jwks"));
    assert_eq!(server.asked(), places);

    server.answers(last, Reply::redirect("/elsewhere"));
    let error = discover(&issuer, &Overrides::default()).await.unwrap_err();
    let MetadataError::NotFound(attempts) = &error else { panic!("{error}") };
    let problems: Vec<_> = attempts.iter().map(|attempt| attempt.problem).collect();
    assert_eq!(problems, [NoDocument::Status(500), NoDocument::NotMetadata, NoDocument::Status(302)]);
    assert_eq!(server.count("/elsewhere"), 0);
    assert!(places.iter().all(|place| error.to_string().contains(place)), "{error}");
}

#[tokio::test]
async fn rfc8414_section_3_3_a_document_of_another_issuer_must_not_be_used() {
    let server = ScriptedIssuer::start().await;
    let (scheme, host) = server.origin().split_once("://").unwrap();
    let others = [
        format!("{}/", server.origin()),
        format!("{}/x", server.origin()),
        format!("{}://{host}", scheme.to_uppercase()),
        server.origin().replace("127.0.0.1", "localhost"),
        "https://evil.example".to_owned(),
        String::new(),
    ];
    for other in others {
        server.answers(OAUTH, Reply::json(&document(&server, &other)));
        server.answers(OPENID, Reply::json(&document(&server, server.origin())));
        let error = discover(server.origin(), &Overrides::default()).await.unwrap_err();
        assert!(matches!(&error, MetadataError::IssuerMismatch { found, .. } if **found == other), "{error}");
    }
}

#[tokio::test]
async fn a_document_that_names_no_issuer_or_is_not_strict_json_is_none() {
    let server = ScriptedIssuer::start().await;
    let good = document(&server, server.origin()).to_string();
    let twice = good.replacen('{', &format!(r#"{{"issuer":"{}","#, server.origin()), 1);
    for body in
        [twice.as_str(), "{}", "[]", "null", r#"{"issuer":1}"#, "", &format!("{good}x"), &format!("\u{feff}{good}")]
    {
        server.answers(OAUTH, Reply::new(200, body));
        server.answers(OPENID, Reply::new(200, vec![b' '; 256 * 1024 + 1]));
        let error = discover(server.origin(), &Overrides::default()).await.unwrap_err();
        let MetadataError::NotFound(attempts) = error else { panic!("{error}") };
        let problems: Vec<_> = attempts.iter().map(|attempt| attempt.problem).collect();
        assert_eq!(problems, [NoDocument::NotMetadata, NoDocument::TooLarge], "{body}");
    }
}

#[tokio::test]
async fn keys_on_another_origin_need_a_word_from_configuration() {
    let server = ScriptedIssuer::start().await;
    let elsewhere = json!({"issuer": server.origin(), "jwks_uri": "https://keys.example/jwks"});
    server.answers(OAUTH, Reply::json(&elsewhere));
    let refused = discover(server.origin(), &Overrides::default()).await.unwrap_err();
    assert!(matches!(refused, MetadataError::BadEndpoint { member: "jwks_uri", .. }), "{refused}");
    let third = Overrides { jwks_origins: vec!["https://other.example".to_owned()], ..Overrides::default() };
    let refused = discover(server.origin(), &third).await.unwrap_err();
    assert!(matches!(refused, MetadataError::BadEndpoint { member: "jwks_uri", .. }), "{refused}");
    let allowed = Overrides { jwks_origins: vec!["https://keys.example".to_owned()], ..Overrides::default() };
    let found = discover(server.origin(), &allowed).await.unwrap();
    assert_eq!(found.jwks_uri.as_str(), "https://keys.example/jwks");
    let overridden = Overrides { jwks_uri: Some(server.url("/mine")), ..Overrides::default() };
    assert_eq!(discover(server.origin(), &overridden).await.unwrap().jwks_uri, server.url("/mine"));
}

#[tokio::test]
async fn a_url_in_the_document_is_https_or_on_a_host_that_is_allowed_for_http() {
    let server = ScriptedIssuer::start().await;
    let origins = ["https://keys.example", "http://keys.example"].map(ToOwned::to_owned);
    let anywhere = Overrides { jwks_origins: origins.to_vec(), ..Overrides::default() };
    for url in ["http://keys.example/jwks", "file:///etc/passwd", "data:,x", "jwks", "", "//keys.example/jwks"] {
        server.answers(OAUTH, Reply::json(&json!({"issuer": server.origin(), "jwks_uri": url})));
        let refused = discover(server.origin(), &anywhere).await.unwrap_err();
        assert!(matches!(refused, MetadataError::BadEndpoint { member: "jwks_uri", .. }), "{url}: {refused}");
        let document =
            json!({"issuer": server.origin(), "jwks_uri": server.url("/jwks").as_str(), "introspection_endpoint": url});
        server.answers(OAUTH, Reply::json(&document));
        let refused = discover(server.origin(), &anywhere).await.unwrap_err();
        assert!(matches!(refused, MetadataError::BadEndpoint { member: "introspection_endpoint", .. }), "{url}");
    }
    server.answers(OAUTH, Reply::json(&json!({"issuer": server.origin(), "jwks_uri": "http://keys.example/jwks"})));
    let listed = Overrides { http_hosts: HttpHosts::parse(["keys.example"]).unwrap(), ..anywhere };
    assert!(discover(server.origin(), &listed).await.is_ok());
}

#[tokio::test]
async fn a_document_without_keys_is_refused_unless_configuration_has_them() {
    let server = ScriptedIssuer::start().await;
    server.answers(OAUTH, Reply::json(&json!({"issuer": server.origin()})));
    let refused = discover(server.origin(), &Overrides::default()).await.unwrap_err();
    assert!(matches!(refused, MetadataError::BadEndpoint { member: "jwks_uri", problem: "missing", .. }));
    let overrides = Overrides {
        jwks_uri: Some(server.url("/mine")),
        introspection_endpoint: Some(server.url("/ask")),
        ..Overrides::default()
    };
    let found = discover(server.origin(), &overrides).await.unwrap();
    assert_eq!((found.jwks_uri, found.introspection_endpoint), (server.url("/mine"), Some(server.url("/ask"))));
}

#[tokio::test]
async fn the_place_of_the_document_can_be_set_and_the_issuer_stays() {
    let server = ScriptedIssuer::start().await;
    let issuer = "https://issuer.example";
    server.answers("/here", Reply::json(&document(&server, issuer)));
    let overrides = Overrides {
        metadata_url: Some(server.url("/here")),
        jwks_uri: Some(server.url("/jwks")),
        ..Overrides::default()
    };
    assert_eq!(discover(issuer, &overrides).await.unwrap().issuer.as_str(), issuer);
    assert_eq!(server.asked(), ["/here"]);
    server.answers("/here", Reply::json(&document(&server, server.origin())));
    assert!(matches!(discover(issuer, &overrides).await, Err(MetadataError::IssuerMismatch { .. })));
}

#[tokio::test]
async fn an_override_without_tls_to_a_foreign_host_is_refused() {
    let url = "http://keys.example/jwks".parse().unwrap();
    let overrides = Overrides { jwks_uri: Some(url), ..Overrides::default() };
    let refused = discover("https://issuer.example", &overrides).await.unwrap_err();
    assert!(matches!(refused, MetadataError::InsecureOverride(_)), "{refused}");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_asked_once() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = discover(&format!("http://{gone}"), &Overrides::default()).await.unwrap_err();
    assert!(matches!(&refused, MetadataError::NoAnswer { url, .. } if url.path() == OAUTH), "{refused}");
}
