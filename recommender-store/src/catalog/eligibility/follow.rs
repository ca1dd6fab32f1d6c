//! Following what becomes of the items of a view.

use std::fmt;
use std::sync::{PoisonError, RwLock, Weak};

use recommender_core::ItemIx;

use crate::catalog::Catalogue;

/// What changed of an item; what changed without a place may be so at any place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// Its record, and with it whatever there is to know.
    Record,
    /// What it costs at a place, or where no place says otherwise.
    Price(Option<&'a str>),
    /// How much of it, its variants included, there is at a place and so at all, or only without a place.
    Quantity(Option<&'a str>),
}

/// Someone who is told of every change to an item of a view, while the catalogue is as the change left it.
pub(crate) trait Follow: fmt::Debug + Send + Sync {
    /// Takes a change in.
    fn item_changed(&self, catalogue: &Catalogue, item: ItemIx, change: Change<'_>);
}

/// Those who follow a view, as long as someone else holds them.
#[derive(Debug, Default)]
pub(super) struct Followers(RwLock<Vec<Weak<dyn Follow>>>);

impl Followers {
    pub(super) fn add(&self, follower: Weak<dyn Follow>) {
        let mut followers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(follower);
    }

    pub(super) fn tell(&self, catalogue: &Catalogue, item: ItemIx, change: Change<'_>) {
        let followers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for follower in followers.iter().filter_map(Weak::upgrade) {
            follower.item_changed(catalogue, item, change);
        }
    }
}
