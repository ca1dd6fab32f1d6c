//! Tokens by which a reader asks to have seen a write.

use std::fmt;
use std::str::FromStr;

use recommender_store::record::Position;

/// A point in the order of writes, as callers carry it from a write to a question: opaque to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Freshness(pub(crate) Position);

/// A token that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoToken;

/// Digits of the largest position.
const MOST_DIGITS: usize = 16;

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0.0)
    }
}

impl FromStr for Freshness {
    type Err = NoToken;

    fn from_str(token: &str) -> Result<Self, NoToken> {
        let digits = token.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || !(1..=MOST_DIGITS).contains(&token.len()) {
            return Err(NoToken);
        }
        let position = u64::from_str_radix(token, 16).map_err(|_| NoToken)?;
        Ok(Self(Position(position)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back_and_nothing_else_is() {
        for position in [0, 1, 0xbeef, u64::MAX] {
            let token = Freshness(Position(position));
            assert_eq!(token.to_string().parse(), Ok(token));
        }
        for wrong in ["", "-1", "+1", "0x1", "g", "10000000000000000", "ä"] {
            assert_eq!(wrong.parse::<Freshness>(), Err(NoToken), "{wrong}");
        }
    }
}
