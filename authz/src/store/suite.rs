//! The suite that every store passes, by noun. Each rule runs once on SQLite and, by `.ci/postgres`, once on
//! PostgreSQL, on an empty database of its own. `reopen` opens the same database again: what was done has to be there.

/// Each rule is an `async fn(Database)`.
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    super::$rule(super::Database::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                #[ignore = "needs PostgreSQL: .ci/postgres"]
                async fn $rule() {
                    super::$rule(super::Database::postgres().await).await;
                }
            )*
        }
    };
}

mod authorizations;
mod clients;
mod codes;
mod consents;
mod devices;
mod grants;
mod people;
mod refresh;
mod resources;
mod scene;
mod sessions;
mod single_use;
mod whole;
