//! Event ids and visitors as numbers of fixed length.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// Bytes of a fingerprint. Among 100 million ids two differ and yet have the same one with a probability below one in
/// a hundred thousand: far below that of a bit that memory or disk lose unnoticed.
pub(super) const BYTES: usize = 9;

/// A keyed hash of a text, its bytes in the order in which they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Fingerprint(pub(super) [u8; BYTES]);

/// Makes the fingerprints of one store: the key keeps anybody from choosing ids that collide.
#[derive(Clone, Copy)]
pub(super) struct Fingerprints([u8; 16]);

impl Fingerprints {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    pub(super) fn of(&self, text: &str) -> Fingerprint {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(text.as_bytes());
        let hash = hasher.finish128();
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&hash.h1.to_be_bytes());
        bytes[8] = hash.h2.to_be_bytes()[0];
        Fingerprint(bytes)
    }
}

impl Fingerprint {
    /// The first eight bytes as a number.
    pub(super) fn high(&self) -> u64 {
        let mut high = [0; 8];
        high.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(high)
    }
}

impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprints")
    }
}
