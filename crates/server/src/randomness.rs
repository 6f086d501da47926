//! The one place that opens the system's source of randomness.

use conclave_protocol::Token;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

/// The system's randomness. A system without any cannot run a server, so a failure ends the process's task.
pub(crate) fn system() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Fresh random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    system().fill_bytes(&mut bytes);
    bytes
}

/// A fresh secret of 256 bits.
pub(crate) fn token() -> Token {
    Token::from_random(bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use conclave_protocol::bytes::from_base64;

    use super::*;

    #[test]
    fn tokens_have_256_bits_and_never_repeat() {
        let tokens: HashSet<String> = (0..10_000).map(|_| token().0).collect();
        assert_eq!(tokens.len(), 10_000);
        let mut ones = [0_u32; 256];
        for token in &tokens {
            let random = from_base64(token).unwrap();
            assert_eq!(random.len(), 32);
            for (at, count) in ones.iter_mut().enumerate() {
                *count += u32::from((random[at / 8] >> (at % 8)) & 1);
            }
        }
        // Six standard deviations to either side; a bit that stands still, or leans, is far out.
        assert!(
            ones.iter().all(|count| (4_700..5_300).contains(count)),
            "{ones:?}"
        );
        let ids: HashSet<[u8; 16]> = (0..10_000).map(|_| bytes()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
