//! How a question is answered: who asks and what she did, what may be offered, business rules.

mod freshness;

pub(crate) use freshness::Freshness;
