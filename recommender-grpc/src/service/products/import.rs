//! Products from files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use recommender_core::Error;
use recommender_core::catalog::read::ProductReader;
use recommender_core::error::InputError;
use recommender_core::rows::{BadRows, Format};
use recommender_store::catalog::{Currency, ProductRecord};
use recommender_store::{Store, StoreError};

use super::Products;
use crate::convert::{Violations, product_rows};
use crate::operations::Progress;
use crate::proto::import_products_request::Source;
use crate::proto::longrunning::Operation;
use crate::proto::{ImportProductsRequest, ImportProductsResponse, ProductFormat, ProductRowError};
use crate::service::files::{Below, Chosen};
use crate::status::Refusal;

/// Products written at once.
const AT_ONCE: usize = 500;

/// Longest line, in bytes: a product is at most as long as a record of the store, and its names as many letters again.
const MAX_LINE: usize = 2 << 20;

/// Errors that are told; the others are counted.
const MOST_ERRORS: usize = 100;

/// How long to wait for a store that has too much to do.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

impl Products {
    pub(super) fn import(&self, request: ImportProductsRequest) -> Result<Operation, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let format = format(&request, &mut wrong);
        let currency = (!request.currency_code.is_empty()).then_some(request.currency_code);
        if let Some(code) = &currency
            && Currency::parse(code).is_none()
        {
            let expected = Currency::EXPECTED;
            wrong.add(
                "currency_code",
                format!("expected {expected}, found {code:?}"),
            );
        }
        wrong.or(())?;
        let input = self.input(request.source)?;
        let validate_only = request.validate_only;
        let work = move |progress: &Progress| {
            let mut taken = Taken {
                store: (!validate_only).then_some(&store),
                progress,
                waiting: Vec::new(),
                response: ImportProductsResponse::default(),
            };
            taken.read(input, format, currency.as_deref())?;
            taken.write()?;
            Ok(taken.response)
        };
        self.shop
            .operations
            .begin("ImportProducts", request.parent, work)
    }

    fn input(&self, source: Option<Source>) -> Result<Input, Refusal> {
        let path = match source {
            Some(Source::Path(path)) => path,
            Some(Source::Inline(content)) => return Ok(Input::Inline(content)),
            // A request without either was refused before.
            None => return Ok(Input::Inline(Vec::new())),
        };
        let chosen = Chosen {
            setting: "import_directory",
            directory: self.shop.rules.events.import_directory.as_deref(),
        };
        Below::new(&chosen, &path, "path").map(Input::File)
    }
}

/// Where the rows are.
enum Input {
    Inline(Vec<u8>),
    File(Below),
}

fn format(request: &ImportProductsRequest, wrong: &mut Violations) -> Format {
    let by_name = match &request.source {
        None => {
            wrong.add("source", "expected content or a path, found neither");
            return Format::Jsonl;
        }
        Some(Source::Inline(_)) => None,
        Some(Source::Path(path)) => {
            let format = Format::of_name(path);
            format.filter(|it| matches!(it, Format::Jsonl | Format::Csv | Format::Tsv))
        }
    };
    match ProductFormat::try_from(request.format) {
        Ok(ProductFormat::Jsonl) => Format::Jsonl,
        Ok(ProductFormat::Csv) => Format::Csv,
        Ok(ProductFormat::Tsv) => Format::Tsv,
        Ok(ProductFormat::Unspecified) => by_name.unwrap_or_else(|| {
            let expected = "expected a format, or a path that ends in .jsonl, .csv or .tsv";
            wrong.add("format", format!("{expected}; found neither"));
            Format::Jsonl
        }),
        Err(_) => {
            let found = request.format;
            wrong.add("format", format!("expected a ProductFormat, found {found}"));
            Format::Jsonl
        }
    }
}

/// What was taken in so far.
struct Taken<'a> {
    /// None if the rows are only checked.
    store: Option<&'a Store>,
    progress: &'a Progress,
    waiting: Vec<ProductRecord>,
    response: ImportProductsResponse,
}

impl Taken<'_> {
    fn read(
        &mut self,
        input: Input,
        format: Format,
        currency: Option<&str>,
    ) -> Result<(), Refusal> {
        self.progress.stage("reading products");
        match input {
            Input::Inline(content) => {
                self.read_rows(("the request", &mut &content[..]), format, currency)
            }
            Input::File(below) => {
                let path = below.existing()?;
                let failed = |error: io::Error| below.failed(&error);
                let file = open(&path).map_err(failed)?;
                let mut reader = BufReader::with_capacity(1 << 16, file);
                self.read_rows((below.path(), &mut reader), format, currency)
            }
        }
    }

    fn read_rows(
        &mut self,
        (origin, input): (&str, &mut dyn BufRead),
        format: Format,
        currency: Option<&str>,
    ) -> Result<(), Refusal> {
        if format == Format::Jsonl {
            return self.read_lines((origin, input), currency);
        }
        let reader = ProductReader::new(format).with_bad_rows(BadRows::Count);
        let (products, report) = reader.read(origin, input)?;
        self.response.row_count = count(report.rows);
        for bad in report.bad.values() {
            // Of the rows of one reason only the first few are known by their own words.
            let told = bad.examples.len() as u64;
            bad.examples.iter().for_each(|said| self.failed(0, said));
            self.response.failure_count += count(bad.rows.saturating_sub(told));
        }
        for product in products {
            let record = product_rows::priced(product, currency);
            self.take(0, record)?;
        }
        Ok(())
    }

    fn read_lines(
        &mut self,
        (origin, input): (&str, &mut dyn BufRead),
        currency: Option<&str>,
    ) -> Result<(), Refusal> {
        let unreadable = |error: io::Error| {
            Error::from(InputError::new(
                origin,
                "a file that can be read",
                error.to_string(),
            ))
        };
        let mut line = Vec::new();
        for row in 1.. {
            line.clear();
            let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
            let read = (&mut *input).take(most).read_until(b'\n', &mut line);
            if read.map_err(unreadable)? == 0 {
                break;
            }
            if line.len() == MAX_LINE && !line.ends_with(b"\n") {
                skip_line(input).map_err(unreadable)?;
                self.response.row_count += 1;
                self.failed(
                    row,
                    &format!("expected a line of less than {MAX_LINE} bytes"),
                );
                continue;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.response.row_count += 1;
            let record = product_rows::record(&line, currency);
            self.take(row, record)?;
        }
        Ok(())
    }

    fn take(&mut self, row: i64, record: Result<ProductRecord, String>) -> Result<(), Refusal> {
        if self.progress.is_cancelled() {
            return Err(Error::Cancelled.into());
        }
        match record {
            Ok(record) => self.waiting.push(record),
            Err(said) => self.failed(row, &said),
        }
        if self.waiting.len() == AT_ONCE {
            self.write()?;
        }
        Ok(())
    }

    fn failed(&mut self, row: i64, said: &str) {
        self.response.failure_count += 1;
        let failures = self.response.failure_count.unsigned_abs();
        self.progress.failed(failures);
        if self.response.errors.len() < MOST_ERRORS {
            let status = tonic_types::Status {
                code: tonic::Code::InvalidArgument.into(),
                message: said.to_owned(),
                details: Vec::new(),
            };
            self.response.errors.push(ProductRowError {
                row,
                status: Some(status),
            });
        }
    }

    /// Writes what waits to be written.
    fn write(&mut self) -> Result<(), Refusal> {
        let records = std::mem::take(&mut self.waiting);
        if let Some(store) = self.store {
            put(store, &records, self.progress)?;
        }
        self.response.success_count += count(records.len() as u64);
        let written = self.response.success_count.unsigned_abs();
        self.progress.succeeded(written);
        Ok(())
    }
}

/// Writes products, and waits for a store that has too much to do.
fn put(store: &Store, records: &[ProductRecord], progress: &Progress) -> Result<(), Refusal> {
    loop {
        match store.put_products(records).and_then(|write| write.wait()) {
            Ok(()) => return Ok(()),
            Err(StoreError::Busy { .. }) if !progress.is_cancelled() => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// Reads on to the end of a line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let (length, found) = {
            let buffer = input.fill_buf()?;
            match buffer.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            }
        };
        input.consume(length);
        if found {
            return Ok(());
        }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
