//! An authorization server without a database, which may lack one check.

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use ring::digest;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use url::Url;

use crate::{keys, stand_in::Lacks};

type Parameters = HashMap<String, String>;

pub(crate) struct Issuer {
    lacks: Option<Lacks>,
    url: String,
    /// Requests by number; a code is `code-` and the number.
    requests: Mutex<Vec<Parameters>>,
}

impl Issuer {
    pub(crate) fn routes(lacks: Option<Lacks>, url: &str) -> Router {
        let issuer = Self { lacks, url: url.to_owned(), requests: Mutex::default() };
        Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/jwks", get(async || Json(keys::jwk_set())))
            .route("/authorize", get(authorize))
            .route("/login", post(login))
            .route("/consent", get(consent_page).post(consent))
            .route("/token", post(token))
            .with_state(Arc::new(issuer))
    }

    fn lacks(&self, check: Lacks) -> bool {
        self.lacks == Some(check)
    }

    fn request(&self, number: &str) -> Parameters {
        self.requests.lock().unwrap().get(number.parse::<usize>().unwrap()).unwrap().clone()
    }

    fn answer(&self, request: &Parameters, name: &str, value: &str) -> Redirect {
        let mut url: Url = request["redirect_uri"].parse().unwrap();
        url.query_pairs_mut().append_pair(name, value).append_pair("state", &request["state"]);
        let silent = self.lacks(Lacks::Iss) || (self.lacks(Lacks::IssInRefusals) && name == "error");
        if !silent {
            url.query_pairs_mut().append_pair("iss", &self.url);
        }
        Redirect::to(url.as_str())
    }

    fn code(&self, number: &str) -> Redirect {
        self.answer(&self.request(number), "code", &format!("code-{number}"))
    }
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn authorize(
    State(issuer): State<Arc<Issuer>>,
    Query(request): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let method = request.get("code_challenge_method").map(String::as_str);
    let proper = request.contains_key("code_challenge") && method == Some("S256");
    if !proper && !issuer.lacks(Lacks::PkceDemanded) {
        return issuer.answer(&request, "error", "invalid_request").into_response();
    }
    let number = {
        let mut requests = issuer.requests.lock().unwrap();
        requests.push(request);
        (requests.len() - 1).to_string()
    };
    if !headers.contains_key(header::COOKIE) {
        return login_page(&number).into_response();
    }
    if issuer.lacks(Lacks::ConsentOnceSignedIn) {
        return issuer.code(&number).into_response();
    }
    Redirect::to(&format!("/consent?request={number}")).into_response()
}

fn login_page(number: &str) -> Html<String> {
    Html(format!(
        "<form method=post action=/login><input type=hidden name=request value={number}><input name=who>\
         <input type=password name=password><button>Sign in</button></form>"
    ))
}

async fn login(State(issuer): State<Arc<Issuer>>, Form(form): Form<Parameters>) -> Response {
    if form["who"] != "somebody" || form["password"] != "something" {
        return login_page(&form["request"]).into_response();
    }
    let next = if issuer.lacks(Lacks::ConsentPage) {
        issuer.code(&form["request"])
    } else {
        Redirect::to(&format!("/consent?request={}", form["request"]))
    };
    ([(header::SET_COOKIE, "session=1; HttpOnly")], next).into_response()
}

async fn consent_page(Query(query): Query<Parameters>) -> Html<String> {
    Html(format!(
        "<p>To localhost.</p><form method=post action=/consent><input type=hidden name=request value={}>\
         <button name=decision value=yes>Allow</button><button name=decision value=no>Deny</button></form>",
        query["request"]
    ))
}

async fn consent(State(issuer): State<Arc<Issuer>>, Form(form): Form<Parameters>) -> Redirect {
    if form["decision"] == "yes" || issuer.lacks(Lacks::Denial) {
        issuer.code(&form["request"])
    } else {
        issuer.answer(&issuer.request(&form["request"]), "error", "access_denied")
    }
}

async fn token(State(issuer): State<Arc<Issuer>>, Form(form): Form<Parameters>) -> Response {
    let request = issuer.request(form["code"].trim_start_matches("code-"));
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form["code_verifier"].as_bytes()));
    if request.get("code_challenge") != Some(&challenge) && !issuer.lacks(Lacks::PkceVerified) {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let token = keys::sign(&json!({
        "iss": issuer.url,
        "sub": "person-1",
        "aud": request["resource"],
        "client_id": request["client_id"],
        "scope": request["scope"],
        "iat": 1_800_000_000,
        "exp": 1_800_003_600,
        "jti": form["code"],
    }));
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600})).into_response()
}
