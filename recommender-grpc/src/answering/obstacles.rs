//! Why a product may not be answered.

use recommender_core::Query;
use recommender_store::catalog::Obstacle;
use recommender_store::filter::Filter;

use crate::answering::consultation::Consultation;
use crate::answering::prepared::Act;

/// One reason why a product is not in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotShown {
    pub(crate) reason: Reason,
    /// Resource name of the control, or text of the filter; empty for other reasons.
    pub(crate) detail: String,
}

/// Why a product is not in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnknownToModel,
    Stock(Obstacle),
    Control,
    Filtered,
    Excluded,
    Refused,
    Seen,
    OnPage,
    RankedBelow,
    NotProposed,
}

impl From<Reason> for NotShown {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            detail: String::new(),
        }
    }
}

impl Consultation<'_> {
    /// All reasons for which a product may not be answered to `query`; none if it may. What a model does not know may
    /// be answered by those who bring it.
    pub(crate) fn obstacles(&self, key: &str, query: &Query) -> Vec<NotShown> {
        let mut found = self.of_store(key);
        let request = self.request();
        let named = |keys: &[String]| keys.iter().any(|other| other == key);
        if named(&request.exclude) {
            found.push(Reason::Excluded.into());
        } else if named(&request.context_items) {
            found.push(Reason::OnPage.into());
        } else if self
            .refused
            .binary_search_by(|it| it.as_str().cmp(key))
            .is_ok()
        {
            found.push(Reason::Refused.into());
        } else {
            let item = self.engine.items().get(key);
            let seen = item.is_some_and(|item| query.exclusions.contains(item));
            let hidden = (found.iter()).any(|it| it.reason == Reason::Control);
            found.extend((seen && !hidden).then_some(Reason::Seen.into()));
        }
        found
    }

    /// What stock, filters and controls say.
    fn of_store(&self, key: &str) -> Vec<NotShown> {
        let mut found = Vec::new();
        if let Some(stock) = self.stock {
            let obstacles = stock.store.obstacles(key, &self.offer());
            found.extend(obstacles.into_iter().map(|it| Reason::Stock(it).into()));
        }
        let currency = self.question.manner.currency;
        let means = |filter: &Filter| {
            self.stock.is_none_or(|stock| match currency {
                Some(currency) if filter.asks_for_money() => {
                    let filter = filter.in_currency(currency);
                    stock.store.means(&filter, self.place(), key)
                }
                _ => stock.store.means(filter, self.place(), key),
            })
        };
        let asked = self.question.scope.filter.as_ref().map(|it| &it.filter);
        let usual = self.prepared.filter.as_ref().map(|it| it.filter());
        for filter in usual.into_iter().chain(asked) {
            if !means(filter) {
                found.push(NotShown {
                    reason: Reason::Filtered,
                    detail: filter.to_string(),
                });
            }
        }
        for (_, rule) in &self.rules {
            let left_out = match &rule.act {
                Act::Filter(filter) => !means(filter.filter()),
                Act::Hide(_) => rule.hides(key),
                Act::Boost(..) | Act::Pin(..) | Act::Quota(..) => false,
            };
            if left_out {
                found.push(NotShown {
                    reason: Reason::Control,
                    detail: rule.name.clone(),
                });
            }
        }
        found
    }
}
