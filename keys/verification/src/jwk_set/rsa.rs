//! Which RSA public keys are good enough: 2048 to 8192 bits (RFC 7518 §3.3), an odd modulus, an odd exponent of 3 or
//! more that fits 33 bits, numbers in their shortest form (RFC 7518 §2), and not of the broken ROCA kind.

use super::{key::UnusableKey, roca};

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// Checks the numbers of an RSA public key, big-endian.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), UnusableKey> {
    let bits = match modulus.first() {
        None | Some(0) => return Err(UnusableKey::Malformed("n is not in its shortest form")),
        Some(first) => modulus.len() * 8 - first.leading_zeros() as usize,
    };
    if bits < MIN_BITS {
        return Err(UnusableKey::WeakRsa("fewer than 2048 bits"));
    }
    if bits > MAX_BITS {
        return Err(UnusableKey::WeakRsa("more than 8192 bits"));
    }
    if modulus.last().is_none_or(|last| last % 2 == 0) {
        return Err(UnusableKey::WeakRsa("an even modulus"));
    }
    check_exponent(exponent)?;
    if roca::is_vulnerable(modulus) {
        return Err(UnusableKey::WeakRsa("made by a generator whose keys can be factored (CVE-2017-15361)"));
    }
    Ok(())
}

fn check_exponent(exponent: &[u8]) -> Result<(), UnusableKey> {
    if matches!(exponent.first(), None | Some(0)) {
        return Err(UnusableKey::Malformed("e is not in its shortest form"));
    }
    if exponent.len() > 8 {
        return Err(UnusableKey::WeakRsa("an exponent too large"));
    }
    let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    match value {
        0..=2 => Err(UnusableKey::WeakRsa("an exponent below 3")),
        3..=MAX_EXPONENT if value % 2 == 1 => Ok(()),
        3..=MAX_EXPONENT => Err(UnusableKey::WeakRsa("an even exponent")),
        _ => Err(UnusableKey::WeakRsa("an exponent too large")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: &[u8] = &[1, 0, 1];

    fn modulus(bits: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] = 0xff >> (bytes.len() * 8 - bits);
        bytes
    }

    #[test]
    fn rfc7518_section_3_3_a_key_of_2048_bits_or_larger_must_be_used() {
        assert_eq!(check(&modulus(2047), E), Err(UnusableKey::WeakRsa("fewer than 2048 bits")));
        assert_eq!(check(&modulus(1024), E), Err(UnusableKey::WeakRsa("fewer than 2048 bits")));
        for bits in [2048, 2049, 3072, 4096, 8192] {
            assert_eq!(check(&modulus(bits), E), Ok(()), "{bits}");
        }
        assert_eq!(check(&modulus(8193), E), Err(UnusableKey::WeakRsa("more than 8192 bits")));
    }

    #[test]
    fn the_exponent_is_odd_and_between_3_and_33_bits() {
        for exponent in [&[3][..], &[17], E, &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check(&modulus(2048), exponent), Ok(()), "{exponent:?}");
        }
        for exponent in [&[1][..], &[2], &[4], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 8], &[0xff; 9]] {
            assert!(matches!(check(&modulus(2048), exponent), Err(UnusableKey::WeakRsa(_))), "{exponent:?}");
        }
    }

    #[test]
    fn rfc7518_section_2_numbers_must_use_the_minimum_number_of_octets() {
        let padded = [&[0][..], &modulus(2048)].concat();
        assert_eq!(check(&padded, E), Err(UnusableKey::Malformed("n is not in its shortest form")));
        assert_eq!(check(&[], E), Err(UnusableKey::Malformed("n is not in its shortest form")));
        for exponent in [&[][..], &[0, 3], &[0]] {
            let expected = Err(UnusableKey::Malformed("e is not in its shortest form"));
            assert_eq!(check(&modulus(2048), exponent), expected);
        }
    }

    #[test]
    fn an_even_modulus_is_no_modulus() {
        let mut even = modulus(2048);
        even[255] = 0xfe;
        assert_eq!(check(&even, E), Err(UnusableKey::WeakRsa("an even modulus")));
    }
}
