//! How long a call may take.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// Kept back from the caller's time so that our own answer reaches her before her clock runs out.
const MARGIN: Duration = Duration::from_millis(5);

/// The point by which a call that came with `metadata` must be answered: what the caller's `grpc-timeout` says,
/// less a margin of a tenth but at most 5 ms, or `usual` from now if she says nothing readable.
pub(crate) fn of(metadata: &MetadataMap, usual: Duration) -> Instant {
    let asked = metadata
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok())
        .and_then(parse);
    let time = asked.map_or(usual, |time| time - MARGIN.min(time / 10));
    // A time beyond what the clock can count is no bound at all; a day is longer than any call.
    let day = Duration::from_secs(86_400);
    Instant::now() + time.min(day)
}

/// Reads a `grpc-timeout`: up to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_nonsense_is_not() {
        let cases = [
            ("2H", Some(Duration::from_secs(7200))),
            ("3M", Some(Duration::from_secs(180))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("123456789m", None),
            ("-1m", None),
            ("m", None),
            ("", None),
            ("5é", None),
            ("5x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_caller_decides_and_the_server_where_she_does_not() {
        let usual = Duration::from_secs(5);
        let mut metadata = MetadataMap::new();
        let before = Instant::now();
        assert!(of(&metadata, usual) >= before + usual);
        metadata.insert("grpc-timeout", "100m".parse().unwrap());
        let deadline = of(&metadata, usual);
        assert!(deadline >= before + Duration::from_millis(95));
        assert!(deadline < before + usual);
        metadata.insert("grpc-timeout", "0n".parse().unwrap());
        assert!(of(&metadata, usual) <= Instant::now());
    }
}
