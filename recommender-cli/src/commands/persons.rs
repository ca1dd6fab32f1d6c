//! `recommender store person`, `link`, `unlink`, `consent` and `expire`: what an operator does for persons.

use std::io::{self, Write};

use recommender_store::Store;
use recommender_store::identity::{Identifier, Link, LinkOutcome};
use recommender_store::privacy::ConsentRecord;
use recommender_store::record::FactOutcome;

use crate::args::{KeptStore, PersonCommand, PersonConsent, PersonExport, PersonLink, Said};
use crate::commands::erase;
use crate::failure::Failure;
use crate::inputs;
use crate::stored;

pub(crate) fn run(command: &PersonCommand) -> Result<(), Failure> {
    match command {
        PersonCommand::Person(export) => person(export),
        PersonCommand::Erase(arguments) => erase::run(arguments),
        PersonCommand::Receipts(receipts) => erase::list(receipts),
        PersonCommand::Expire(store) => expire(store),
        PersonCommand::Link(arguments) => link(arguments),
        PersonCommand::Unlink(arguments) => unlink(arguments),
        PersonCommand::Consent(arguments) => consent(arguments),
    }
}

impl KeptStore {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        stored::open_store(&self.data, self.settings.as_deref())
    }
}

fn person(arguments: &PersonExport) -> Result<(), Failure> {
    let store = arguments.store.open()?;
    let export = store.export_person(&arguments.identifier, &arguments.by)?;
    let (events, links) = (export.events.len(), export.links.len());
    if events == 0 && links == 0 && export.consents.is_empty() {
        let identifier = &arguments.identifier;
        writeln!(io::stderr(), "note: nothing is kept of {identifier}")?;
    }
    let Some(file) = &arguments.json else {
        let text = serde_json::to_string_pretty(&export).map_err(Failure::work)?;
        writeln!(io::stdout(), "{text}")?;
        return Ok(());
    };
    inputs::write_json(file, &export)?;
    let file = file.display();
    writeln!(io::stdout(), "{events} events and {links} links in {file}")?;
    Ok(())
}

fn expire(arguments: &KeptStore) -> Result<(), Failure> {
    let store = arguments.open()?;
    let Some(days) = store.config().retention_days else {
        let message = "--settings: expected a file with retention_days, the age in days at which events are dropped";
        return Err(Failure::call(message));
    };
    let dropped = store.expire()?;
    writeln!(
        io::stdout(),
        "{dropped} events older than {days} days dropped"
    )?;
    Ok(())
}

fn link(arguments: &PersonLink) -> Result<(), Failure> {
    let store = arguments.store.open()?;
    let outcomes = store.link(vec![stated(&store, arguments)?])?.wait()?;
    let word = match &outcomes[..] {
        [LinkOutcome::Linked] => "linked",
        [LinkOutcome::Known] => "linked already; the evidence is noted",
        [LinkOutcome::Refused(refusal)] => {
            return Err(Failure::work(format!("not linked: {refusal}")));
        }
        _ => return Err(Failure::work("the store did not say what became of it")),
    };
    tell_person(&store, arguments, word)
}

fn unlink(arguments: &PersonLink) -> Result<(), Failure> {
    let store = arguments.store.open()?;
    let link = stated(&store, arguments)?;
    if store.unlink(link)?.wait()? {
        return tell_person(&store, arguments, "unlinked");
    }
    let [a, b] = pair(arguments)?;
    let message = format!("{a} and {b}: expected two identifiers with a link between them");
    Err(Failure::call(message))
}

fn pair(arguments: &PersonLink) -> Result<&[Identifier; 2], Failure> {
    let wrong = |_| Failure::call("expected two identifiers");
    arguments.identifiers.as_slice().try_into().map_err(wrong)
}

/// The link that is stated, as of now.
fn stated(store: &Store, arguments: &PersonLink) -> Result<Link, Failure> {
    let [a, b] = pair(arguments)?;
    Ok(Link {
        a: a.clone(),
        b: b.clone(),
        evidence: arguments.evidence.clone(),
        since: store.now(),
        by: arguments.by.clone(),
    })
}

/// Prints what became of a link, and of whom each of its sides is now.
fn tell_person(store: &Store, arguments: &PersonLink, word: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{word}")?;
    for identifier in &arguments.identifiers {
        let person = store.resolve(identifier)?;
        let (known, key) = (person.identifiers.len(), person.key);
        writeln!(
            io::stdout(),
            "{identifier} is of {key}, known by {known} identifiers"
        )?;
    }
    Ok(())
}

fn consent(arguments: &PersonConsent) -> Result<(), Failure> {
    let store = arguments.store.open()?;
    if let Some(said) = arguments.set {
        let record = ConsentRecord {
            consent: said.consent(),
            time: store.now(),
            by: arguments.by.clone().unwrap_or_default(),
            evidence: arguments.evidence.clone().unwrap_or_default(),
        };
        let outcome = store.set_consent(&arguments.identifier, record)?.wait()?;
        if outcome == FactOutcome::Stale {
            return Err(Failure::work("something was said at a later time already"));
        }
    }
    let said = Said::of(store.consent(&arguments.identifier)?);
    writeln!(io::stdout(), "{}", said.word())?;
    Ok(())
}
