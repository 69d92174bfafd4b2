//! The fingerprint of ROCA keys (CVE-2017-15361): primes from that generator are powers of 65537 modulo a product of
//! small primes, so the modulus is one too, modulo each of them. Other keys show this once in many millions.

const GENERATOR: u32 = 65537;

/// The primes for which being a power of 65537 says the most.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether the big-endian `modulus` has the fingerprint.
pub(super) fn is_vulnerable(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| is_power_of_generator(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

fn is_power_of_generator(value: u32, prime: u32) -> bool {
    let powers = std::iter::successors(Some(1), |power| Some(power * GENERATOR % prime));
    powers.take(prime as usize).any(|power| power == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_the_generator_is_found_and_its_neighbour_is_not() {
        assert!(is_vulnerable(&GENERATOR.to_be_bytes()));
        assert!(is_vulnerable(&(u64::from(GENERATOR) * u64::from(GENERATOR)).to_be_bytes()));
        assert!(!is_vulnerable(&(GENERATOR + 2).to_be_bytes()));
        assert!(!is_vulnerable(&[0xff; 256]));
    }
}
