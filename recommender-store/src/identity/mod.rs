//! Who is who: identifiers, the links between them, and the persons they make.
//!
//! An identifier is what a channel knows a shopper by: a cookie, a loyalty card, an account. A link says that two of
//! them are one person, on some evidence. A person is a component of the graph of links, so who she is does not depend
//! on the order in which links came, and taking a link back gives the persons of the links that are left.
//!
//! What can go wrong is a shared device: a kiosk or a family's telephone would make one person of many. Caps refuse
//! such links, and say why ([`IdentityConfig`]).

mod components;
mod config;
mod graph;
mod identifier;
mod link;

pub use config::IdentityConfig;
pub use graph::IdentityGraph;
pub use identifier::{Identifier, MAX_IDENTIFIER_BYTES, Namespace};
pub use link::{Cap, Link, LinkOutcome, Refusal};

#[cfg(test)]
mod tests;
