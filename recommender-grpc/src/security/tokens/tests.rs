use jsonwebtoken::{EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::*;
use crate::security::Watched;

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// A key that signs, and the half of it that checks.
struct Pair {
    algorithm: Algorithm,
    signs: EncodingKey,
    checks: Value,
}

fn text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let mut whole = [0; 3];
        whole[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, whole[0], whole[1], whole[2]]);
        let digit = move |at: u32| DIGITS[(number >> (18 - 6 * at) & 63) as usize] as char;
        (0..=u32::try_from(chunk.len()).unwrap()).map(digit)
    });
    digits.collect()
}

fn hmac() -> Pair {
    Pair {
        algorithm: Algorithm::HS256,
        signs: EncodingKey::from_secret(SECRET),
        checks: json!({"kty": "oct", "kid": "hmac", "alg": "HS256", "k": text(SECRET)}),
    }
}

fn edwards() -> Pair {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
    let x = text(pair.public_key().as_ref());
    Pair {
        algorithm: Algorithm::EdDSA,
        signs: EncodingKey::from_ed_der(made.as_ref()),
        checks: json!({"kty": "OKP", "crv": "Ed25519", "kid": "edwards", "alg": "EdDSA", "x": x}),
    }
}

fn curve() -> Pair {
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (text(x), text(y));
    Pair {
        algorithm: Algorithm::ES256,
        signs: EncodingKey::from_ec_der(made.as_ref()),
        checks: json!({"kty": "EC", "crv": "P-256", "kid": "curve", "alg": "ES256", "x": x, "y": y}),
    }
}

fn open(keys: &[Value]) -> Result<Arc<Tokens>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    std::fs::write(path.join("keys.json"), json!({ "keys": keys }).to_string()).unwrap();
    let watched = Watched::open("tokens", move |files| {
        let file = TokensFile {
            issuer: "https://login.example".to_owned(),
            audience: "recommender".to_owned(),
            keys_file: "keys.json".into(),
            roles_claim: roles_claim(),
            leeway_seconds: 30,
        };
        Tokens::read(file, &path, files)
    });
    watched
        .map(|watched| watched.now())
        .map_err(|error| error.to_string())
}

/// What a good token says, but for `changed`; a claim of null is left out.
fn claims(changed: &Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({
        "iss": "https://login.example", "aud": ["recommender"], "sub": "till-7",
        "exp": now + 300, "nbf": now - 10, "roles": ["read", "erase", "their-own"],
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = claims.as_object_mut().unwrap();
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims.clone())
}

fn signed(pair: &Pair, id: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(pair.algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, claims, &pair.signs).unwrap()
}

#[test]
fn every_algorithm_is_taken_from_the_key_that_is_pinned_to_it() {
    let pairs = [hmac(), edwards(), curve()];
    let keys = pairs.each_ref().map(|pair| pair.checks.clone());
    let tokens = open(&keys).unwrap();
    for pair in &pairs {
        let id = pair.checks["kid"].as_str();
        let token = signed(pair, id, &claims(&json!({})));
        for _ in 0..2 {
            let caller = tokens.caller(&token).unwrap();
            assert_eq!(&*caller.name, "till-7");
            assert_eq!(caller.roles, Roles::of(&[Role::Read, Role::Erase]));
        }
        for other in pairs
            .iter()
            .filter(|other| other.algorithm != pair.algorithm)
        {
            let token = signed(pair, other.checks["kid"].as_str(), &claims(&json!({})));
            assert_eq!(tokens.caller(&token), Err(Denial::Wrong));
        }
        let token = signed(pair, None, &claims(&json!({})));
        assert_eq!(
            tokens.caller(&token),
            Err(Denial::Wrong),
            "there are several keys"
        );
    }
}

#[test]
fn what_a_token_says_must_be_right() {
    let pair = hmac();
    let tokens = open(std::slice::from_ref(&pair.checks)).unwrap();
    let now = get_current_timestamp();
    let cases = [
        (json!({}), None),
        (json!({"aud": "recommender"}), None),
        (
            json!({"iss": "https://elsewhere.example"}),
            Some(Denial::Wrong),
        ),
        (json!({"iss": null}), Some(Denial::Wrong)),
        (json!({"aud": "the-shop"}), Some(Denial::Wrong)),
        (json!({"aud": null}), Some(Denial::Wrong)),
        (json!({"sub": null}), Some(Denial::Wrong)),
        (json!({"sub": "a\nb"}), Some(Denial::Wrong)),
        (json!({"exp": null}), Some(Denial::Wrong)),
        (json!({"exp": "soon"}), Some(Denial::Wrong)),
        // Clocks may be half a minute apart.
        (json!({"exp": now - 20}), None),
        (json!({"exp": now - 40}), Some(Denial::Expired)),
        (json!({"nbf": now + 20}), None),
        (json!({"nbf": now + 60}), Some(Denial::NotYet)),
    ];
    for (changed, denial) in cases {
        let token = signed(&pair, None, &claims(&changed));
        assert_eq!(tokens.caller(&token).err(), denial, "{changed}");
    }
}

#[test]
fn roles_may_be_words_of_one_text() {
    let pair = hmac();
    let tokens = open(std::slice::from_ref(&pair.checks)).unwrap();
    let token = signed(&pair, None, &claims(&json!({"roles": "admin openid read"})));
    let caller = tokens.caller(&token).unwrap();
    assert_eq!(caller.roles, Roles::of(&[Role::Admin, Role::Read]));
    let token = signed(&pair, None, &claims(&json!({"roles": 7})));
    assert_eq!(tokens.caller(&token).unwrap().roles, Roles::NONE);
}

#[test]
fn unsigned_altered_and_endless_tokens_are_wrong() {
    let pair = hmac();
    let tokens = open(std::slice::from_ref(&pair.checks)).unwrap();
    let good = signed(&pair, None, &claims(&json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    let none = text(br#"{"alg":"none","typ":"JWT"}"#);
    let other = text(claims(&json!({"sub": "other"})).to_string().as_bytes());
    for token in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{}.{}", good, "x".repeat(LONGEST)),
    ] {
        assert_eq!(tokens.caller(&token), Err(Denial::Wrong), "{token}");
    }
}

#[test]
fn a_token_that_was_good_expires_all_the_same() {
    let pair = hmac();
    let tokens = open(std::slice::from_ref(&pair.checks)).unwrap();
    let now = get_current_timestamp();
    let token = signed(&pair, None, &claims(&json!({"exp": now - 29})));
    assert!(tokens.caller(&token).is_ok());
    while get_current_timestamp() < now + 3 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(tokens.caller(&token), Err(Denial::Expired));
}

#[test]
fn keys_that_are_weak_or_not_pinned_are_refused() {
    for (key, expected) in [
        (json!({"kty": "oct", "k": text(SECRET)}), "an alg of"),
        (
            json!({"kty": "oct", "alg": "HS512", "k": text(SECRET)}),
            "an alg of",
        ),
        (
            json!({"kty": "oct", "alg": "RS256", "k": text(SECRET)}),
            "a kty that goes",
        ),
        (
            json!({"kty": "oct", "alg": "HS256", "k": text(b"short")}),
            "32 bytes",
        ),
    ] {
        let error = open(&[key]).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
    assert!(open(&[]).err().unwrap().contains("at least one key"));
}

#[test]
fn old_tokens_make_room_for_new_ones() {
    let mut remembered = Remembered::default();
    let known = Known {
        caller: Caller::stranger(),
        expires: 0,
    };
    for number in 0..3 * u32::try_from(REMEMBERED).unwrap() {
        let mut name = [0; 32];
        name[..4].copy_from_slice(&number.to_le_bytes());
        remembered.put(name, known.clone());
        assert!(remembered.young.len() <= REMEMBERED && remembered.old.len() <= REMEMBERED);
        assert!(remembered.get(&name).is_some());
    }
}
