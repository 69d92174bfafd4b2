//! The memory of one worker: Argon2 fills the same blocks for every password, so that a flood of logins needs no more
//! than one login on each core. (Memory that is asked for anew each time stays with the allocator in many pieces.)

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error,
        phc::{Output, ParamsString, PasswordHash as Phc, Salt},
    },
};

/// Blocks of 1 KiB to ask for at least, though only those in use are ever touched. Up to 32 MiB, glibc learns from memory
/// that is given back to take the like of it from its heap the next time, where it stays; above, it is the system's again.
const MAPPED_ALONE: usize = 33 * 1024;

/// The blocks of one worker: 19 MiB as long as there are passwords to look at.
#[derive(Default)]
pub(super) struct WorkerMemory {
    blocks: Vec<Block>,
}

impl WorkerMemory {
    /// Hashes `password` with Argon2id.
    ///
    /// # Errors
    /// The memory could not be had.
    pub(super) fn hash(&mut self, password: &[u8], salt: &[u8], params: &Params) -> Result<Phc, Error> {
        let salt = Salt::new(salt)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::default(), params.clone());
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        Ok(Phc {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::default().into()),
            params: ParamsString::try_from(params)?,
            hash: Some(self.output(&argon2, password, &salt, length)?),
            salt: Some(salt),
        })
    }

    /// Whether `password` is the one behind `stored`, a PHC string of any Argon2, with parameters of its own.
    ///
    /// # Errors
    /// It is no such string, or the memory could not be had.
    pub(super) fn verify(&mut self, password: &[u8], stored: &str) -> Result<bool, Error> {
        let stored = Phc::new(stored)?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(Error::EncodingInvalid) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
        // Outputs compare in constant time.
        Ok(self.output(&argon2, password, salt, expected.as_ref().len())? == *expected)
    }

    fn output(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], length: usize) -> Result<Output, Error> {
        let needed = argon2.params().block_count();
        if self.blocks.len() < needed {
            let more = needed.max(MAPPED_ALONE) - self.blocks.len();
            self.blocks.try_reserve_exact(more).map_err(|_| Error::OutOfMemory)?;
            self.blocks.resize(needed, Block::new());
        }
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.blocks)?;
        Output::new(output).map_err(Error::from)
    }

    /// Keeps nothing.
    pub(super) fn give_back(&mut self) {
        self.blocks = Vec::new();
    }

    /// How many blocks are kept.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }
}
