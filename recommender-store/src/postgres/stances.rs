//! What visitors said for and against products, asked of the database.

use super::pool::Pool;
use super::row::{Buckets, EVENT_COLUMNS, event_of};
use crate::error::Result;
use crate::record::StoredEvent;
use crate::stances::{self, MOST_STANCES};

/// Whether the body of an event is that of a refusal; the words of the index `events_refusing`. It may be said of an
/// attribute of another event too: what is read is looked at once more.
const REFUSES: &str = r#"body LIKE '%"kind":"hide"%' OR body LIKE '%"kind":"dislike"%'"#;

/// The kinds of events that may take a refused product up again, as the body has them.
const TAKES_UP: &str = r#"body LIKE '%"kind":"purchase"%' OR body LIKE '%"kind":"add_to_cart"%'
             OR body LIKE '%"kind":"wishlist"%' OR body LIKE '%"kind":"rating"%'"#;

/// The question for all of it; most often the index says that there is no refusal, and nothing else is read.
pub(super) fn question() -> String {
    let hers = "bucket = ANY($1) AND visitor = ANY($2)";
    format!(
        "SELECT {EVENT_COLUMNS} FROM events
         WHERE {hers} AND ({REFUSES} OR {TAKES_UP})
             AND EXISTS (SELECT FROM events WHERE {hers} AND ({REFUSES}))
         ORDER BY time DESC, position DESC LIMIT {MOST_STANCES}"
    )
}

/// What `visitors` said.
pub(super) fn of(
    pool: &Pool,
    (buckets, question): (Buckets, &str),
    visitors: &[&str],
) -> Result<Vec<StoredEvent>> {
    // No key in the database has such a character.
    let visitors: Vec<&str> = (visitors.iter().copied())
        .filter(|visitor| !visitor.contains('\0'))
        .collect();
    let parts: Vec<i16> = visitors.iter().map(|visitor| buckets.of(visitor)).collect();
    let rows = pool.read(|session| {
        let (client, statement) = session.prepared(question)?;
        client.query(&statement, &[&parts, &visitors])
    })?;
    let events: Result<Vec<StoredEvent>> = rows.iter().map(event_of).collect();
    Ok(stances::among(events?))
}
