//! Attribution tokens: the number of an answer, written so that nobody else can read it or make one up.

use std::hash::{BuildHasher, RandomState};

/// Writes numbers as tokens and reads them back. Only tokens of this very process can be read: its keys are drawn at
/// random when it starts.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// The rounds of a Feistel network, each a keyed hash of one half of the number.
    rounds: [RandomState; 4],
    /// What the second half of a token is by the first.
    check: RandomState,
}

/// Digits of a token: two halves of 16.
const DIGITS: usize = 32;

/// Why a text gives no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It has not the form of a token.
    Malformed,
    /// Another process wrote it, or somebody made it up.
    Foreign,
}

impl Tokens {
    /// The token of a number: 32 hexadecimal digits.
    pub(crate) fn write(&self, number: u64) -> String {
        let mut halves = split(number);
        for round in &self.rounds {
            halves = (halves.1, halves.0 ^ half(round, halves.1));
        }
        let hidden = joined(halves);
        format!("{hidden:016x}{:016x}", self.check.hash_one(hidden))
    }

    /// The number of a token that [`Tokens::write`] wrote.
    pub(crate) fn read(&self, token: &str) -> Result<u64, Unread> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if token.len() != DIGITS || !token.bytes().all(digit) {
            return Err(Unread::Malformed);
        }
        let (hidden, check) = token.split_at(DIGITS / 2);
        let read = |digits| u64::from_str_radix(digits, 16).map_err(|_| Unread::Malformed);
        let (hidden, check) = (read(hidden)?, read(check)?);
        if self.check.hash_one(hidden) != check {
            return Err(Unread::Foreign);
        }
        let mut halves = split(hidden);
        for round in self.rounds.iter().rev() {
            halves = (halves.1 ^ half(round, halves.0), halves.0);
        }
        Ok(joined(halves))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn half(round: &RandomState, other: u32) -> u32 {
    round.hash_one(other) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "halves are wanted")]
fn split(number: u64) -> (u32, u32) {
    ((number >> 32) as u32, number as u32)
}

fn joined((upper, lower): (u32, u32)) -> u64 {
    u64::from(upper) << 32 | u64::from(lower)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_differ_and_are_read_back() {
        let tokens = Tokens::default();
        let numbers = (0..1000).chain([u64::MAX, 1 << 32, u64::from(u32::MAX)]);
        let mut written = HashSet::new();
        for number in numbers {
            let token = tokens.write(number);
            assert_eq!(tokens.read(&token), Ok(number));
            assert_eq!(token.len(), DIGITS);
            assert!(written.insert(token));
        }
    }

    #[test]
    fn what_this_process_did_not_write_is_not_read() {
        let (own, other) = (Tokens::default(), Tokens::default());
        let token = own.write(7);
        assert_eq!(own.read(&other.write(7)), Err(Unread::Foreign));
        let digit = if token.starts_with('0') { "1" } else { "0" };
        let altered = format!("{digit}{}", &token[1..]);
        assert_eq!(own.read(&altered), Err(Unread::Foreign));
        for wrong in [
            "",
            "7",
            &token[1..],
            &token
                .to_uppercase()
                .replace(|c: char| c.is_ascii_digit(), "A"),
            &"+".repeat(32),
        ] {
            assert_eq!(own.read(wrong), Err(Unread::Malformed), "{wrong}");
        }
    }
}
