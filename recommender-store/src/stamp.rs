//! Which of two facts of one key stands, whatever the order in which they arrive.

use crate::record::Position;

/// What orders the facts of a key: their version, then where in the order of writes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The version of the fact.
    pub version: i64,
    /// Where in the order of writes.
    pub position: Position,
}

/// What stands of a key: a value, or that it has none any more. It is kept with its stamp, so that an older fact that
/// arrives later changes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Slot<V> {
    stamp: Stamp,
    value: Option<V>,
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        let stamp = Stamp {
            version: i64::MIN,
            position: Position(0),
        };
        Self { stamp, value: None }
    }
}

impl<V> Slot<V> {
    /// Takes a fact in unless a newer one stands; says whether it did. The same fact may come again.
    pub(crate) fn put(&mut self, stamp: Stamp, value: Option<V>) -> bool {
        if stamp < self.stamp {
            return false;
        }
        self.stamp = stamp;
        self.value = value;
        true
    }

    pub(crate) fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }

    /// The stamp of what stands.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(crate) fn is_some(&self) -> bool {
        self.value.is_some()
    }
}
