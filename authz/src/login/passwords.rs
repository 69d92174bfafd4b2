//! The bounded pool that checks passwords.

/// The bounded pool that checks passwords.
#[derive(Clone, Debug)]
pub struct PasswordPool;
