//! Linking, unlinking and resolving.

use std::collections::BTreeSet;

use crate::audit::{AuditAction, AuditRecord, audit_fact};
use crate::error::Result;
use crate::identity::{Identifier, IdentityConfig, IdentityGraph, Link, LinkOutcome, Refusal};
use crate::record::{Batch, Fact, Position, Table};
use crate::stamp::Stamp;
use crate::store::Store;
use crate::store::shared::Shared;
use crate::store::state::{fact, link_key, unlinked};
use crate::store::writing::Writing;

/// Who an identifier is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Her key: the strongest of her identifiers. It changes as links come and go.
    pub key: Identifier,
    /// All of her identifiers, the strongest first.
    pub identifiers: Vec<Identifier>,
}

/// Links that were judged, and what is to be written of them.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) outcomes: Vec<LinkOutcome>,
    pub(super) facts: Vec<Fact>,
}

impl Judged {
    /// Why links were not believed.
    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let refused = self.outcomes.iter().filter_map(|outcome| match outcome {
            LinkOutcome::Refused(refusal) => Some(refusal.clone()),
            LinkOutcome::Linked | LinkOutcome::Known => None,
        });
        refused.collect()
    }
}

/// How often a refusal is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// Each time.
    Always,
    /// As one, the last one: for links that are asked for again and again.
    Once,
}

impl Store {
    /// Links identifiers, all or none of them written; those that would go past a cap of [`IdentityConfig`] are
    /// refused, each judged after those before it. What was asked and what became of it is noted in the audit.
    ///
    /// A link that stands already takes the new evidence. Its time may not lie ahead of the clock: nothing becomes true
    /// by waiting. Links asked for at one moment, or at several servers, may together go past a cap.
    ///
    /// # Errors
    /// [`StoreError::Invalid`](crate::StoreError::Invalid) if both sides of a link are one, or its time is ahead; as
    /// [`Engine::write`](crate::Engine::write).
    pub fn link(&self, links: Vec<Link>) -> Result<Writing<Vec<LinkOutcome>>> {
        let links = links.into_iter().map(|link| self.0.at_the_door(link));
        let links: Vec<Link> = links.collect::<Result<_>>()?;
        let judged = self.0.judge(&links, Noted::Always)?;
        let batch = Batch {
            facts: judged.facts,
            ..Batch::default()
        };
        let outcomes = judged.outcomes;
        self.0.write(batch, move |_| outcomes)
    }

    /// Takes the link between two identifiers back; says whether there was one. Who was one person by it alone is two
    /// again, with the histories of each.
    ///
    /// # Errors
    /// As [`Engine::write`](crate::Engine::write).
    pub fn unlink(&self, link: Link) -> Result<Writing<bool>> {
        let link = self.0.at_the_door(link)?;
        let known = self.0.read().identity.link(&link.a, &link.b).is_some();
        let audit = self
            .0
            .audit
            .fact(&self.0.record_of(&link, AuditAction::Unlink, None))?;
        let mut facts = vec![audit];
        if known {
            facts.push(unlinked(link.pair())?);
        }
        let batch = Batch {
            facts,
            ..Batch::default()
        };
        self.0.write(batch, move |_| known)
    }

    /// Who an identifier is of; a person of her own if nothing links it.
    ///
    /// # Errors
    /// If the key can't be replaced by a pseudonym.
    pub fn resolve(&self, identifier: &Identifier) -> Result<Person> {
        let identifier = self.0.replaced(identifier)?;
        let state = self.0.read();
        Ok(Person {
            key: state.identity.person(&identifier),
            identifiers: state.identity.identifiers(&identifier),
        })
    }

    /// The key of the person whom a stored visitor's events are of, as text: the user that a model learns from.
    #[must_use]
    pub fn person_of_visitor(&self, visitor: &str) -> String {
        match Identifier::visitor(visitor) {
            Ok(identifier) => self.0.read().identity.person(&identifier).to_string(),
            // One that can't have links.
            Err(_) => format!("visitor:{visitor}"),
        }
    }
}

impl Shared {
    /// The identifier as it is kept.
    pub(super) fn replaced(&self, identifier: &Identifier) -> Result<Identifier> {
        match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.identifier(identifier),
            None => Ok(identifier.clone()),
        }
    }

    fn at_the_door(&self, link: Link) -> Result<Link> {
        self.check_time("a link", link.since)?;
        Ok(Link {
            a: self.replaced(&link.a)?,
            b: self.replaced(&link.b)?,
            ..link
        })
    }

    /// Judges links one after the other, each with those before it.
    pub(super) fn judge(&self, links: &[Link], noted: Noted) -> Result<Judged> {
        let config = &self.config.identity;
        let refusals = match links {
            [] => Vec::new(),
            [link] => vec![self.read().identity.judge(link, config)?],
            links => self.rehearsal(links).judge_all(links, config)?,
        };
        let mut judged = Judged::default();
        for (link, refusal) in links.iter().zip(refusals) {
            let known = self.read().identity.link(&link.a, &link.b).is_some();
            judged.facts.push(self.note(link, refusal.clone(), noted)?);
            judged.outcomes.push(match refusal {
                Some(refusal) => LinkOutcome::Refused(refusal),
                None => {
                    let key = link_key(link.pair());
                    judged.facts.push(fact(Table::Link, key, link)?);
                    if known {
                        LinkOutcome::Known
                    } else {
                        LinkOutcome::Linked
                    }
                }
            });
        }
        Ok(judged)
    }

    fn note(&self, link: &Link, refusal: Option<Refusal>, noted: Noted) -> Result<Fact> {
        let once = refusal.is_some() && noted == Noted::Once;
        let record = self.record_of(link, AuditAction::Link, refusal);
        if once {
            return audit_fact(format!("refused {}", link_key(link.pair())), &record);
        }
        self.audit.fact(&record)
    }

    fn record_of(&self, link: &Link, action: AuditAction, refused: Option<Refusal>) -> AuditRecord {
        AuditRecord {
            time: self.now(),
            by: link.by.clone(),
            action,
            subjects: vec![link.a.clone(), link.b.clone()],
            evidence: link.evidence.clone(),
            refused,
        }
    }

    /// A graph of the persons that `links` are about, to try them on.
    fn rehearsal(&self, links: &[Link]) -> Rehearsal {
        let state = self.read();
        let mut graph = IdentityGraph::default();
        let mut copied = BTreeSet::new();
        for identifier in links.iter().flat_map(|link| [&link.a, &link.b]) {
            if copied.insert(state.identity.person(identifier)) {
                for link in state.identity.links_of(identifier) {
                    put(&mut graph, &link);
                }
            }
        }
        Rehearsal(graph)
    }
}

/// A graph on which links are tried.
struct Rehearsal(IdentityGraph);

impl Rehearsal {
    fn judge_all(
        mut self,
        links: &[Link],
        config: &IdentityConfig,
    ) -> Result<Vec<Option<Refusal>>> {
        let judged = links.iter().map(|link| {
            let refusal = self.0.judge(link, config)?;
            if refusal.is_none() {
                put(&mut self.0, link);
            }
            Ok(refusal)
        });
        judged.collect()
    }
}

fn put(graph: &mut IdentityGraph, link: &Link) {
    let stamp = Stamp {
        version: 0,
        position: Position(0),
    };
    graph.apply(link.pair(), Some(link.clone()), stamp);
}
