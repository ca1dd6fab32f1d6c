//! What may be offered of the items of one numbering.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use recommender_core::events::Channel;
use recommender_core::{ItemBits, ItemIx, Timestamp, Vocabulary};
use rustc_hash::FxHashMap;

use crate::catalog::Catalogue;
use crate::catalog::eligibility::bits::AtomicBits;
use crate::catalog::eligibility::follow::{Change, Follow, Followers};
use crate::catalog::eligibility::windows::Windows;
use crate::catalog::levels::some;
use crate::record::Span;

/// What is to be offered: where, when, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Offer<'a> {
    /// At one of these places; without any, wherever it is sold. Where a place is not known, nothing is sold.
    pub places: &'a [String],
    /// On this channel.
    pub channel: Option<Channel>,
    /// At this time, that of the server's clock. Questions of one view should not jump between times far apart.
    pub now: Timestamp,
    /// So many pieces of it; 0 asks for some.
    pub min_quantity: f32,
    /// Whether orders are taken of what is not there yet.
    pub orders: Orders,
}

/// Whether orders are taken of what is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orders {
    /// Only what is there is offered.
    #[default]
    Refused,
    /// What can be ordered before or until it is there is offered too, at any place.
    Taken,
}

impl Orders {
    pub(crate) fn are_taken(self) -> bool {
        self == Self::Taken
    }
}

/// What is known of an item, but for its stock at places. By default it is no product: nothing is offered without one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ItemState {
    pub(crate) listed: bool,
    pub(crate) orders: bool,
    pub(crate) somewhere: bool,
    pub(crate) channels: [bool; Channel::ALL.len()],
    pub(crate) window: Span,
}

/// What may be offered, in the numbering of a fitted model: a bit for each item and question, changed in place as
/// facts are taken in. Made by [`Catalogue::view`](crate::catalog::Catalogue::view).
///
/// An item may be offered if it has a product record that is not hidden nor out of stock everywhere, is within its
/// time, is meant for the channel, and there is some of it or of its variants: at the place asked for, where what
/// nobody has counted is not there; or anywhere if none is asked for, where what nobody counts is.
#[derive(Debug)]
pub struct EligibilityView {
    items: Arc<Vocabulary<ItemIx>>,
    listed: AtomicBits,
    orders: AtomicBits,
    somewhere: AtomicBits,
    channels: [AtomicBits; Channel::ALL.len()],
    places: RwLock<FxHashMap<String, Arc<PlaceBits>>>,
    windows: Windows,
    followers: Followers,
}

#[derive(Debug)]
struct PlaceBits {
    stock: AtomicBits,
    closed: AtomicBool,
    levels: Mutex<Levels>,
}

/// The items of which there are at least so many, for the quantities that were asked for.
type Levels = Vec<(f32, Arc<AtomicBits>)>;

/// For so many quantities of a place the bits are kept.
const MOST_LEVELS: usize = 8;

/// Gives the items of which a place has at least so many.
type EnoughAt<'a> = &'a dyn Fn(&str, f32) -> Vec<ItemIx>;

impl EligibilityView {
    pub(crate) fn new(items: Arc<Vocabulary<ItemIx>>) -> Self {
        let bits = || AtomicBits::new(items.len());
        Self {
            listed: bits(),
            orders: bits(),
            somewhere: bits(),
            channels: Channel::ALL.map(|_| bits()),
            places: RwLock::default(),
            windows: Windows::new(items.len()),
            followers: Followers::default(),
            items,
        }
    }

    /// The numbering.
    #[must_use]
    pub fn items(&self) -> &Vocabulary<ItemIx> {
        &self.items
    }

    /// What may be offered; without a place [`Offer::min_quantity`] is left aside. `with_enough` gives the items of
    /// which a place has at least so many, and is asked once for each place and quantity.
    pub(crate) fn allowed(&self, offer: &Offer<'_>, with_enough: EnoughAt<'_>) -> ItemBits {
        let mut words = if offer.places.is_empty() {
            self.somewhere.words().collect()
        } else {
            self.at_places(offer, with_enough)
        };
        if offer.orders.are_taken() {
            self.orders.add_to(&mut words);
        }
        self.listed.cut(&mut words);
        if let Some(channel) = offer.channel {
            self.channels[channel as usize].cut(&mut words);
        }
        self.windows.cut(&mut words, offer.now);
        ItemBits::from_words(words)
    }

    fn at_places(&self, offer: &Offer<'_>, with_enough: EnoughAt<'_>) -> Vec<u64> {
        let mut words = vec![0; self.items.len().div_ceil(u64::BITS as usize)];
        for name in offer.places {
            let Some(place) = self.known_place(name) else {
                continue;
            };
            if place.closed.load(Ordering::Acquire) {
                continue;
            }
            if offer.min_quantity > 0.0 {
                let items = || with_enough(name, offer.min_quantity);
                let enough = place.enough(offer.min_quantity, self.items.len(), items);
                enough.add_to(&mut words);
            } else {
                place.stock.add_to(&mut words);
            }
        }
        words
    }

    /// Tells `follower` of every change to an item from now on.
    pub(crate) fn follow(&self, follower: Weak<dyn Follow>) {
        self.followers.add(follower);
    }

    /// Tells those who follow what changed of an item.
    pub(crate) fn tell(&self, catalogue: &Catalogue, item: ItemIx, change: Change<'_>) {
        self.followers.tell(catalogue, item, change);
    }

    pub(crate) fn set_item(&self, item: ItemIx, state: &ItemState) {
        self.orders.set(item, state.orders);
        self.somewhere.set(item, state.somewhere);
        for (channel, &meant) in self.channels.iter().zip(&state.channels) {
            channel.set(item, meant);
        }
        self.windows.set(item, state.window);
        self.listed.set(item, state.listed);
    }

    pub(crate) fn set_somewhere(&self, item: ItemIx, on: bool) {
        self.somewhere.set(item, on);
    }

    /// Takes in how much of an item is at a place.
    pub(crate) fn set_stock(&self, place: &str, item: ItemIx, quantity: f32) {
        let place = self.place(place);
        place.stock.set(item, some(quantity));
        for (least, enough) in place.levels().iter() {
            enough.set(item, some(quantity) && quantity >= *least);
        }
    }

    pub(crate) fn fill(&self, place: &str, items: impl Iterator<Item = ItemIx>) {
        let place = self.place(place);
        items.for_each(|item| place.stock.set(item, true));
    }

    pub(crate) fn set_closed(&self, place: &str, closed: bool) {
        self.place(place).closed.store(closed, Ordering::Release);
    }

    fn known_place(&self, place: &str) -> Option<Arc<PlaceBits>> {
        let known = self.places.read().unwrap_or_else(PoisonError::into_inner);
        known.get(place).map(Arc::clone)
    }

    fn place(&self, place: &str) -> Arc<PlaceBits> {
        if let Some(known) = self.known_place(place) {
            return known;
        }
        let bits = || PlaceBits {
            stock: AtomicBits::new(self.items.len()),
            closed: AtomicBool::new(false),
            levels: Mutex::default(),
        };
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let added = places
            .entry(place.to_owned())
            .or_insert_with(|| Arc::new(bits()));
        Arc::clone(added)
    }
}

impl PlaceBits {
    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items of which there are at least `least`, found by `items` if nobody asked so before.
    fn enough(
        &self,
        least: f32,
        size: usize,
        items: impl FnOnce() -> Vec<ItemIx>,
    ) -> Arc<AtomicBits> {
        let mut levels = self.levels();
        if let Some((_, known)) = levels.iter().find(|(known, _)| *known == least) {
            return Arc::clone(known);
        }
        let bits = Arc::new(AtomicBits::new(size));
        for item in items() {
            bits.set(item, true);
        }
        if levels.len() >= MOST_LEVELS {
            levels.remove(0);
        }
        levels.push((least, Arc::clone(&bits)));
        bits
    }
}
