//! Rows of a long answer, some thousand at a time, all as they stood at one moment.

use std::sync::Arc;
use std::time::Duration;
use std::vec;

use postgres::Row;

use super::connect::{Connector, Session};
use crate::error::Result;

/// Rows that are fetched at once.
const PIECE: &str = "FETCH 2000 FROM rows_in_order";

/// The rows of a query, in a transaction of their own on a connection of their own.
pub(super) struct Stream<T> {
    connector: Arc<Connector>,
    /// None once everything was read or reading failed.
    session: Option<Session>,
    piece: vec::IntoIter<Row>,
    read: fn(&Row) -> Result<T>,
}

/// A connection in a transaction that sees everything as it stands now, and changes nothing.
pub(super) fn one_moment(connector: &Connector) -> Result<Session> {
    let mut session = connector.connect_for(Duration::ZERO)?;
    let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let begun = session.client().batch_execute(begin);
    begun.map_err(|error| connector.failed(&error))?;
    Ok(session)
}

impl<T> Stream<T> {
    /// The rows of `sql` as they stand now.
    pub(super) fn open(
        connector: &Arc<Connector>,
        sql: &str,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Self> {
        Self::within(connector, one_moment(connector)?, sql, read)
    }

    /// The rows of `sql` in a transaction that was begun.
    pub(super) fn within(
        connector: &Arc<Connector>,
        mut session: Session,
        sql: &str,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Self> {
        let sql = format!("DECLARE rows_in_order NO SCROLL CURSOR FOR {sql}");
        let declared = session.client().batch_execute(&sql);
        declared.map_err(|error| connector.failed(&error))?;
        Ok(Self {
            connector: Arc::clone(connector),
            session: Some(session),
            piece: Vec::new().into_iter(),
            read,
        })
    }

    /// Ends the reading and gives the transaction back.
    pub(super) fn finish(mut self) -> Result<Option<Session>> {
        let Some(mut session) = self.session.take() else {
            return Ok(None);
        };
        let closed = session.client().batch_execute("CLOSE rows_in_order");
        closed.map_err(|error| self.connector.failed(&error))?;
        Ok(Some(session))
    }

    /// The next row, if there is one.
    fn row(&mut self) -> Result<Option<Row>> {
        if let Some(row) = self.piece.next() {
            return Ok(Some(row));
        }
        let Some(session) = &mut self.session else {
            return Ok(None);
        };
        let piece = session.client().query(PIECE, &[]);
        let piece = piece.map_err(|error| self.connector.failed(&error))?;
        self.piece = piece.into_iter();
        Ok(self.piece.next())
    }
}

impl<T> Iterator for Stream<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let item = self.row().transpose()?;
        let item = item.and_then(|row| (self.read)(&row));
        if item.is_err() {
            // What comes after damage would be read as if nothing had been left out.
            self.session = None;
            self.piece = Vec::new().into_iter();
        }
        Some(item)
    }
}
