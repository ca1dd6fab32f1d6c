//! Products into a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};

use recommender_core::Error;
use recommender_store::Store;
use recommender_store::filter::Filter;

use super::{Products, catalogue};
use crate::convert::{Violations, product_rows};
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{ExportProductsRequest, ExportProductsResponse};
use crate::service::files::{Below, Chosen};
use crate::status::Refusal;

/// Products looked for at a time.
pub(super) const PIECE: usize = 20_000;

impl Products {
    pub(super) fn export(&self, request: ExportProductsRequest) -> Result<Operation, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let filter = catalogue::filter(&request.filter, &mut wrong);
        wrong.or(())?;
        let chosen = Chosen {
            setting: "export_directory",
            directory: self.shop.rules.directories.exports.as_deref(),
        };
        let below = Below::new(&chosen, &request.path, "path")?;
        let work = move |progress: &Progress| {
            progress.stage("writing products");
            let path = below.vacant()?;
            let file = File::create_new(&path).map_err(|error| below.failed(&error))?;
            let written = write_all(&store, &filter, (file, &below), progress);
            if written.is_err() {
                // Half a file would look like a whole one. Where it can't be removed, the operator sees the error.
                let _ = fs::remove_file(&path);
            }
            Ok(ExportProductsResponse {
                product_count: i64::try_from(written?).unwrap_or(i64::MAX),
                path: below.path().to_owned(),
            })
        };
        self.shop
            .operations
            .begin("ExportProducts", request.parent, work)
    }
}

fn write_all(
    store: &Store,
    filter: &Filter,
    (file, below): (File, &Below),
    progress: &Progress,
) -> Result<u64, Refusal> {
    let failed = |error: io::Error| below.failed(&error);
    let mut out = BufWriter::new(file);
    let (mut written, mut after): (u64, Option<String>) = (0, None);
    loop {
        let records = store.product_page(filter, after.as_deref(), PIECE);
        let Some(last) = records.last() else {
            break;
        };
        after = Some(last.key.clone());
        for record in &records {
            if progress.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            writeln!(out, "{}", product_rows::line(record)).map_err(failed)?;
            written += 1;
        }
        progress.succeeded(written);
    }
    let file = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(written)
}
