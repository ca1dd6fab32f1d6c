//! Views of the catalogue, made while it may change.

use std::sync::Arc;

use recommender_core::{DenseIndex, ItemIx, Vocabulary};

use crate::catalog::{Catalogue, EligibilityView};

/// Items that are looked at before the catalogue may change: some hundred microseconds.
const PIECE: usize = 1024;

/// Lends the catalogue for a piece of work; it may change from one piece to the next.
pub(crate) type Lend<'a> = dyn FnMut(&mut dyn FnMut(&Catalogue)) + 'a;

/// Looks at `items` items, some at a time.
pub(crate) fn for_each_item(
    items: usize,
    lend: &mut Lend<'_>,
    mut each: impl FnMut(&Catalogue, ItemIx),
) {
    for from in (0..items).step_by(PIECE) {
        lend(&mut |catalogue| {
            for item in (from..items.min(from + PIECE)).map(ItemIx::at) {
                each(catalogue, item);
            }
        });
    }
}

impl Catalogue {
    /// What may be offered, in the numbering of `items`; kept in step with the facts as long as someone holds it.
    #[must_use]
    pub fn view(&self, items: Arc<Vocabulary<ItemIx>>) -> Arc<EligibilityView> {
        Self::view_by_pieces(items, &mut |work| work(self))
    }

    /// As [`Catalogue::view`], for some items at a time, then the stock of a place at a time.
    pub(crate) fn view_by_pieces(
        items: Arc<Vocabulary<ItemIx>>,
        lend: &mut Lend<'_>,
    ) -> Arc<EligibilityView> {
        let view = Arc::new(EligibilityView::new(items));
        let mut places: Vec<String> = Vec::new();
        // What changes from here on is followed, and what is filled in later is as it is then.
        lend(&mut |catalogue| {
            catalogue.keep_in_step(&view);
            places = catalogue.levels.places().map(str::to_owned).collect();
            for place in catalogue.places().iter() {
                view.set_closed(&place.key, place.closed);
            }
        });
        for_each_item(view.items().len(), lend, |catalogue, item| {
            catalogue.refresh_item(&view, view.items().key(item));
        });
        for place in &places {
            lend(&mut |catalogue| catalogue.fill_place(&view, place));
        }
        view
    }

    /// Puts all stock of a place into a view.
    fn fill_place(&self, view: &EligibilityView, place: &str) {
        let items = self.stocked_at(place);
        view.fill(place, items.filter_map(|key| view.items().get(key)));
    }
}
