//! A consistent copy as files.

use std::path::Path;
use std::sync::Arc;

use super::connect::{Connector, Session};
use super::row::{EVENT_COLUMNS, FACT_COLUMNS, event_of, fact_of};
use super::stream::{Stream, one_moment};
use crate::engine::Contents;
use crate::error::{Result, StoreError};
use crate::portable::{self, Copy};
use crate::record::Position;

/// Writes a snapshot into the new directory `to`. What was begun is taken away again if it fails.
pub(super) fn snapshot(connector: &Arc<Connector>, to: &Path) -> Result<Contents> {
    portable::write(to, |copy| fill(connector, copy))
}

fn fill(connector: &Arc<Connector>, copy: &mut Copy<'_>) -> Result<Position> {
    let mut session = one_moment(connector)?;
    let position = position_of(connector, &mut session)?;
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events ORDER BY visitor, time, position");
    let mut events = Stream::within(connector, session, &sql, event_of)?;
    copy.events(&mut events)?;
    let session = events.finish()?.ok_or(StoreError::Closed)?;
    let sql = format!("SELECT {FACT_COLUMNS} FROM facts ORDER BY fact_table, key");
    copy.facts(Stream::within(connector, session, &sql, fact_of)?)?;
    Ok(position)
}

/// The position in the moment that a session sees.
pub(super) fn position_of(connector: &Connector, session: &mut Session) -> Result<Position> {
    let row = session.client().query_one("SELECT position FROM head", &[]);
    let row = row.map_err(|error| connector.failed(&error))?;
    Ok(Position(row.get::<_, i64>(0).cast_unsigned()))
}
