//! The issuer's half of a key's life: make, store, rotate, sign, seal, publish.
//!
//! [`SigningKeys`] is the whole of it. Which key signs and which are published follows from the names of the
//! files in a folder and the time alone ([`KeyRing`]), so replicas that share the folder agree.

mod directory;
mod jwk_set;
mod key_id;
mod pem;
mod policy;
mod ring;
mod seal;
mod signer;
mod signing_keys;

pub use directory::{KeyDirectory, KeyDirectoryError, Replacement, Rotation};
pub use jwk_set::{JWK_SET_MAX_AGE, JwkSetDocument};
pub use key_id::KeyId;
pub use pem::InvalidKey;
pub use policy::{InvalidKeyPolicy, KeyPolicy, KeySize};
pub use ring::{KeyRing, KeyState, RingKey};
pub use seal::SealError;
pub use signer::{SignError, SigningKey};
pub use signing_keys::SigningKeys;
