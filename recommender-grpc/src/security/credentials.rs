//! The file that says who may do what.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::error::ServeError;
use crate::security::reload::Files;
use crate::security::role::{Role, Roles};
use crate::security::tokens::{Tokens, TokensFile};
use crate::security::{Caller, Watched};
use crate::status::Denial;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsFile {
    #[serde(default)]
    keys: Vec<KeyEntry>,
    #[serde(default)]
    certificates: Vec<CertificateEntry>,
    tokens: Option<TokensFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    name: String,
    /// SHA-256 of the key, in hexadecimal digits: the key itself is nowhere.
    sha256: String,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateEntry {
    /// The URI, DNS name or common name of the holder.
    name: String,
    roles: Vec<Role>,
}

/// A key that is known by its digest.
struct Key {
    digest: [u8; 32],
    caller: Caller,
}

/// Who may do what.
pub(crate) struct Credentials {
    keys: Vec<Key>,
    certificates: HashMap<String, Caller>,
    tokens: Option<Tokens>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("keys", &self.keys.len())
            .field("certificates", &self.certificates.len())
            .field("tokens", &self.tokens.is_some())
            .finish()
    }
}

impl Credentials {
    /// Reads `file`, now and when it changes.
    ///
    /// # Errors
    /// [`ServeError::File`], which says what is wrong and shows no secret.
    pub(crate) fn open(file: PathBuf) -> Result<Watched<Self>, ServeError> {
        Watched::open("the credentials", move |files| Self::read(&file, files))
    }

    fn read(file: &Path, files: &mut Files) -> Result<Self, String> {
        let text = String::from_utf8(files.read(file)?);
        let text = text.map_err(|_| format!("{}: expected UTF-8", file.display()))?;
        let told = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        // The parser's own words would show a line of the file.
        let parsed: CredentialsFile = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| {
                text.get(..span.start)
                    .map_or(0, |before| before.matches('\n').count() + 1)
            });
            told(&format_args!("line {line}: {}", error.message()))
        })?;
        let keys: Result<Vec<_>, _> = parsed.keys.iter().map(Key::of).collect();
        let certificates = parsed.certificates.into_iter().map(|entry| {
            let caller = caller(&entry.name, &entry.roles)?;
            Ok((entry.name, caller))
        });
        let certificates: Result<_, String> = certificates.collect();
        let folder = file.parent().unwrap_or(Path::new(""));
        let tokens = parsed
            .tokens
            .map(|tokens| Tokens::read(tokens, folder, files));
        Ok(Self {
            keys: keys.map_err(|error| told(&error))?,
            certificates: certificates.map_err(|error| told(&error))?,
            tokens: tokens.transpose()?,
        })
    }

    /// Who makes a call with these headers, on a connection whose certificate has this holder.
    ///
    /// # Errors
    /// Why she is not known.
    pub(crate) fn caller(
        &self,
        headers: &HeaderMap,
        holder: Option<&str>,
    ) -> Result<Caller, Denial> {
        if let Some(secret) = secret(headers)? {
            return self.of_secret(secret);
        }
        let holder = holder.ok_or(Denial::Missing)?;
        self.certificates.get(holder).cloned().ok_or(Denial::Wrong)
    }

    fn of_secret(&self, secret: &str) -> Result<Caller, Denial> {
        match &self.tokens {
            // A token has three parts, and a key of three parts is no more than wrong.
            Some(tokens) if secret.matches('.').count() == 2 => tokens.caller(secret),
            _ => self.of_key(secret),
        }
    }

    /// Looks at all keys, wherever the right one stands: the time says nothing about which it was.
    fn of_key(&self, secret: &str) -> Result<Caller, Denial> {
        let shown = digest(&SHA256, secret.as_bytes());
        let mut found = u64::MAX;
        for (number, key) in (0u64..).zip(&self.keys) {
            let same: Choice = key.digest.ct_eq(shown.as_ref());
            found.conditional_assign(&number, same);
        }
        let found = usize::try_from(found)
            .ok()
            .and_then(|found| self.keys.get(found));
        found.map(|key| key.caller.clone()).ok_or(Denial::Wrong)
    }
}

/// The key or token a caller shows: one, in one place.
fn secret(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let mut keys = headers.get_all("x-api-key").iter();
    let (first, key) = (shown.next(), keys.next());
    if shown.next().is_some() || keys.next().is_some() || (first.is_some() && key.is_some()) {
        return Err(Denial::Wrong);
    }
    if let Some(key) = key {
        return key.to_str().map(Some).map_err(|_| Denial::Wrong);
    }
    let Some(first) = first else {
        return Ok(None);
    };
    let text = first.to_str().map_err(|_| Denial::Wrong)?;
    let (scheme, secret) = text.split_once(' ').ok_or(Denial::Wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(secret.trim_start()));
    }
    Err(Denial::Wrong)
}

impl Key {
    fn of(entry: &KeyEntry) -> Result<Self, String> {
        let wrong = || {
            format!(
                "key \"{}\": expected 64 hexadecimal digits as sha256",
                entry.name
            )
        };
        let digits = entry.sha256.as_bytes();
        if digits.len() != 64 {
            return Err(wrong());
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self {
            digest,
            caller: caller(&entry.name, &entry.roles)?,
        })
    }
}

fn caller(name: &str, roles: &[Role]) -> Result<Caller, String> {
    if !is_name(name) {
        return Err("expected names of 1 to 128 printable characters".to_owned());
    }
    if roles.is_empty() {
        return Err(format!("\"{name}\": expected at least one role"));
    }
    Ok(Caller {
        name: Arc::from(name),
        roles: Roles::of(roles),
    })
}

/// Whether a caller can be called so in logs.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(secret: &str) -> String {
        crate::digits::hex(digest(&SHA256, secret.as_bytes()).as_ref())
    }

    fn open(text: &str) -> Result<Watched<Credentials>, ServeError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials.toml");
        std::fs::write(&file, text).unwrap();
        Credentials::open(file)
    }

    fn keys() -> Watched<Credentials> {
        let entry = |name: &str, roles: &str| {
            let digest = hex(&format!("secret of {name}"));
            format!("[[keys]]\nname = '{name}'\nsha256 = '{digest}'\nroles = [{roles}]\n")
        };
        let certificate = "[[certificates]]\nname = 'till-7'\nroles = ['write_events']\n";
        let first = entry("web", "'read', 'write_events'");
        open(&format!(
            "{first}{}{certificate}",
            entry("office", "'erase'")
        ))
        .unwrap()
    }

    fn headers(shown: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in shown {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_key_is_known_in_either_header() {
        let credentials = keys().now();
        for (header, value, name) in [
            ("authorization", "Bearer secret of web", "web"),
            ("authorization", "bearer secret of office", "office"),
            ("x-api-key", "secret of office", "office"),
        ] {
            let caller = credentials
                .caller(&headers(&[(header, value)]), None)
                .unwrap();
            assert_eq!(&*caller.name, name);
            assert_eq!(caller.roles.contain(Role::Erase), name == "office");
        }
    }

    #[test]
    fn what_is_unknown_doubled_or_nothing_is_refused() {
        let credentials = keys().now();
        let right = "secret of web";
        let cases = [
            (vec![], Denial::Missing),
            (vec![("x-api-key", "")], Denial::Wrong),
            (vec![("x-api-key", "secret of web ")], Denial::Wrong),
            (vec![("authorization", right)], Denial::Wrong),
            (vec![("authorization", "Basic c2VjcmV0")], Denial::Wrong),
            (vec![("authorization", "Bearer a.b.c")], Denial::Wrong),
            (
                vec![("x-api-key", right), ("x-api-key", right)],
                Denial::Wrong,
            ),
            (
                vec![("x-api-key", right), ("authorization", "Bearer x")],
                Denial::Wrong,
            ),
        ];
        for (shown, denial) in cases {
            assert_eq!(
                credentials.caller(&headers(&shown), None),
                Err(denial),
                "{shown:?}"
            );
        }
    }

    #[test]
    fn a_certificate_speaks_where_nothing_else_is_shown() {
        let credentials = keys().now();
        let caller = credentials
            .caller(&HeaderMap::new(), Some("till-7"))
            .unwrap();
        assert!(caller.roles.contain(Role::WriteEvents) && !caller.roles.contain(Role::Read));
        let unknown = credentials.caller(&HeaderMap::new(), Some("till-8"));
        assert_eq!(unknown, Err(Denial::Wrong));
        let shown = headers(&[("x-api-key", "wrong")]);
        assert_eq!(
            credentials.caller(&shown, Some("till-7")),
            Err(Denial::Wrong)
        );
    }

    #[test]
    fn a_file_that_can_not_be_used_says_where_and_shows_no_secret() {
        let digest = hex("x");
        for (text, expected) in [
            (
                "[[keys]]\nname = 'a'\nsha256 = 'plain secret'\nroles = ['read']",
                "64 hexadecimal",
            ),
            (
                "[[keys]]\nname = 'a'\nsecret = 'plain secret'",
                "line 3: unknown field `secret`",
            ),
            (
                &*format!("[[keys]]\nname = 'a'\nsha256 = '{digest}'\nroles = []"),
                "one role",
            ),
            (
                "[[certificates]]\nname = ''\nroles = ['read']",
                "names of 1 to 128",
            ),
        ] {
            let error = open(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("plain secret"), "{error}");
        }
    }
}
