//! Why a product may not be offered.

use std::fmt;

use crate::catalog::{Availability, Catalogue, Offer, ProductRecord};
use crate::record::Span;

/// Why a product may not be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// There is no product record of it.
    NoProduct,
    /// It is hidden.
    Hidden,
    /// It is not in stock, at the places asked for or anywhere.
    OutOfStock,
    /// It is not for sale yet, or not any more.
    NotForSaleNow,
    /// It is not meant for the channel.
    WrongChannel,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProduct => "no product record",
            Self::Hidden => "hidden",
            Self::OutOfStock => "out of stock",
            Self::NotForSaleNow => "not for sale at the time",
            Self::WrongChannel => "not meant for the channel",
        })
    }
}

impl Catalogue {
    /// All reasons for which a product may not be offered as asked; none if it may. The same as
    /// [`Catalogue::allowed`] for one product, which need not be known to a model.
    #[must_use]
    pub fn obstacles(&self, key: &str, offer: &Offer<'_>) -> Vec<Obstacle> {
        let Some(record) = self.product(key) else {
            return vec![Obstacle::NoProduct];
        };
        let window = Span {
            from: record.available_time,
            until: record.expire_time,
        };
        let channels = &record.eligible_channels;
        let meant = |channel| channels.is_empty() || channels.contains(&channel);
        let hindered = [
            (Obstacle::Hidden, record.hidden),
            (Obstacle::OutOfStock, !self.is_there(record, offer)),
            (Obstacle::NotForSaleNow, !window.contains(offer.now)),
            (Obstacle::WrongChannel, !offer.channel.is_none_or(meant)),
        ];
        let hindered = hindered.into_iter().filter(|(_, holds)| *holds);
        hindered.map(|(obstacle, _)| obstacle).collect()
    }

    fn is_there(&self, record: &ProductRecord, offer: &Offer<'_>) -> bool {
        if record.availability == Availability::OutOfStock {
            return false;
        }
        if offer.orders.are_taken() && record.availability.takes_orders() {
            return true;
        }
        let least = offer.min_quantity;
        if offer.places.is_empty() {
            let enough = least <= 0.0 || self.quantity(&record.key) >= f64::from(least);
            return enough && self.somewhere(&record.key);
        }
        let mut quantities =
            (offer.places.iter()).map(|place| self.quantity_at(place, &record.key));
        quantities.any(|quantity| quantity > 0.0 && quantity >= least)
    }
}
