//! The key that receipts are signed with.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::digits::{bytes, hex};
use crate::error::{Result, StoreError};

/// Signs receipts by Ed25519 (RFC 8032), so that whoever knows the public key can tell who gave them.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key in a file (PKCS #8), which is made, readable by its owner alone, if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file can't be read or made; [`StoreError::Damaged`] if it holds no such key.
    pub fn open(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(pkcs8) => Self::of(&pkcs8).map_err(|reason| StoreError::damaged(path, reason)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(StoreError::io(path, error)),
        }
    }

    fn create(path: &Path) -> Result<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| StoreError::Unavailable {
            what: "the system's random numbers".into(),
            reason: "it gave none".into(),
        })?;
        let written = private(path).and_then(|mut file| {
            file.write_all(pkcs8.as_ref())?;
            file.sync_all()
        });
        written.map_err(|error| StoreError::io(path, error))?;
        Self::of(pkcs8.as_ref()).map_err(|reason| StoreError::damaged(path, reason))
    }

    fn of(pkcs8: &[u8]) -> Result<Self, String> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8);
        pair.map(Self)
            .map_err(|error| format!("no key of Ed25519: {error}"))
    }

    /// The public key, in hexadecimal digits.
    #[must_use]
    pub fn public_key(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    pub(super) fn sign(&self, text: &str) -> String {
        hex(self.0.sign(text.as_bytes()).as_ref())
    }
}

/// Whether `signature` is that of the owner of `public_key` under `text`.
pub(super) fn is_signed(text: &str, signature: &str, public_key: &str) -> bool {
    let (Some(signature), Some(key)) = (bytes(signature), bytes(public_key)) else {
        return false;
    };
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(text.as_bytes(), &signature).is_ok()
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_what_it_signs_is_told_from_what_it_did_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("receipts.key");
        let made = SigningKey::open(&path).unwrap();
        let read = SigningKey::open(&path).unwrap();
        assert_eq!(made.public_key(), read.public_key());
        let signature = made.sign("gone");
        assert!(is_signed("gone", &signature, &read.public_key()));
        assert!(!is_signed("here", &signature, &read.public_key()));
        assert!(!is_signed("gone", "no digits", &read.public_key()));
        assert!(!format!("{made:?}").contains(&hex(&fs::read(&path).unwrap())));
        fs::write(&path, "no key").unwrap();
        assert!(matches!(
            SigningKey::open(&path),
            Err(StoreError::Damaged { .. })
        ));
    }
}
