//! Reading products from files of any format: a catalogue, or order lines that mention products.

mod map;
mod merge;

pub use map::{ProductField, ProductMap};

use std::io::Read;

use bytes::Bytes;

use crate::catalog::read::merge::Merged;
use crate::catalog::{AttributeValue, Product};
use crate::error::{Error, InputError, Result};
use crate::rows::{
    BadRows, Cell, CompiledRule, Format, Input, LIST_SEPARATOR, Presence, ReadReport, RowSource,
    Slots, Step, Tally, open,
};
use crate::time::Timestamp;

/// Reads products of one format, by one map.
///
/// Where a key comes many times, as in a catalogue read from order lines, the product has the most frequent non-empty
/// title and description (of several, the first that came), the latest price, and the last non-empty value of
/// everything else. Products come in order of first appearance.
///
/// ```
/// use recommender_core::catalog::read::ProductReader;
/// use recommender_core::rows::Format;
/// let csv = "item,title,category,price\ncup,Blue cup,Kitchen > Cups,2.5\n";
/// let (products, report) = ProductReader::new(Format::Csv).read("products.csv", csv.as_bytes())?;
/// assert_eq!(products[0].categories, [["Kitchen", "Cups"]]);
/// assert_eq!(report.kept, 1);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProductReader {
    format: Format,
    map: ProductMap,
    bad_rows: BadRows,
    before: Option<Timestamp>,
}

impl ProductReader {
    /// A reader that expects canonical column names and refuses bad rows.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            map: ProductMap::default(),
            bad_rows: BadRows::default(),
            before: None,
        }
    }

    /// Reads columns by `map`.
    #[must_use]
    pub fn with_map(mut self, map: ProductMap) -> Self {
        self.map = map;
        self
    }

    /// Treats rows that can't be understood as `bad_rows` says.
    #[must_use]
    pub fn with_bad_rows(mut self, bad_rows: BadRows) -> Self {
        self.bad_rows = bad_rows;
        self
    }

    /// Leaves out rows of `time` and later, counted as dropped: what a model may know that is tested on what came
    /// after. The file must then have a column of times.
    #[must_use]
    pub fn before(mut self, time: Timestamp) -> Self {
        self.before = Some(time);
        self
    }

    /// Reads all of `input`; `origin` names it in errors. Gzip and a byte-order mark are taken off.
    ///
    /// # Errors
    /// [`Error::Input`] if the input can't be read, lacks a column, or has a bad row where those are refused.
    /// [`Error::Config`] if the map is wrong.
    pub fn read(&self, origin: &str, input: impl Read) -> Result<(Vec<Product>, ReadReport)> {
        self.read_input(origin, Input::Stream(Box::new(input)))
    }

    /// As [`ProductReader::read`], from memory.
    ///
    /// # Errors
    /// As [`ProductReader::read`].
    pub fn read_bytes(&self, origin: &str, bytes: Bytes) -> Result<(Vec<Product>, ReadReport)> {
        self.read_input(origin, Input::Bytes(bytes))
    }

    fn read_input(&self, origin: &str, input: Input<'_>) -> Result<(Vec<Product>, ReadReport)> {
        self.map.validate()?;
        if !self.format.names_columns() {
            let expected = "csv, tsv, jsonl or parquet for products";
            return Err(Error::config("format", expected, self.format));
        }
        let mut source = open(self.format, &self.map.layout, origin, input)?;
        let mut plan = Plan::bind(self, origin, &mut *source)?;
        let reasons = self.map.drop.iter().map(|rule| rule.reason.clone());
        let late = self.before.map(|_| TOO_LATE.to_owned());
        let mut tally = Tally::new(self.bad_rows, reasons.chain(late));
        let mut merged = Merged::default();
        loop {
            let row = match source.advance()? {
                Step::End => break,
                Step::Row => plan.read(&*source),
                Step::Bad(error) => Err(error),
            };
            tally.report.rows += 1;
            match row {
                Ok(Reading::Product(product, time)) => {
                    merged.add(&product, time);
                    tally.report.kept += 1;
                }
                Ok(Reading::Dropped(rule)) => tally.drop_row(rule),
                Err(error) => tally.bad_row(error)?,
            }
        }
        source.finish()?;
        Ok((merged.finish(), tally.finish()))
    }
}

/// The reason under which rows are counted that [`ProductReader::before`] leaves out.
const TOO_LATE: &str = "not before the given time";

enum Reading {
    Product(Box<Product>, Option<Timestamp>),
    Dropped(usize),
}

/// A map bound to the columns of one file.
struct Plan<'m> {
    map: &'m ProductMap,
    before: Option<Timestamp>,
    origin: String,
    names: Vec<String>,
    slots: [Option<usize>; ProductField::ALL.len()],
    levels: Vec<usize>,
    attributes: Vec<(&'m str, usize)>,
    drop: Vec<CompiledRule>,
    scratch: String,
}

impl<'m> Plan<'m> {
    fn bind(reader: &'m ProductReader, origin: &str, source: &mut dyn RowSource) -> Result<Self> {
        let map = &reader.map;
        let mut wanted = Slots::default();
        let slots = ProductField::ALL.map(|field| {
            let needed = field == ProductField::Key
                || (field == ProductField::Time && reader.before.is_some());
            let presence = if needed {
                Presence::Required
            } else {
                Presence::Optional
            };
            let column = map.columns.get(&field).map(String::as_str);
            wanted.field(column, field.default_columns(), presence)
        });
        let levels = map.category_levels.iter();
        let levels = levels.map(|column| wanted.required(column)).collect();
        let attributes = map.attributes.iter();
        let attributes = attributes.map(|(name, column)| (name.as_str(), wanted.required(column)));
        let attributes = attributes.collect();
        let drop = map.drop.iter();
        let drop = drop.map(|rule| {
            CompiledRule::new(&rule.when, &rule.unless, |column| wanted.required(column))
        });
        let drop = drop.collect();
        let names = wanted.bind(source)?.names;
        Ok(Self {
            map,
            before: reader.before,
            origin: origin.into(),
            names,
            slots,
            levels,
            attributes,
            drop,
            scratch: String::new(),
        })
    }

    fn read(&mut self, source: &dyn RowSource) -> Result<Reading, InputError> {
        for number in 0..self.drop.len() {
            let applies = self.drop[number].applies(source, &mut self.scratch);
            if applies.map_err(|slot| self.wrong(source, slot.0, "a number"))? {
                return Ok(Reading::Dropped(number));
            }
        }
        let time = self.time(source)?;
        if self.before.is_some() && time >= self.before {
            return Ok(Reading::Dropped(self.drop.len()));
        }
        let mut product = Product {
            key: self.text(source, ProductField::Key)?,
            title: self.text(source, ProductField::Title)?,
            description: self.text(source, ProductField::Description)?,
            brand: Some(self.text(source, ProductField::Brand)?).filter(|brand| !brand.is_empty()),
            price: self.price(source)?,
            ..Product::default()
        };
        if product.key.is_empty() {
            let slot = self.slots[ProductField::Key as usize].unwrap_or_default();
            return Err(self.wrong(source, slot, "the key of a product"));
        }
        self.map.key_case.apply(&mut product.key);
        let tags = self.text(source, ProductField::Tags)?;
        product.tags = split(&tags, &self.map.list_separator)
            .map(str::to_owned)
            .collect();
        product.categories = self.categories(source)?;
        self.read_attributes(source, &mut product)?;
        Ok(Reading::Product(Box::new(product), time))
    }

    fn cell<'s>(&self, source: &'s dyn RowSource, field: ProductField) -> Cell<'s> {
        match self.slots[field as usize] {
            Some(slot) => source.cell(slot),
            None => Cell::Missing,
        }
    }

    fn text(&mut self, source: &dyn RowSource, field: ProductField) -> Result<String, InputError> {
        match self.slots[field as usize] {
            Some(slot) => self.slot_text(source, slot),
            None => Ok(String::new()),
        }
    }

    fn slot_text(&mut self, source: &dyn RowSource, slot: usize) -> Result<String, InputError> {
        let cell = source.cell(slot);
        if matches!(cell, Cell::Unreadable(_) | Cell::Object(_)) {
            return Err(self.wrong(source, slot, "text in UTF-8"));
        }
        Ok(cell.text(&mut self.scratch).unwrap_or_default().to_owned())
    }

    fn time(&self, source: &dyn RowSource) -> Result<Option<Timestamp>, InputError> {
        let Some(slot) = self.slots[ProductField::Time as usize] else {
            return Ok(None);
        };
        let cell = source.cell(slot);
        let time = self.map.time_format.read(cell);
        if time.is_none() && (cell != Cell::Missing || self.before.is_some()) {
            return Err(self.wrong(source, slot, &self.map.time_format.expected()));
        }
        Ok(time)
    }

    fn price(&self, source: &dyn RowSource) -> Result<Option<f64>, InputError> {
        let cell = self.cell(source, ProductField::Price);
        if cell == Cell::Missing {
            return Ok(None);
        }
        let price = cell
            .number()
            .filter(|price| price.is_finite() && *price >= 0.0);
        match price {
            Some(price) => Ok(Some(price)),
            None => {
                let slot = self.slots[ProductField::Price as usize].unwrap_or_default();
                Err(self.wrong(source, slot, "a finite number of at least 0"))
            }
        }
    }

    fn categories(&mut self, source: &dyn RowSource) -> Result<Vec<Vec<String>>, InputError> {
        let text = self.text(source, ProductField::Categories)?;
        let mut paths: Vec<Vec<String>> = split(&text, &self.map.list_separator)
            .map(|path| {
                split(path, &self.map.level_separator)
                    .map(str::to_owned)
                    .collect()
            })
            .collect();
        let mut levels = Vec::with_capacity(self.levels.len());
        for number in 0..self.levels.len() {
            let level = self.slot_text(source, self.levels[number])?;
            if level.is_empty() {
                break;
            }
            levels.push(level);
        }
        if !levels.is_empty() {
            paths.push(levels);
        }
        Ok(paths)
    }

    fn read_attributes(
        &mut self,
        source: &dyn RowSource,
        product: &mut Product,
    ) -> Result<(), InputError> {
        for number in 0..self.attributes.len() {
            let (name, slot) = self.attributes[number];
            let value = match source.cell(slot) {
                Cell::Integer(number) => Some(AttributeValue::Number(number as f64)),
                Cell::Number(number) if number.is_finite() => Some(AttributeValue::Number(number)),
                Cell::Number(_) => return Err(self.wrong(source, slot, "a finite number")),
                Cell::Missing
                | Cell::Text(_)
                | Cell::Time(_)
                | Cell::Object(_)
                | Cell::Unreadable(_) => attribute(self.slot_text(source, slot)?),
            };
            if let Some(value) = value {
                product.attributes.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    fn wrong(&self, source: &dyn RowSource, slot: usize, expected: &str) -> InputError {
        let found = source.cell(slot).shown();
        InputError::new(&self.origin, expected, found)
            .at_row(source.row())
            .in_field(&self.names[slot])
    }
}

/// A text that is a finite number is one; an empty text is nothing.
fn attribute(text: String) -> Option<AttributeValue> {
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    Some(number.map_or(AttributeValue::Text(text), AttributeValue::Number))
}

/// The parts of a list without blanks around them; lists of JSON are split as well.
fn split<'t>(text: &'t str, separator: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(LIST_SEPARATOR)
        .flat_map(move |part| part.split(separator))
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
