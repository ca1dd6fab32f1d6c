//! Tokens (JWT, RFC 7519) of an issuer this server trusts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp,
};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;

use crate::security::Caller;
use crate::security::credentials::is_name;
use crate::security::reload::Files;
use crate::security::role::{Role, Roles};
use crate::status::Denial;

/// What a key may sign with.
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::HS256,
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::RS256,
];

/// Fewest bytes of a secret that signs: as many as its digest has.
const SECRET_BYTES: usize = 32;

/// Longest token that is looked at, in bytes.
const LONGEST: usize = 8192;

/// Tokens whose signatures need not be checked a second time, in each of two halves.
const REMEMBERED: usize = 4096;

/// How tokens are checked, as the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensFile {
    /// Who must have issued them (`iss`).
    issuer: String,
    /// Whom they must be meant for (`aud`).
    audience: String,
    /// A JSON Web Key Set, each key with its `alg`: `HS256`, `EdDSA`, `ES256` or `RS256`.
    keys_file: PathBuf,
    /// The claim with the roles: a list, or words with blanks between them.
    #[serde(default = "roles_claim")]
    roles_claim: String,
    /// How far clocks may be apart.
    #[serde(default = "leeway_seconds")]
    leeway_seconds: u64,
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn leeway_seconds() -> u64 {
    30
}

/// A key, and the one way in which it may sign.
struct Signer {
    id: Option<String>,
    key: DecodingKey,
    validation: Validation,
}

/// Checks tokens.
pub(crate) struct Tokens {
    signers: Vec<Signer>,
    roles_claim: String,
    leeway: u64,
    remembered: Mutex<Remembered>,
}

impl Tokens {
    /// As the file says, whose paths begin at `folder`.
    pub(crate) fn read(file: TokensFile, folder: &Path, files: &mut Files) -> Result<Self, String> {
        let path = folder.join(&file.keys_file);
        let told = |reason: &str| format!("{}: {reason}", path.display());
        let set: JwkSet = serde_json::from_slice(&files.read(&path)?)
            .map_err(|_| told("expected a JSON Web Key Set"))?;
        let signers: Result<Vec<_>, _> = set.keys.iter().map(|jwk| signer(jwk, &file)).collect();
        let signers = signers.map_err(|reason| told(&reason))?;
        if signers.is_empty() {
            return Err(told("expected at least one key"));
        }
        if file.leeway_seconds > 600 {
            return Err(told("expected leeway_seconds of at most 600"));
        }
        Ok(Self {
            signers,
            roles_claim: file.roles_claim,
            leeway: file.leeway_seconds,
            remembered: Mutex::default(),
        })
    }

    /// Whom `token` speaks of.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(crate) fn caller(&self, token: &str) -> Result<Caller, Denial> {
        if token.len() > LONGEST {
            return Err(Denial::Wrong);
        }
        let mut name = [0; 32];
        name.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let now = get_current_timestamp();
        let lock = || {
            self.remembered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(known) = lock().get(&name) {
            // Signature, issuer and audience were right before: only time has gone on.
            return if known.expires.saturating_add(self.leeway) < now {
                Err(Denial::Expired)
            } else {
                Ok(known.caller)
            };
        }
        let known = self.checked(token)?;
        lock().put(name, known.clone());
        Ok(known.caller)
    }

    fn checked(&self, token: &str) -> Result<Known, Denial> {
        let header = decode_header(token).map_err(|_| Denial::Wrong)?;
        let signer = self.signer(header.kid.as_deref()).ok_or(Denial::Wrong)?;
        let claims = decode::<Value>(token, &signer.key, &signer.validation)
            .map_err(|error| denial(error.kind()))?;
        let claims = claims.claims;
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|name| is_name(name)).ok_or(Denial::Wrong)?;
        let expires = claims.get("exp").and_then(seconds).ok_or(Denial::Wrong)?;
        Ok(Known {
            caller: Caller {
                name: Arc::from(subject),
                roles: roles(claims.get(&self.roles_claim)),
            },
            expires,
        })
    }

    /// The key of this id; the only one, where a token names none.
    fn signer(&self, id: Option<&str>) -> Option<&Signer> {
        match (id, &*self.signers) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), signers) => {
                let mut named = signers
                    .iter()
                    .filter(|signer| signer.id.as_deref() == Some(id));
                named.next()
            }
        }
    }
}

fn denial(error: &ErrorKind) -> Denial {
    if matches!(error, ErrorKind::ExpiredSignature) {
        return Denial::Expired;
    }
    if matches!(error, ErrorKind::ImmatureSignature) {
        return Denial::NotYet;
    }
    Denial::Wrong
}

/// A time of a token, which may have a fraction that does not matter.
fn seconds(claim: &Value) -> Option<u64> {
    if let Some(whole) = claim.as_u64() {
        return Some(whole);
    }
    let time = claim.as_f64().filter(|time| (0.0..1e12).contains(time))?;
    Some(std::time::Duration::from_secs_f64(time).as_secs())
}

fn signer(jwk: &Jwk, file: &TokensFile) -> Result<Signer, String> {
    let id = jwk.common.key_id.clone();
    let told = |expected: &str| format!("key {id:?}: expected {expected}");
    let algorithm = jwk.common.key_algorithm;
    let algorithm = algorithm.and_then(|algorithm| Algorithm::try_from(algorithm).ok());
    let algorithm = algorithm.filter(|algorithm| ALGORITHMS.contains(algorithm));
    let algorithm = algorithm.ok_or_else(|| told("an alg of HS256, EdDSA, ES256 or RS256"))?;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| told("a key"))?;
    if !key.family().algorithms().contains(&algorithm) {
        return Err(told("a kty that goes with its alg"));
    }
    let secret = key.try_get_as_bytes().map_or(SECRET_BYTES, <[u8]>::len);
    if algorithm == Algorithm::HS256 && secret < SECRET_BYTES {
        return Err(told("a secret of at least 32 bytes"));
    }
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&file.issuer]);
    validation.set_audience(&[&file.audience]);
    validation.validate_nbf = true;
    validation.leeway = file.leeway_seconds;
    Ok(Signer {
        id,
        key,
        validation,
    })
}

/// The roles a claim names; words of others are none of ours.
fn roles(claim: Option<&Value>) -> Roles {
    let words: Vec<&str> = match claim {
        Some(Value::String(words)) => words.split(' ').collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let roles: Vec<Role> = words.into_iter().filter_map(Role::named).collect();
    Roles::of(&roles)
}

/// A token whose signature was right.
#[derive(Clone)]
struct Known {
    caller: Caller,
    expires: u64,
}

/// The tokens seen last, by their digests: checking a signature takes longer than an answer.
#[derive(Default)]
struct Remembered {
    young: HashMap<[u8; 32], Known>,
    old: HashMap<[u8; 32], Known>,
}

impl Remembered {
    fn get(&mut self, token: &[u8; 32]) -> Option<Known> {
        if let Some(known) = self.young.get(token) {
            return Some(known.clone());
        }
        let known = self.old.remove(token)?;
        self.put(*token, known.clone());
        Some(known)
    }

    fn put(&mut self, token: [u8; 32], known: Known) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, known);
    }
}

#[cfg(test)]
mod tests;
