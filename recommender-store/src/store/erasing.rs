//! Forgetting a person, step by step.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use recommender_core::{Engine, FitOptions};

use crate::audit::{AuditAction, AuditRecord};
use crate::erasure::{
    ErasedExport, Erasure, ErasureReceipt, ErasureRequest, ModelPlan, Plan, Retrain, open_plan,
};
use crate::error::Result;
use crate::exchange;
use crate::identity::{Identifier, Namespace};
use crate::join::{Training, training_set};
use crate::record::{Batch, Fact, Oblivion, Table};
use crate::store::Store;
use crate::store::shared::Shared;
use crate::store::state::{fact, pair_of, value_of};

impl Store {
    /// Forgets the person of an identifier for good: her events, links, consents and what the audit says of her, here
    /// and in the exports and artefacts named. When it returns, no byte of her keys is left in the files of the engine
    /// or of these, and the artefacts are as if she had never been there, but for those the receipt says otherwise of.
    ///
    /// Every step is noted before it is taken: what was interrupted goes on with [`Store::resume_erasures`]. What comes
    /// in of her afterwards is a new person's. Who serves an artefact named must load it again; other servers know her no
    /// more when they next refresh.
    ///
    /// # Errors
    /// If something can't be read or written: then it is not finished, and goes on when it is resumed.
    pub fn erase(&self, request: &ErasureRequest, retrain: Retrain<'_>) -> Result<Erasure> {
        let shared = &self.0;
        let _one_at_a_time = shared
            .erasing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let subject = shared.replaced(&request.identifier)?;
        let mut plan = Plan::new(request, subject, shared.now())?;
        plan.identifiers = shared.everyone(std::slice::from_ref(&plan.subject));
        shared.survey(&mut plan, request)?;
        shared.note_progress(&plan)?;
        shared.carry_out(plan, retrain)
    }

    /// Goes on with erasures that were interrupted, and gives their receipts.
    ///
    /// # Errors
    /// As [`Store::erase`].
    pub fn resume_erasures(&self, retrain: Retrain<'_>) -> Result<Vec<Erasure>> {
        let shared = &self.0;
        let _one_at_a_time = shared
            .erasing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut plans = Vec::new();
        for stored in shared.engine.facts(Table::Erasure)? {
            plans.extend(open_plan(&stored?.fact)?);
        }
        let done = plans
            .into_iter()
            .map(|plan| shared.carry_out(plan, retrain));
        done.collect()
    }

    /// The receipts of all erasures, by number.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn erasure_receipts(&self) -> Result<Vec<ErasureReceipt>> {
        let mut receipts = Vec::new();
        for stored in self.0.engine.facts(Table::Erasure)? {
            let fact = stored?.fact;
            if open_plan(&fact)?.is_none() {
                receipts.extend(value_of::<ErasureReceipt>(&fact)?);
            }
        }
        Ok(receipts)
    }

    /// Fits an engine as `old` was, to what the store holds now: the [`Retrain`] of artefacts that were trained from
    /// this store.
    ///
    /// # Errors
    /// If the events can't be read; as [`Engine::fit`].
    pub fn retrain(&self, old: &Engine, options: &FitOptions) -> Result<Engine> {
        let training = Training {
            person: &|visitor| self.person_of_visitor(visitor),
            allowed: &|event| self.may_train(event),
            ..Training::default()
        };
        let config = old.config();
        let interactions = config.interactions.clone();
        let dataset = training_set(&*self.0.engine, &training, self.products(), interactions)?;
        let options = FitOptions {
            seed: old.training().seed,
            ..options.clone()
        };
        Ok(Engine::fit(config, &dataset, &options)?)
    }
}

impl Shared {
    /// Counts what there is of a person, and looks at the artefacts, while she is still there.
    fn survey(&self, plan: &mut Plan, request: &ErasureRequest) -> Result<()> {
        // What was begun with a mistyped name could never be finished.
        for directory in &request.exports {
            exchange::manifest_of(directory)?;
        }
        let events = self.events_of(&plan.identifiers, usize::MAX, |_| true)?;
        let oblivion = self.oblivion(plan)?;
        let of = |table: Table| oblivion.facts.iter().filter(|(of, _)| *of == table).count() as u64;
        plan.counts.events = events.len() as u64;
        plan.counts.links = of(Table::Link);
        plan.counts.consents = of(Table::Consent);
        plan.counts.audit_records = of(Table::Audit);
        let done: Vec<_> = events
            .into_iter()
            .filter_map(|stored| Some((stored.event.item?, stored.event.time.unwrap_or_default())))
            .collect();
        let mut users: BTreeSet<String> =
            plan.identifiers.iter().map(Identifier::to_string).collect();
        users.extend(visitors(plan));
        let users: Vec<String> = users.into_iter().collect();
        for artefact in &request.artefacts {
            plan.models.extend(ModelPlan::new(artefact, &users, &done)?);
        }
        Ok(())
    }

    /// Everything of a person that the engine is to forget, as it stands there.
    fn oblivion(&self, plan: &Plan) -> Result<Oblivion> {
        let hers: BTreeSet<&Identifier> = plan.identifiers.iter().collect();
        let mut facts = Vec::new();
        for table in [Table::Link, Table::Consent, Table::Audit] {
            for stored in self.engine.facts(table)? {
                let fact = stored?.fact;
                if names(&fact, &hers)? {
                    facts.push((table, fact.key));
                }
            }
        }
        Ok(Oblivion {
            visitors: visitors(plan),
            facts,
        })
    }

    /// Notes how far an erasure has come.
    fn note_progress(&self, plan: &Plan) -> Result<()> {
        let batch = Batch {
            facts: vec![fact(Table::Erasure, plan.key(), plan)?],
            ..Batch::default()
        };
        self.engine.write(batch)?.wait().map(|_| ())
    }

    fn carry_out(&self, mut plan: Plan, retrain: Retrain<'_>) -> Result<Erasure> {
        if !plan.forgotten {
            self.engine.forget(&self.oblivion(&plan)?)?;
            plan.forgotten = true;
            self.note_progress(&plan)?;
        }
        // Another server may have come this far, and this one know her still.
        self.read_persons()?;
        while let Some(directory) = plan.exports.get(plan.erased_exports.len()).cloned() {
            let erased = exchange::erase(&directory, &visitors(&plan))?;
            plan.erased_exports.push(ErasedExport {
                directory,
                events: erased.events,
                files: erased.files.len() as u64,
            });
            self.note_progress(&plan)?;
        }
        while let Some(model) = plan.models.get(plan.erased_models.len()) {
            let erased = model.carry_out(&plan.id, retrain)?;
            plan.erased_models.push(erased);
            self.note_progress(&plan)?;
        }
        self.finish(plan)
    }

    /// Writes the receipt, and forgets the plan, which names her.
    fn finish(&self, plan: Plan) -> Result<Erasure> {
        let receipt = plan.receipt(self.now()).sealed(self.signing.as_ref())?;
        let audit = self.audit.fact(&AuditRecord {
            time: receipt.completed_time,
            by: plan.by.clone(),
            action: AuditAction::Erase,
            subjects: Vec::new(),
            evidence: format!("receipt {}", plan.id),
            refused: None,
        })?;
        let batch = Batch {
            facts: vec![fact(Table::Erasure, plan.receipt_key(), &receipt)?, audit],
            ..Batch::default()
        };
        self.heard_of_erasure(&plan.id);
        self.engine.write(batch)?.wait()?;
        self.tell_of_erasure(Some(&plan.identifiers));
        let trace = Oblivion {
            facts: vec![(Table::Erasure, plan.key())],
            ..Oblivion::default()
        };
        self.engine.forget(&trace)?;
        Ok(Erasure {
            receipt,
            salt: plan.salt,
        })
    }
}

/// Whether a fact is about one of `hers`.
fn names(fact: &Fact, hers: &BTreeSet<&Identifier>) -> Result<bool> {
    if fact.table == Table::Link {
        let (a, b) = pair_of(&fact.key)?;
        return Ok(hers.contains(&a) || hers.contains(&b));
    }
    if fact.table == Table::Consent {
        let of: Identifier = fact.key.parse()?;
        return Ok(hers.contains(&of));
    }
    let record: Option<AuditRecord> = value_of(fact)?;
    Ok(record.is_some_and(|record| record.subjects.iter().any(|one| hers.contains(one))))
}

/// The visitor keys of a person.
fn visitors(plan: &Plan) -> Vec<String> {
    let visitors = plan
        .identifiers
        .iter()
        .filter(|of| of.namespace() == Namespace::Visitor);
    visitors.map(|visitor| visitor.value().to_owned()).collect()
}
