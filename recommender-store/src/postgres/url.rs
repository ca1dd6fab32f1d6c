//! The words of a url that are this crate's and not the driver's.

use percent_encoding::percent_decode_str;
use recommender_core::Error;

/// Words that stand for settings.
const OURS: [&str; 6] = [
    "schema",
    "password_file",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];

/// What a url is.
pub(super) const EXPECTED: &str = "postgresql://user@host:port/database, or host=… user=…";

/// A url without our words, and those words with their values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) rest: String,
    pub(super) words: Vec<(&'static str, String)>,
}

/// Takes a url apart, in both of its forms, by the rules of the driver. Errors show nothing of it: it may hold a
/// password.
pub(super) fn parts(url: &str) -> Result<Parts, Error> {
    let schemes = ["postgres://", "postgresql://"];
    let parts = match schemes.iter().any(|scheme| url.starts_with(scheme)) {
        true => of_query(url),
        false => of_pairs(url),
    };
    parts.ok_or_else(|| Error::config("url", EXPECTED, "what can't be read as such"))
}

fn ours(name: &str) -> Option<&'static str> {
    OURS.into_iter().find(|word| *word == name)
}

fn of_query(url: &str) -> Option<Parts> {
    // User and password go up to the first @, and may hold anything else.
    let place = url.find('@').map_or(0, |at| at + 1);
    let Some(length) = url[place..].find('?') else {
        return Some(whole(url));
    };
    let (before, query) = url.split_at(place + length);
    let (mut words, mut kept) = (Vec::new(), Vec::new());
    for part in query[1..].split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match ours(name) {
            Some(word) => words.push((word, percent_decode_str(value).decode_utf8().ok()?.into())),
            None => kept.push(part),
        }
    }
    let rest = match kept.is_empty() {
        true => before.into(),
        false => format!("{before}?{}", kept.join("&")),
    };
    Some(Parts { rest, words })
}

fn whole(url: &str) -> Parts {
    Parts {
        rest: url.into(),
        words: Vec::new(),
    }
}

fn of_pairs(url: &str) -> Option<Parts> {
    let mut parts = whole("");
    let mut text = url.trim_start();
    while !text.is_empty() {
        let (name, after) = text.split_once('=')?;
        let name = name.trim_end();
        let (value, rest) = value(after.trim_start())?;
        match ours(name) {
            Some(word) => parts.words.push((word, value)),
            None if name.is_empty() || name.contains(char::is_whitespace) => return None,
            None => {
                parts.rest.push_str(&text[..text.len() - rest.len()]);
                parts.rest.push(' ');
            }
        }
        text = rest.trim_start();
    }
    Some(parts)
}

/// The value at the beginning of `text`, as it is meant, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let is_quoted = text.starts_with('\'');
    let mut letters = text.char_indices().skip(usize::from(is_quoted));
    let mut value = String::new();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if is_quoted => return Some((value, &text[at + 1..])),
            _ if !is_quoted && letter.is_whitespace() => return Some((value, &text[at..])),
            _ => value.push(letter),
        }
    }
    (!is_quoted && !value.is_empty()).then_some((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(url: &str) -> (String, Vec<(&'static str, String)>) {
        let parts = parts(url).unwrap();
        (parts.rest, parts.words)
    }

    #[test]
    fn our_words_are_taken_out_of_both_forms() {
        let url = "postgresql://ann:a?b&c@host:1/db?sslmode=verify-ca&application_name=till&sslrootcert=%2Fa%20b";
        let expected = vec![
            ("sslmode", "verify-ca".into()),
            ("sslrootcert", "/a b".into()),
        ];
        let rest = "postgresql://ann:a?b&c@host:1/db?application_name=till";
        assert_eq!(words(url), (rest.into(), expected));
        let url = r"host=h  sslrootcert = '/a b\'s' password='a sslmode=x' schema=shop user=a\ b";
        let expected = vec![("sslrootcert", "/a b's".into()), ("schema", "shop".into())];
        let rest = r"host=h password='a sslmode=x' user=a\ b ";
        assert_eq!(words(url), (rest.into(), expected));
        let config: postgres::Config = rest.parse().unwrap();
        assert_eq!(config.get_password(), Some(b"a sslmode=x".as_slice()));
    }

    #[test]
    fn what_can_not_be_read_is_refused_without_being_shown() {
        for url in [
            "password=my secret",
            "password='secret",
            "host=h password=",
            "secret",
        ] {
            let said = parts(url).unwrap_err().to_string();
            assert!(said.contains("url") && !said.contains("secret"), "{said}");
        }
    }
}
