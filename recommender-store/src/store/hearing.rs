//! Word of erasures, for those who keep something of persons besides the store.

use std::fmt::Debug;
use std::sync::{PoisonError, Weak};

use crate::erasure::{open_plan, receipt_id};
use crate::error::Result;
use crate::identity::Identifier;
use crate::record::Fact;
use crate::store::Store;
use crate::store::shared::Shared;
use crate::store::state::State;

/// Keeps something of persons besides a store, such as what was answered to them, and forgets it with them.
pub trait ErasureWatcher: Debug + Send + Sync {
    /// A person was erased. `hers` are the identifiers by which she was known; none if that can't be told: of what is
    /// kept, anything may be hers then. It must not call the store.
    fn erased(&self, hers: Option<&[Identifier]>);
}

impl Store {
    /// Tells `watcher` of every erasure from now on, as long as it lives: of those done here before [`Store::erase`]
    /// returns, of those done by other processes before the [`Store::refresh`] returns that takes them in.
    ///
    /// Whose an erasure was is known until it is done and to nobody afterwards. A process that did not look in between
    /// is told of a person who can't be named, and so is one that replaces personal keys.
    pub fn watch_erasures(&self, watcher: Weak<dyn ErasureWatcher>) {
        let watchers = self.0.erasure_watchers.lock();
        let mut watchers = watchers.unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(watcher);
    }
}

impl Shared {
    /// Tells everyone who watches that the person of these identifiers was erased.
    pub(super) fn tell_of_erasure(&self, hers: Option<&[Identifier]>) {
        let hers = hers.filter(|_| self.pseudonyms.is_none());
        let watchers = self.erasure_watchers.lock();
        let watchers = watchers.unwrap_or_else(PoisonError::into_inner).clone();
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.erased(hers);
        }
    }

    /// Forgets in memory whom other processes erased: `heard`, as far as they are known.
    ///
    /// # Errors
    /// If the facts of persons can't be read: then it is done by the next call.
    pub(super) fn forget_erased(&self, heard: Vec<Heard>) -> Result<()> {
        if heard.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.read_persons() {
            self.change().heard.splice(..0, heard);
            return Err(error);
        }
        for hers in heard {
            self.tell_of_erasure(hers.as_deref());
        }
        Ok(())
    }

    /// Notes that the person of an erasure is not known here any more.
    pub(super) fn heard_of_erasure(&self, id: &str) {
        let mut state = self.change();
        state.erased.insert(id.to_owned());
        state.being_erased.remove(id);
    }
}

/// By which identifiers a person was known whom another process erased; none if that was not seen in time.
pub(super) type Heard = Option<Vec<Identifier>>;

impl State {
    /// Takes in what an erasure has noted: whom it is about, then that it is done.
    pub(super) fn hear_of_erasure(&mut self, fact: &Fact) {
        if let Some(id) = receipt_id(fact) {
            if self.erased.insert(id.to_owned()) {
                self.heard.push(self.being_erased.remove(id));
            }
            return;
        }
        // A plan that can't be understood only leaves open whose it was.
        if let Ok(Some(plan)) = open_plan(fact)
            && !self.erased.contains(&plan.id)
        {
            self.being_erased.insert(plan.id, plan.identifiers);
        }
    }
}
