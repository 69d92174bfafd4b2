use super::*;
use crate::oauth::{
    exchange,
    testing::{jwt_parts, random},
};
use jiff::Timestamp;
use verification_keys::testing::ManualClock;

fn around() -> Surroundings {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
    Surroundings { clock, random: Arc::new(random()) }
}

fn url(raw: &str) -> Url {
    Url::parse(raw).unwrap()
}

fn parts(proof: &HeaderValue) -> (Value, Value) {
    jwt_parts(proof.to_str().unwrap())
}

fn nonce(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(NONCE, HeaderValue::from_static(value))])
}

#[test]
fn rfc9449_section_7_1_hash_of_the_token() {
    let token = AccessToken::parse("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU").unwrap();
    let possession = Possession::generate(around()).unwrap();
    let (_, claims) = parts(&possession.proof(&Method::GET, &url("https://r.example/x"), Some(&token)).unwrap());
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn a_proof_names_the_method_and_the_url_without_its_query_and_is_never_the_same() {
    let possession = Possession::generate(around()).unwrap();
    let make = || parts(&possession.proof(&Method::POST, &url("https://r.example/mcp?x=1#y"), None).unwrap());
    let (header, claims) = make();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!("https://r.example/mcp")));
    assert_eq!(claims["iat"], 1_800_000_000);
    assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
    assert_ne!(claims["jti"], make().1["jti"]);
}

#[test]
fn the_public_half_goes_along_and_the_private_half_never() {
    let possession = Possession::generate(around()).unwrap();
    let (header, _) = parts(&possession.proof(&Method::GET, &url("https://r.example/"), None).unwrap());
    let names: Vec<_> = header["jwk"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "x", "y"]);
    let debug = format!("{possession:?} {:?}", possession.key());
    assert!(!debug.contains(possession.key().reveal()));
}

#[test]
fn a_kept_key_makes_proofs_of_the_same_thumbprint() {
    let possession = Possession::generate(around()).unwrap();
    let again = Possession::from_kept(possession.key().clone(), around()).unwrap();
    assert_eq!((possession.thumbprint().len(), &possession), (43, &again));
    assert_eq!(possession.thumbprint(), again.thumbprint());
    assert_ne!(Possession::generate(around()).unwrap().thumbprint(), again.thumbprint());
    assert!(Possession::from_kept(PossessionKey::kept("AAAA".to_owned()), around()).is_none());
}

#[test]
fn a_nonce_is_for_the_origin_that_gave_it() {
    let possession = Possession::generate(around()).unwrap();
    assert!(possession.learn(&url("https://as.example/token"), &nonce("n-1")));
    let claims = |at: &str| parts(&possession.proof(&Method::POST, &url(at), None).unwrap()).1;
    assert_eq!(claims("https://as.example/other")["nonce"], "n-1");
    assert!(claims("https://r.example/mcp").get("nonce").is_none());
    assert!(possession.learn(&url("https://as.example/token"), &nonce("n-2")));
    assert_eq!(claims("https://as.example/token")["nonce"], "n-2");
}

#[test]
fn a_nonce_that_breaks_the_grammar_is_not_kept() {
    let possession = Possession::generate(around()).unwrap();
    let at = url("https://as.example/token");
    for bad in ["", "a b", "a\"b", "a\\b"] {
        assert!(!possession.learn(&at, &nonce(bad)), "{bad:?}");
    }
    assert!(!possession.learn(&at, &HeaderMap::new()));
}

#[test]
fn a_request_with_a_token_carries_it_under_the_scheme_of_its_own() {
    let possession = Possession::generate(around()).unwrap();
    let token = AccessToken::parse("t0ken").unwrap();
    let mut request = exchange::get_json(&url("https://r.example/mcp"));
    possession.sign(&mut request, Some(&token)).unwrap();
    assert_eq!(request.headers()[header::AUTHORIZATION], "DPoP t0ken");
    assert_eq!(parts(&request.headers()[PROOF]).1["htm"], "GET");
    let mut bare = exchange::get_json(&url("https://as.example/token"));
    possession.sign(&mut bare, None).unwrap();
    assert!(!bare.headers().contains_key(header::AUTHORIZATION) && bare.headers().contains_key(PROOF));
}
