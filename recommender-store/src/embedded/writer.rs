//! The one thread that writes the journal: what arrives while the disk is busy is written together next.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::fingerprint::Fingerprint;
use super::journal::{Journal, put_frame};
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::memory_table::MemoryTable;
use super::payload;
use super::shared::{Shared, View, Work};
use crate::error::{Result, StoreError};
use crate::record::{
    Batch, EventOutcome, Fact, FactOutcome, Position, StoredEvent, StoredFact, Table, Written,
};
use crate::ticket::Pending;

/// Bytes that are written at once at most, so that nobody waits for very many others.
const GROUP_BYTES: usize = 8 << 20;

/// Tables put aside before writers have to wait for the disk.
const MAX_FROZEN: usize = 3;

/// Something for the writer to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Write a batch.
    Write(WriteTask),
    /// Put the table that is written to aside; says up to which position.
    Rotate(Pending<Position>),
}

/// A batch, made ready by the thread that brings it.
#[derive(Debug)]
pub(super) struct WriteTask {
    pub(super) batch: Batch,
    /// The batch as bytes, as it is written if all of it is kept.
    pub(super) bytes: Vec<u8>,
    /// Of the ids of its events.
    pub(super) ids: Vec<Fingerprint>,
    /// Of their visitors.
    pub(super) visitors: Vec<Fingerprint>,
    pub(super) pending: Pending<Written>,
}

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    next: Position,
}

/// A batch on its way to the disk: what of it is kept.
struct Judged {
    task: WriteTask,
    written: Written,
}

/// Versions of facts that this group will make stand.
type Versions = FxHashMap<(Table, String), i64>;

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, journal: Journal) -> Self {
        let next = Position(shared.position().0 + 1);
        Self {
            shared,
            journal,
            next,
        }
    }

    /// Writes until nobody can bring tasks any more.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(first) = tasks.recv() {
            let (group, rotate) = gather(first, tasks);
            if !group.is_empty() {
                self.commit(group);
            }
            if let Some(pending) = rotate {
                pending.settle(self.rotate().map(|()| self.shared.position()));
            } else if self.is_full() {
                let went = self.rotate();
                self.shared.note(Work::Writing, &went);
            }
        }
    }

    fn is_full(&self) -> bool {
        let config = &self.shared.config;
        self.journal.bytes() >= config.journal_bytes
            || self.shared.view().active.events() >= config.memory_events as u64
    }

    /// Whether no new journal could be begun for so long that this one must not grow further.
    fn is_overfull(&self) -> bool {
        let config = &self.shared.config;
        self.journal.bytes() >= config.journal_bytes.saturating_mul(2)
            || self.shared.view().active.events() >= 2 * config.memory_events as u64
    }

    fn commit(&mut self, group: Vec<WriteTask>) {
        if self.is_overfull() {
            let error = self.no_room();
            return group.into_iter().for_each(|task| self.refuse(task, &error));
        }
        let view = self.shared.view();
        let (mut judged, mut frames) = (Vec::with_capacity(group.len()), Vec::new());
        let mut versions = Versions::default();
        let before = self.next;
        for task in group {
            match self.judge(&view, &task, &mut versions) {
                Ok(written) => {
                    self.put(&task, &written, &mut frames);
                    judged.push(Judged { task, written });
                }
                Err(error) => self.refuse(task, &error),
            }
        }
        let appended = if frames.is_empty() {
            Ok(())
        } else {
            self.journal.append(&frames)
        };
        self.shared.note(Work::Writing, &appended);
        match appended {
            Ok(()) => {
                self.apply(&view, &mut judged);
                for Judged { task, written } in judged {
                    self.settle(task, Ok(written));
                }
            }
            Err(error) => {
                self.next = before;
                for Judged { task, written } in judged {
                    give_back_ids(&view, &task, &written);
                    self.refuse(task, &error);
                }
            }
        }
    }

    /// What of a batch is kept. Its new ids are taken.
    fn judge(&self, view: &View, task: &WriteTask, versions: &mut Versions) -> Result<Written> {
        let mut events = Vec::with_capacity(task.ids.len());
        let mut taken = Vec::new();
        for &id in &task.ids {
            match take_id(view, id) {
                Ok(EventOutcome::Stored) => {
                    taken.push(id);
                    events.push(EventOutcome::Stored);
                }
                Ok(EventOutcome::Duplicate) => events.push(EventOutcome::Duplicate),
                Err(error) => {
                    let mut ids = view.active.ids();
                    taken.iter().for_each(|id| {
                        ids.remove(id);
                    });
                    return Err(error);
                }
            }
        }
        let standing = self.shared.facts();
        let facts = task.batch.facts.iter().map(|fact| {
            let key = (fact.table, fact.key.clone());
            let known = versions.get(&key).copied();
            let known = known.or_else(|| standing.version(fact.table, &fact.key));
            if known.is_some_and(|known| fact.version < known) {
                return FactOutcome::Stale;
            }
            versions.insert(key, fact.version);
            FactOutcome::Applied
        });
        let mut written = Written {
            position: Position(self.next.0 - 1),
            facts: facts.collect(),
            events,
        };
        if keeps_something(&written) {
            written.position = self.next;
        }
        Ok(written)
    }

    /// Adds the frame of what is kept.
    fn put(&mut self, task: &WriteTask, written: &Written, frames: &mut Vec<u8>) {
        if !keeps_something(written) {
            return;
        }
        if keeps_everything(written) {
            put_frame(frames, self.next, &task.bytes);
        } else {
            let kept = kept(task.batch.clone(), written);
            put_frame(frames, self.next, &payload::encode(&kept));
        }
        self.next = Position(self.next.0 + 1);
    }

    /// Lets readers see what is on disk now.
    fn apply(&self, view: &View, judged: &mut [Judged]) {
        let mut facts = self.shared.facts_mut();
        for Judged { task, written } in judged {
            let batch = std::mem::take(&mut task.batch);
            for fact in kept_facts(batch.facts, written) {
                let position = written.position;
                let stored = StoredFact { position, fact };
                view.active.put_fact(stored.clone());
                facts.put(stored);
            }
            let events = batch.events.into_iter().zip(&written.events);
            for ((event, outcome), &visitor) in events.zip(&task.visitors) {
                if *outcome == EventOutcome::Stored {
                    let position = written.position;
                    view.active.insert(StoredEvent { position, event }, visitor);
                }
            }
        }
        drop(facts);
        self.shared.set_position(Position(self.next.0 - 1));
    }

    /// Puts the active table aside and begins a new journal.
    fn rotate(&mut self) -> Result<()> {
        let view = self.shared.view();
        if view.active.last() == Position::default() {
            return Ok(());
        }
        self.wait_for_room()?;
        let number = self.shared.number();
        self.journal = begin_journal(&self.shared.layout, &mut self.shared.manifest(), number)?;
        let active = Arc::new(MemoryTable::new(number));
        self.shared.change_view(|view| {
            let full = std::mem::replace(&mut view.active, active);
            view.frozen.push(full);
        });
        self.shared.notify();
        Ok(())
    }

    /// Waits until tables that were put aside have become files, or the reason why they don't is known.
    fn wait_for_room(&self) -> Result<()> {
        let mut seen = self.shared.signal();
        while self.shared.view().frozen.len() >= MAX_FROZEN {
            if self.shared.trouble_of(Work::Flushing).is_some() {
                return Err(self.no_room());
            }
            seen = self.shared.wait(seen, Duration::from_millis(100));
            if seen.closing {
                return Err(StoreError::Closed);
            }
        }
        Ok(())
    }

    fn no_room(&self) -> StoreError {
        let reason = self.shared.trouble();
        StoreError::Full {
            path: self.shared.layout.root().into(),
            reason: reason
                .unwrap_or_else(|| "files can't be written as fast as events come".into()),
        }
    }

    fn refuse(&self, task: WriteTask, error: &StoreError) {
        self.settle(task, Err(said_again(error)));
    }

    fn settle(&self, task: WriteTask, answer: Result<Written>) {
        self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        task.pending.settle(answer);
    }
}

/// A new journal, which counts from now on.
pub(super) fn begin_journal(
    layout: &Layout,
    manifest: &mut Manifest,
    number: u64,
) -> Result<Journal> {
    let journal = Journal::create(&layout.file(Kind::Journal, number))?;
    let mut next = manifest.clone();
    next.journals.push(number);
    next.save(layout)?;
    *manifest = next;
    Ok(journal)
}

/// The tasks that are written together: all that wait, up to some size or until a table is to be put aside.
fn gather(first: Task, tasks: &Receiver<Task>) -> (Vec<WriteTask>, Option<Pending<Position>>) {
    let (mut group, mut bytes, mut next) = (Vec::new(), 0, first);
    loop {
        match next {
            Task::Rotate(pending) => return (group, Some(pending)),
            Task::Write(task) => {
                bytes += task.bytes.len();
                group.push(task);
            }
        }
        if bytes >= GROUP_BYTES {
            return (group, None);
        }
        match tasks.try_recv() {
            Ok(task) => next = task,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return (group, None),
        }
    }
}

/// Takes an id for an event, if no event has it.
fn take_id(view: &View, id: Fingerprint) -> Result<EventOutcome> {
    if !view.active.ids().insert(id) {
        return Ok(EventOutcome::Duplicate);
    }
    let elsewhere = view.holds_id_elsewhere(id);
    if !matches!(elsewhere, Ok(false)) {
        view.active.ids().remove(&id);
    }
    if elsewhere? {
        return Ok(EventOutcome::Duplicate);
    }
    Ok(EventOutcome::Stored)
}

fn give_back_ids(view: &View, task: &WriteTask, written: &Written) {
    let mut ids = view.active.ids();
    for (id, outcome) in task.ids.iter().zip(&written.events) {
        if *outcome == EventOutcome::Stored {
            ids.remove(id);
        }
    }
}

fn keeps_something(written: &Written) -> bool {
    written.events.contains(&EventOutcome::Stored) || written.facts.contains(&FactOutcome::Applied)
}

fn keeps_everything(written: &Written) -> bool {
    !written.events.contains(&EventOutcome::Duplicate)
        && !written.facts.contains(&FactOutcome::Stale)
}

fn kept(batch: Batch, written: &Written) -> Batch {
    let events = batch.events.into_iter().zip(&written.events);
    Batch {
        events: events
            .filter(|(_, outcome)| **outcome == EventOutcome::Stored)
            .map(|(event, _)| event)
            .collect(),
        facts: kept_facts(batch.facts, written).collect(),
    }
}

fn kept_facts(facts: Vec<Fact>, written: &Written) -> impl Iterator<Item = Fact> {
    let facts = facts.into_iter().zip(&written.facts);
    facts
        .filter(|(_, outcome)| **outcome == FactOutcome::Applied)
        .map(|(fact, _)| fact)
}

/// One failure of the disk is the answer to every batch of the group.
fn said_again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full { path, reason } => StoreError::Full {
            path: path.clone(),
            reason: reason.clone(),
        },
        StoreError::Io { path, source } => StoreError::Io {
            path: path.clone(),
            source: io::Error::new(source.kind(), source.to_string()),
        },
        StoreError::Damaged { path, reason } => StoreError::damaged(path, reason.as_str()),
        StoreError::Closed
        | StoreError::Invalid { .. }
        | StoreError::Busy { .. }
        | StoreError::Newer { .. }
        | StoreError::InUse { .. }
        | StoreError::Unavailable { .. }
        | StoreError::Core(_) => StoreError::Closed,
    }
}
