//! Sessions with a long tail, made from a seed.

use std::fmt::Write;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::Result;

use crate::output::write;

/// How much of what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticSize {
    /// Sessions to learn from.
    pub sessions: u32,
    /// Items on offer.
    pub items: u32,
    /// Visits to answer.
    pub visits: u32,
}

/// The mean number of items of a session.
const MEAN_LENGTH: f64 = 4.5;

/// A second in 2020, after which sessions begin to end, one each second.
const FIRST_END: u32 = 1_580_000_000;

/// Items drawn from Zipf's law with exponent 1, by inversion of its continuous form; as many as a geometric law says.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a draw lies between 1 and the number of items"
)]
fn session(random: &mut ChaCha8Rng, items: u32) -> Vec<u32> {
    let mut session: Vec<u32> = Vec::new();
    while session.is_empty() || random.random_bool(1.0 - 1.0 / MEAN_LENGTH) {
        let zipf = f64::from(items).powf(random.random::<f64>()) as u32;
        session.push(zipf.min(items) - 1);
    }
    session
}

/// Writes sessions to learn from to `path`: `SessionId`, `ItemId` and `Time`, tab separated. All end at moments of their
/// own. A last one, of an item of its own, stands behind them: Serenade leaves out the last of a file.
///
/// # Errors
/// [`recommender_core::Error::Data`] if the file can't be written.
pub fn write_sessions(path: &std::path::Path, size: SyntheticSize, seed: u64) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::from("SessionId\tItemId\tTime\n");
    let mut put = |session: u32, item: u32, time: u32| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{session}\t{item}\t{time}");
    };
    for number in 0..size.sessions {
        for item in session(&mut random, size.items) {
            put(number, item, FIRST_END + number);
        }
    }
    put(size.sessions, size.items, FIRST_END + size.sessions);
    write(path, &text)
}

/// Writes visits to answer to `path`, one a line: the last items, at most `longest`, of sessions of the same kind.
///
/// # Errors
/// As [`write_sessions`].
pub fn write_visits(
    path: &std::path::Path,
    (size, seed): (SyntheticSize, u64),
    longest: usize,
) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::new();
    for _ in 0..size.visits {
        let session = session(&mut random, size.items);
        let last = &session[session.len().saturating_sub(longest)..];
        let words: Vec<String> = last.iter().map(u32::to_string).collect();
        text += &words.join(" ");
        text.push('\n');
    }
    write(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_the_length_and_the_items_asked_for() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let sessions: Vec<Vec<u32>> = (0..20_000).map(|_| session(&mut random, 1000)).collect();
        let entries: usize = sessions.iter().map(Vec::len).sum();
        let mean = entries as f64 / 20_000.0;
        assert!((4.3..4.7).contains(&mean), "{mean}");
        assert!(sessions.iter().flatten().all(|&item| item < 1000));
    }
}
