//! What a user did at one go.

use std::collections::BTreeMap;

use crate::baskets::BasketConfig;
use crate::events::EventTable;

/// `rows` of one user, by time, as visits in the order they began: rows of one session key, wherever they stand; without
/// a key rows less than the gap apart.
pub(in crate::evaluation) fn visits(
    table: &EventTable,
    rows: &[u32],
    gap: &BasketConfig,
) -> Vec<Vec<u32>> {
    let mut visits: Vec<(Option<u32>, Vec<u32>)> = Vec::new();
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut open: Option<usize> = None;
    for &row in rows {
        let key = table.session(row as usize);
        let place = match key {
            Some(key) => places.get(&key).copied(),
            None => open.filter(|&place| {
                let last = visits[place].1.last();
                last.is_some_and(|&last| {
                    gap.joins(table.time(last as usize), table.time(row as usize))
                })
            }),
        };
        let place = place.unwrap_or_else(|| {
            visits.push((key, Vec::new()));
            visits.len() - 1
        });
        match key {
            Some(key) => {
                places.insert(key, place);
            }
            None => open = Some(place),
        }
        visits[place].1.push(row);
    }
    visits.into_iter().map(|(_, rows)| rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Event;
    use crate::time::Timestamp;

    #[test]
    fn keys_join_rows_wherever_they_stand_and_gaps_those_without() {
        let mut table = EventTable::new();
        for (second, session) in [
            (0, None),
            (10, Some("a")),
            (20, Some("b")),
            (30, None),
            (40, Some("a")),
            (9_000, None),
        ] {
            let event = Event {
                visitor: "ann".into(),
                item: Some("cup".into()),
                quantity: 1.0,
                session: session.map(Into::into),
                time: Some(Timestamp::from_seconds(second)),
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        let found = visits(&table, &[0, 1, 2, 3, 4, 5], &BasketConfig::default());
        assert_eq!(found, [vec![0, 3], vec![1, 4], vec![2], vec![5]]);
    }
}
