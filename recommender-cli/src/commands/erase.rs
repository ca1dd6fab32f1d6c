//! `recommender store erase` and `receipts`: persons forgotten, and the word that they were.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use recommender_core::{Engine, FitOptions};
use recommender_store::Store;
use recommender_store::erasure::{
    ErasedModel, Erasure, ErasureMethod, ErasureReceipt, ErasureRequest,
};

use crate::args::{PersonErase, Receipts};
use crate::failure::Failure;
use crate::inputs;
use crate::progress::ProgressLine;

pub(crate) fn run(arguments: &PersonErase) -> Result<(), Failure> {
    must_become_a_file(&arguments.out)?;
    let request = request(arguments)?;
    let store = arguments.store.open()?;
    let resumed = work(&store, "interrupted erasures", |retrain| {
        store.resume_erasures(retrain)
    });
    let resumed = resumed.map_err(|failure| failure.within("an interrupted erasure"))?;
    for erasure in &resumed {
        let number = &erasure.receipt.id;
        writeln!(io::stdout(), "finished an interrupted erasure: {number}")?;
        tell(erasure)?;
    }
    let erasure = work(&store, "erase", |retrain| store.erase(&request, retrain))?;
    // The salt is nowhere else: it is told even if the receipt can't be written.
    let written = inputs::write_json(&arguments.out, &erasure.receipt);
    writeln!(io::stdout(), "forgotten: {}", erasure.receipt.id)?;
    tell(&erasure)?;
    written?;
    let done = resumed.iter().chain([&erasure]);
    let models = done.flat_map(|erasure| &erasure.receipt.models);
    must_not_be_pending(models)
}

/// What is asked, with paths that mean the same wherever an interrupted erasure is taken up again.
fn request(arguments: &PersonErase) -> Result<ErasureRequest, Failure> {
    Ok(ErasureRequest {
        reason: arguments.reason.clone(),
        exports: absolute(&arguments.exports)?,
        artefacts: absolute(&arguments.models)?,
        retained_backups: arguments.backups.clone(),
        ..ErasureRequest::new(arguments.identifier.clone(), &arguments.by)
    })
}

fn absolute(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let absolute = |folder: &PathBuf| {
        let found = folder.canonicalize();
        found.map_err(|error| Failure::file(folder, &error))
    };
    folders.iter().map(absolute).collect()
}

/// Refuses a receipt that could not be written when nothing can be taken back any more.
fn must_become_a_file(file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::file(
            file,
            &"expected a file that does not exist yet",
        ));
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Failure::file(
            file,
            &"expected a file in a folder that exists",
        ));
    }
    Ok(())
}

/// Does some work of `store` in which models are fitted anew.
fn work<T>(
    store: &Store,
    name: &str,
    work: impl FnOnce(
        &dyn Fn(&Engine) -> recommender_store::Result<Engine>,
    ) -> recommender_store::Result<T>,
) -> Result<T, Failure> {
    let line = ProgressLine::start(name);
    let options = FitOptions {
        progress: Some(line.callback()),
        ..FitOptions::default()
    };
    Ok(work(&|old| store.retrain(old, &options))?)
}

/// Prints what went of a person.
fn tell(erasure: &Erasure) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let receipt = &erasure.receipt;
    writeln!(out, "  {}", counts(receipt))?;
    for export in &receipt.exports {
        let place = export.directory.display();
        let (events, files) = (export.events, export.files);
        writeln!(out, "  export {place}: {events} events in {files} files")?;
    }
    for model in &receipt.models {
        let (place, old, new) = (model.artefact.display(), &model.version, &model.new_version);
        let method = method(model.method);
        writeln!(out, "  model {place}: {method}, {old} is now {new}")?;
    }
    for backup in &receipt.retained_backups {
        writeln!(out, "  backup {backup} is kept and may hold her still")?;
    }
    writeln!(out, "  {}", seal(receipt))?;
    // Whoever has it can find out whose receipt it is.
    writeln!(out, "  her proof that it is hers: {}", erasure.salt)
}

fn counts(receipt: &ErasureReceipt) -> String {
    format!(
        "{} events, {} links, {} consents, {} audit records",
        receipt.events_deleted,
        receipt.links_deleted,
        receipt.consents_deleted,
        receipt.audit_records_deleted
    )
}

fn method(method: ErasureMethod) -> &'static str {
    match method {
        ErasureMethod::Downdated => "what it learned was taken back",
        ErasureMethod::Retrained => "trained anew",
        ErasureMethod::PendingRetrain => "NOT trained anew",
    }
}

fn seal(receipt: &ErasureReceipt) -> String {
    match &receipt.public_key {
        _ if !receipt.is_genuine() => "ALTERED: the receipt is not as it was given".into(),
        Some(key) => format!("signed by {key}"),
        None => "not signed: the settings name no receipt_key_file".into(),
    }
}

/// Fails if a model still holds what it learned from a person.
fn must_not_be_pending<'a>(models: impl Iterator<Item = &'a ErasedModel>) -> Result<(), Failure> {
    let mut pending = models.filter(|model| model.method == ErasureMethod::PendingRetrain);
    let Some(model) = pending.next() else {
        return Ok(());
    };
    let place = model.artefact.display();
    let message = format!(
        "{place}: her history is gone from it, but what it learned from her is not, as it could not be trained anew; \
         train another in its place"
    );
    Err(Failure::work(message))
}

pub(crate) fn list(arguments: &Receipts) -> Result<(), Failure> {
    let receipts = arguments.store.open()?.erasure_receipts()?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&receipts).map_err(Failure::work)?;
        writeln!(io::stdout(), "{text}")?;
    } else {
        for receipt in &receipts {
            let (number, counts, seal) = (&receipt.id, counts(receipt), seal(receipt));
            writeln!(io::stdout(), "{number}: {counts}; {seal}")?;
        }
    }
    let altered = receipts.iter().find(|receipt| !receipt.is_genuine());
    altered.map_or(Ok(()), |receipt| {
        let message = format!("receipt {} is not as it was given", receipt.id);
        Err(Failure::work(message))
    })
}
