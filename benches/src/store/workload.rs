//! Events such as a shop with many channels writes.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::Timestamp;
use recommender_core::events::{Channel, Event, EventKind};
use recommender_store::record::Batch;

/// How much there is of what.
#[derive(Debug, Clone, Copy)]
pub struct Shop {
    /// Visitors.
    pub visitors: u32,
    /// Items.
    pub items: u32,
    /// Places.
    pub places: u32,
}

/// The shop of all figures.
pub const SHOP: Shop = Shop {
    visitors: 100_000,
    items: 50_000,
    places: 50,
};

/// Draws events, one after the other; the same seed draws the same ones.
#[derive(Debug)]
pub struct Workload {
    random: ChaCha8Rng,
    time: i64,
    shop: Shop,
}

impl Workload {
    /// Events of `shop` from a fixed moment on.
    #[must_use]
    pub fn new(shop: Shop, seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            time: 1_750_000_000_000,
            shop,
        }
    }

    /// The next event: some visitor, an item of which few are seen often, 50 ms after the one before.
    pub fn event(&mut self) -> Event {
        self.time += self.random.random_range(0..100);
        let visitor = self.random.random_range(0..self.shop.visitors);
        let kind = match self.random.random_range(0..100) {
            0..70 => EventKind::View,
            70..85 => EventKind::Click,
            85..93 => EventKind::AddToCart,
            _ => EventKind::Purchase,
        };
        let in_store = self.random.random_ratio(1, 4);
        let place = self.random.random_range(0..self.shop.places);
        let bought = kind == EventKind::Purchase;
        let cents = self.random.random_range(99..50_000);
        Event {
            id: Some(self.uuid()),
            visitor: format!("visitor-{visitor:06}"),
            item: Some(format!("item-{:06}", self.item())),
            kind,
            channel: Some(if in_store {
                Channel::PointOfSale
            } else {
                Channel::Web
            }),
            place: in_store.then(|| format!("store-{place:03}")),
            time: Some(Timestamp(self.time)),
            quantity: 1.0,
            price: bought.then(|| f64::from(cents) / 100.0),
            session: Some(format!("{visitor:x}-{:x}", self.time / 3_600_000)),
            ..Event::default()
        }
    }

    /// The square of an even draw: a tenth of the items gets a third of the events.
    fn item(&mut self) -> u32 {
        let draw: f64 = self.random.random();
        let items = f64::from(self.shop.items);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between zero and the number of items"
        )]
        let item = (draw * draw * items) as u32;
        item
    }

    fn uuid(&mut self) -> String {
        let number: u128 = self.random.random();
        let digits = format!("{number:032x}");
        let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
        format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
    }

    /// The next events as one batch.
    pub fn batch(&mut self, events: usize) -> Batch {
        Batch {
            events: (0..events).map(|_| self.event()).collect(),
            facts: Vec::new(),
        }
    }
}
