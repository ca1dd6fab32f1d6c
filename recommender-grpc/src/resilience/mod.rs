//! What keeps a server answering while some ask too much, too slowly or not at all.

mod connection;
mod delay;
mod framing;
mod incoming;
mod limits;
mod quotas;
mod slow;

pub(crate) use connection::{Connection, Places};
pub(crate) use delay::QueueDelay;
pub(crate) use incoming::Accepting;
pub(crate) use limits::{Bound, Bounds};
pub(crate) use quotas::Quotas;
