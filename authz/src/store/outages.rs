//! What clients and people see of a SQLite database that is locked, full or gone, and that it passes by itself. Of
//! PostgreSQL, `.ci/authz-state` stops the server and starts it again.

use super::SqlStore;
use crate::{pages::testing::Tab, routes, testing::*};
use http::{StatusCode, header};
use std::fs;

async fn redeem(server: &Server, code: &str) -> Answer {
    server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(code)).await
}

fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.body);
    assert!(answer.header(header::RETRY_AFTER).is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{what}");
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"), "{what}");
}

/// Every endpoint that has to write.
async fn assert_nothing_can_be_written(server: &Server, code: &str) {
    let redeemed = redeem(server, code).await;
    assert_unavailable(&redeemed, "token");
    assert_eq!(redeemed.json()["error"], "temporarily_unavailable");
    let metadata = serde_json::json!({ "redirect_uris": [REDIRECT_URI] });
    assert_unavailable(&server.post_json(routes::REGISTER, &metadata).await, "register");
    let page = server.get(&format!("/oauth2/authorize?{}", encode(&AUTHORIZATION_REQUEST))).await;
    assert_unavailable(&page, "authorize");
    assert!(page.body.contains("operator") && !page.body.to_lowercase().contains("sql"), "{}", page.body);
}

async fn assert_everything_works_again(server: &Server, code: &str) {
    let answer = redeem(server, code).await;
    assert_eq!(answer.status, StatusCode::OK, "the code was not used up: {}", answer.body);
    server.token(RESOURCE).await;
    let mut tab = Tab::new(server);
    tab.begin_signed_in(&[]).await;
}

#[tokio::test]
async fn while_the_database_is_locked_the_answer_is_503_and_then_the_code_works() {
    let server = Server::start().await;
    let (code, token) = (server.code(&AUTHORIZATION_REQUEST).await, server.token(RESOURCE).await);
    let other = SqlStore::open(&server.database_url()).await.unwrap();
    let lock = other.begin().await.unwrap();
    assert_nothing_can_be_written(&server, &code).await;
    let introspected = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await;
    assert_eq!(introspected.json()["active"], true, "reading goes on");
    lock.rollback().await.unwrap();
    assert_everything_works_again(&server, &code).await;
}

#[tokio::test]
async fn while_the_disk_is_full_the_answer_is_503_and_then_the_code_works() {
    let server = Server::start().await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    server.sql.execute_for_test("PRAGMA max_page_count = 1").await;
    // What there is has room on its pages for a few more rows.
    while server.post_json(routes::REGISTER, &serde_json::json!({ "redirect_uris": [REDIRECT_URI] })).await.status
        != 503
    {}
    let metadata = serde_json::json!({ "redirect_uris": [format!("https://app.example/{}", "x".repeat(2000))] });
    assert_unavailable(&server.post_json(routes::REGISTER, &metadata).await, "register");
    server.sql.execute_for_test("PRAGMA max_page_count = 1000000").await;
    assert_everything_works_again(&server, &code).await;
}

#[tokio::test]
async fn a_database_that_was_moved_away_is_missed_at_once_and_found_when_it_is_back() {
    let server = Server::start().await;
    let (code, token) = (server.code(&AUTHORIZATION_REQUEST).await, server.token(RESOURCE).await);
    let file = server.database_url().sqlite_file().unwrap().to_owned();
    let away = file.with_extension("away");
    fs::rename(&file, &away).unwrap();
    assert_nothing_can_be_written(&server, &code).await;
    let introspect = async || server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await;
    assert_unavailable(&introspect().await, "introspect");
    assert_eq!(server.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(server.get(routes::JWKS).await.status, StatusCode::OK, "tokens are verified all the same");
    assert!(!file.exists(), "an empty database in its place would look like a new start");
    fs::rename(&away, &file).unwrap();
    assert_eq!(server.get("/readyz").await.status, StatusCode::OK);
    assert_eq!(introspect().await.json()["active"], true);
    assert_everything_works_again(&server, &code).await;
}

#[tokio::test]
async fn a_database_that_was_replaced_is_left_alone_until_a_restart() {
    let server = Server::start().await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let file = server.database_url().sqlite_file().unwrap().to_owned();
    let backup = file.with_extension("backup");
    let statement = format!("VACUUM INTO '{}'", backup.display());
    server.sql.execute_for_test(Box::leak(statement.into_boxed_str())).await;
    fs::rename(&backup, &file).unwrap();
    assert_nothing_can_be_written(&server, &code).await;
}

#[tokio::test]
async fn a_folder_that_was_removed_is_missed_at_once() {
    let server = Server::start().await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let folder = server.database_url().sqlite_file().unwrap().parent().unwrap().to_owned();
    fs::remove_dir_all(folder).unwrap();
    assert_nothing_can_be_written(&server, &code).await;
}
