//! Personal keys made unreadable at the door.

use std::fmt;
use std::fs;
use std::path::Path;

use ring::hmac;

use crate::digits::hex;
use crate::error::{Result, StoreError};
use crate::identity::{Identifier, Namespace};

/// Fewest bytes of a key: those of the digest.
pub const MIN_KEY_BYTES: usize = 32;

/// Replaces personal keys by a keyed hash: HMAC with SHA-256 (RFC 2104, FIPS 180-4), in 64 hexadecimal digits, over
/// what the key is one of and the key. Who does not have the secret can neither find out a key nor look for one, even
/// if he knows all telephone numbers; the same key always has the same pseudonym, so that a person stays one.
///
/// The visitor keys and session keys of events and the values of identifiers are replaced, not their event ids and
/// attributes: those must not name persons.
///
/// # A new secret
///
/// Pseudonyms of one secret tell nothing of those of another. A store is therefore bound to the secret it was begun
/// with, and refuses to be opened with another: everyone would silently be a stranger. Who changes it on purpose
/// ([`accept_new_key`](crate::store::StoreConfig::accept_new_key)) begins anew: what was kept under the old secret can
/// be learned from until it expires, but no longer be found for a person, neither to serve nor to erase. Keep the old
/// secret until that data has expired, and open the store with it to answer persons who ask.
#[derive(Clone)]
pub struct Pseudonyms {
    key: hmac::Key,
    id: String,
}

impl Pseudonyms {
    /// With a secret of at least [`MIN_KEY_BYTES`] bytes, which should be random.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is too short.
    pub fn new(secret: &[u8]) -> Result<Self> {
        if secret.len() < MIN_KEY_BYTES {
            let expected = format!("at least {MIN_KEY_BYTES} bytes");
            let found = format!("{} bytes", secret.len());
            return Err(StoreError::invalid(
                "key of the pseudonyms",
                expected,
                found,
            ));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let digest = hmac::sign(&key, b"which key is this?");
        let id = hex(&digest.as_ref()[..8]);
        Ok(Self { key, id })
    }

    /// With the secret that is all there is in a file, but for white space at its end.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file can't be read, and as [`Pseudonyms::new`].
    pub fn from_file(path: &Path) -> Result<Self> {
        let secret = fs::read(path).map_err(|error| StoreError::io(path, error))?;
        Self::new(secret.trim_ascii_end())
    }

    /// Tells one secret from another without giving it away.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn identifier(&self, identifier: &Identifier) -> Result<Identifier> {
        let namespace = identifier.namespace();
        let pseudonym = self.pseudonym(namespace.name(), identifier.value());
        Identifier::new(namespace, &pseudonym)
    }

    pub(crate) fn visitor(&self, key: &str) -> String {
        self.pseudonym(Namespace::Visitor.name(), key)
    }

    pub(crate) fn session(&self, key: &str) -> String {
        self.pseudonym("session", key)
    }

    fn pseudonym(&self, sort: &str, key: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(sort.as_bytes());
        context.update(&[0]);
        context.update(key.as_bytes());
        hex(context.sign().as_ref())
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn pseudonyms_are_those_of_the_standard() {
        // printf 'visitor\0ann' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let pseudonyms = Pseudonyms::new(SECRET).unwrap();
        let expected = "07e642530e14b7332b74e1860b3e2cc9e01a80ddfde7222aa682c89df40934a4";
        assert_eq!(pseudonyms.visitor("ann"), expected);
        let visitor = pseudonyms.identifier(&Identifier::visitor("ann").unwrap());
        assert_eq!(visitor.unwrap().value(), expected);
        assert_ne!(pseudonyms.session("ann"), expected, "of another sort");
    }

    #[test]
    fn the_secret_is_never_shown_and_a_short_one_refused() {
        let pseudonyms = Pseudonyms::new(SECRET).unwrap();
        let shown = format!("{pseudonyms:?}");
        assert_eq!(shown, "Pseudonyms(secret)");
        assert!(Pseudonyms::new(&SECRET[..31]).is_err());
        let other = Pseudonyms::new(b"another secret of at least 32 bytes").unwrap();
        assert_ne!(other.visitor("ann"), pseudonyms.visitor("ann"));
        assert_ne!(other.id(), pseudonyms.id());
    }

    #[test]
    fn a_file_gives_the_secret_without_its_last_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, [SECRET, b"\n"].concat()).unwrap();
        let read = Pseudonyms::from_file(&path).unwrap();
        assert_eq!(read.id(), Pseudonyms::new(SECRET).unwrap().id());
        let missing = Pseudonyms::from_file(&directory.path().join("none"));
        assert!(matches!(missing, Err(StoreError::Io { .. })));
    }
}
