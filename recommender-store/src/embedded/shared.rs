//! What the threads of one store share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use super::config::EmbeddedConfig;
use super::facts::FactTable;
use super::fingerprint::{Fingerprint, Fingerprints};
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::memory_table::MemoryTable;
use super::merge::{Merge, Source, TableScan};
use super::segment::{Scratch, Segment};
use super::tails::{self, Moment, Tail, Tails};
use crate::error::Result;
use crate::record::{Position, Span, StoredEvent};
use crate::stances::{self, MOST_STANCES};

/// Memory for what visitors who refused something said for and against products.
const STANCE_BYTES: u64 = 4 << 20;

/// The state of an open store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) config: EmbeddedConfig,
    pub(super) hash: Fingerprints,
    view: RwLock<Arc<View>>,
    facts: RwLock<FactTable>,
    tails: Tails,
    /// What visitors said for and against products.
    stances: Tails,
    manifest: Mutex<Manifest>,
    /// Held while files of events or facts are made anew or copied, so that none goes away meanwhile.
    rewriting: Mutex<()>,
    /// Held while a table in memory becomes a file.
    flushing: Mutex<()>,
    next_file: AtomicU64,
    position: AtomicU64,
    pub(super) waiting: AtomicUsize,
    trouble: Mutex<[Option<String>; 3]>,
    signal: Mutex<Signal>,
    changed: Condvar,
}

/// Work of the store that can fail on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Writing the journal.
    Writing,
    /// Making files of tables in memory.
    Flushing,
    /// Merging files.
    Merging,
}

/// What the threads tell each other.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Signal {
    /// The store is being closed.
    pub(super) closing: bool,
    /// Counts what happened: a table was put aside, or became a file.
    pub(super) events: u64,
}

/// Where the events are at one moment. A reader holds one as long as it reads.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The table that is written to.
    pub(super) active: Arc<MemoryTable>,
    /// Tables put aside to become files, oldest first.
    pub(super) frozen: Vec<Arc<MemoryTable>>,
    /// Files.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Which writes the files hold, and how often something in them was forgotten.
    pub(super) files: Moment,
}

impl Shared {
    pub(super) fn new(
        (layout, config): (Layout, EmbeddedConfig),
        manifest: Manifest,
        facts: FactTable,
        view: View,
        position: Position,
    ) -> Result<Self> {
        let mut last = 0;
        for kind in [Kind::Journal, Kind::Events, Kind::Facts] {
            last = last.max(layout.numbers(kind)?.last().copied().unwrap_or(0));
        }
        Ok(Self {
            hash: Fingerprints::new(manifest.key),
            tails: Tails::new(config.tail_bytes),
            stances: Tails::new(STANCE_BYTES),
            layout,
            config,
            view: RwLock::new(Arc::new(view)),
            facts: RwLock::new(facts),
            manifest: Mutex::new(manifest),
            rewriting: Mutex::default(),
            flushing: Mutex::default(),
            next_file: AtomicU64::new(last + 1),
            position: AtomicU64::new(position.0),
            waiting: AtomicUsize::new(0),
            trouble: Mutex::default(),
            signal: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// A number no file has had.
    pub(super) fn number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets readers see another view from now on.
    pub(super) fn change_view(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = View::clone(&view);
        change(&mut next);
        *view = Arc::new(next);
    }

    pub(super) fn facts(&self) -> RwLockReadGuard<'_, FactTable> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn facts_mut(&self) -> RwLockWriteGuard<'_, FactTable> {
        self.facts.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        locked(&self.manifest)
    }

    pub(super) fn rewriting(&self) -> MutexGuard<'_, ()> {
        locked(&self.rewriting)
    }

    pub(super) fn flushing(&self) -> MutexGuard<'_, ()> {
        locked(&self.flushing)
    }

    pub(super) fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    pub(super) fn set_position(&self, position: Position) {
        self.position.store(position.0, Ordering::Release);
    }

    /// Notes how some work went: why it failed, or that it does not any more.
    pub(super) fn note<T>(&self, work: Work, went: &Result<T>) {
        let reason = went.as_ref().err().map(ToString::to_string);
        let mut trouble = locked(&self.trouble);
        let known = &mut trouble[work as usize];
        if *known != reason {
            if let Some(reason) = &reason {
                tracing::warn!(reason, ?work, "the store can't write");
            }
            *known = reason;
        }
    }

    /// Why some work fails at the moment.
    pub(super) fn trouble_of(&self, work: Work) -> Option<String> {
        locked(&self.trouble)[work as usize].clone()
    }

    /// Why anything fails at the moment.
    pub(super) fn trouble(&self) -> Option<String> {
        locked(&self.trouble).iter().flatten().next().cloned()
    }

    /// Wakes whoever waits for something to happen.
    pub(super) fn notify(&self) {
        locked(&self.signal).events += 1;
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        locked(&self.signal).closing = true;
        self.changed.notify_all();
    }

    /// Waits until something happened that `seen` does not know, or `longest` is over.
    pub(super) fn wait(&self, seen: Signal, longest: Duration) -> Signal {
        let signal = locked(&self.signal);
        let nothing_new = |now: &mut Signal| !now.closing && now.events == seen.events;
        let waited = self
            .changed
            .wait_timeout_while(signal, longest, nothing_new);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn signal(&self) -> Signal {
        *locked(&self.signal)
    }

    /// The latest events of a visitor.
    pub(super) fn recent(&self, visitor: &str, limit: usize) -> Result<Vec<StoredEvent>> {
        let (view, print) = (self.view(), self.hash.of(visitor));
        let mut found = self.in_files(&view, (visitor, print), limit)?;
        for table in view.tables().rev() {
            found.extend(table.recent(visitor, print, limit));
        }
        keep_latest(&mut found, limit);
        Ok(found)
    }

    /// The latest events of a visitor in the files of `view`.
    fn in_files(
        &self,
        view: &View,
        (visitor, print): (&str, Fingerprint),
        limit: usize,
    ) -> Result<Vec<StoredEvent>> {
        if limit > tails::KEPT {
            return view.in_files(visitor, print, limit);
        }
        if let Some(tail) = self.tails.get(visitor, print, view.files)
            && !view.may_hold_more(print, tail.flushed())
            && let Ok(events) = tail.read(limit)
        {
            return Ok(events);
        }
        let mut found = view.in_files(visitor, print, tails::KEPT)?;
        if let Ok(tail) = Tail::of(visitor, &found, view.files) {
            self.tails.put(print, tail);
        }
        if self.view().files.epoch != view.files.epoch {
            // Something was forgotten meanwhile, perhaps this.
            self.tails.remove(print);
        }
        keep_latest(&mut found, limit);
        Ok(found)
    }

    /// What visitors said for and against products, if one of them refused any.
    pub(super) fn stances(&self, visitors: &[&str]) -> Result<Vec<StoredEvent>> {
        let view = self.view();
        let prints = visitors.iter().map(|visitor| self.hash.of(visitor));
        let visitors: Vec<(&str, Fingerprint)> = visitors.iter().copied().zip(prints).collect();
        if !visitors.iter().any(|&(_, print)| view.holds_refuser(print)) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (visitor, print) in visitors {
            found.extend(self.stances_in_files(&view, (visitor, print))?);
            for table in view.tables().rev() {
                found.extend(table.stances(visitor, print));
            }
        }
        Ok(stances::among(found))
    }

    /// What a visitor said for and against products in the files of `view`: all of them are read the first time, and
    /// again when others with events of hers have come.
    fn stances_in_files(
        &self,
        view: &View,
        (visitor, print): (&str, Fingerprint),
    ) -> Result<Vec<StoredEvent>> {
        if let Some(tail) = self.stances.get(visitor, print, view.files)
            && !view.may_hold_more(print, tail.flushed())
            && let Ok(events) = tail.read(usize::MAX)
        {
            return Ok(events);
        }
        let mut found = view.stances_in_files(visitor, print)?;
        keep_latest(&mut found, MOST_STANCES);
        if let Ok(tail) = Tail::of(visitor, &found, view.files) {
            self.stances.put(print, tail);
        }
        if self.view().files.epoch != view.files.epoch {
            // Something was forgotten meanwhile, perhaps this.
            self.stances.remove(print);
        }
        Ok(found)
    }

    /// Forgets what is in memory of files, which hold less from now on.
    pub(super) fn forget_tails(&self) {
        self.change_view(|view| view.files.epoch += 1);
        self.tails.clear();
        self.stances.clear();
    }

    /// All events in order, as they stand now.
    pub(super) fn scan(&self, span: Span) -> impl Iterator<Item = Result<StoredEvent>> + Send {
        let until = self.position();
        let within = move |event: &Result<StoredEvent>| {
            event.as_ref().map_or(true, |stored| {
                stored.position <= until && span.contains(stored.event.time.unwrap_or_default())
            })
        };
        self.view().scan(self.hash, until).filter(within)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single assignment, so what a panic left is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    pub(super) fn tables(&self) -> impl DoubleEndedIterator<Item = &Arc<MemoryTable>> {
        std::iter::once(&self.active).chain(self.frozen.iter().rev())
    }

    /// Whether an event has this id, in any table but the active one.
    pub(super) fn holds_id_elsewhere(&self, id: Fingerprint) -> Result<bool> {
        if self.frozen.iter().any(|table| table.ids().contains(&id)) {
            return Ok(true);
        }
        for segment in self.segments.iter().rev() {
            if segment.holds_id(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file with writes after `flushed` may have events of a visitor.
    fn may_hold_more(&self, visitor: Fingerprint, flushed: Position) -> bool {
        self.segments
            .iter()
            .filter(|segment| segment.extent().last_position > flushed)
            .any(|segment| segment.may_hold_visitor(visitor))
    }

    /// The latest events of a visitor in files, oldest first.
    fn in_files(
        &self,
        visitor: &str,
        print: Fingerprint,
        limit: usize,
    ) -> Result<Vec<StoredEvent>> {
        let mut found: Vec<StoredEvent> = Vec::new();
        let mut segments: Vec<&Arc<Segment>> = self
            .segments
            .iter()
            .filter(|segment| segment.may_hold_visitor(print))
            .collect();
        segments.sort_by_key(|segment| std::cmp::Reverse(segment.extent().last_time));
        let mut scratch = Scratch::default();
        for segment in segments {
            let oldest = found.first().and_then(|stored| stored.event.time);
            if found.len() >= limit && oldest > Some(segment.extent().last_time) {
                break;
            }
            found.extend(segment.recent(visitor, limit, &mut scratch)?);
            keep_latest(&mut found, limit);
        }
        Ok(found)
    }

    /// False only if a visitor refused nothing.
    fn holds_refuser(&self, visitor: Fingerprint) -> bool {
        let mut tables = self.tables();
        let mut segments = self.segments.iter();
        tables.any(|table| table.holds_refuser(visitor))
            || segments.any(|segment| segment.may_hold_refuser(visitor))
    }

    /// What a visitor said for and against products in files, oldest first.
    fn stances_in_files(&self, visitor: &str, print: Fingerprint) -> Result<Vec<StoredEvent>> {
        let (mut found, mut scratch) = (Vec::new(), Scratch::default());
        for segment in &self.segments {
            if segment.may_hold_visitor(print) {
                let mut events = segment.recent(visitor, usize::MAX, &mut scratch)?;
                events.retain(stances::outspoken);
                found.extend(events);
            }
        }
        Ok(found)
    }

    fn scan(&self, hash: Fingerprints, until: Position) -> Merge {
        let tables = self
            .tables()
            .map(|table| Box::new(TableScan::new(table, hash, until)) as Source);
        let segments = self
            .segments
            .iter()
            .map(|segment| Box::new(segment.scan()) as Source);
        Merge::new(tables.chain(segments).collect())
    }
}

/// Sorts by time and position and keeps the last `limit`.
fn keep_latest(found: &mut Vec<StoredEvent>, limit: usize) {
    let key = |stored: &StoredEvent| (stored.event.time, stored.position);
    if !found.is_sorted_by_key(key) {
        found.sort_by_key(key);
    }
    found.drain(..found.len().saturating_sub(limit));
}
