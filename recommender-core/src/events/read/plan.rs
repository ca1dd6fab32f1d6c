//! An [`EventMap`] bound to the columns of one file: turns the current row into an event.

use rustc_hash::FxHashMap;

use crate::error::{InputError, Result};
use crate::events::read::{EventField, EventMap, QuantityChange, attributes};
use crate::events::{Consent, Event, EventKind, WrongField};
use crate::rows::{Cell, CompiledRule, Presence, RowSource, Slots};

/// What became of a row, short of being bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The event stands ready.
    Event,
    /// The rule of this number leaves it out.
    Dropped(usize),
}

/// A map bound to the columns of one file.
#[derive(Debug)]
pub(super) struct Plan<'m> {
    map: &'m EventMap,
    origin: String,
    /// The name of each slot's column, as the file writes it.
    names: Vec<String>,
    slots: [Option<usize>; EventField::ALL.len()],
    anonymous: Option<usize>,
    drop: Vec<CompiledRule>,
    set: Vec<CompiledRule>,
    kinds: FxHashMap<String, EventKind>,
    /// Whether the rows so far had times; all must have one or none.
    timed: Option<bool>,
    scratch: String,
}

impl<'m> Plan<'m> {
    /// Binds `map` to the columns of `source`.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a column the map names, or one that is needed, does not exist.
    pub(super) fn bind(
        map: &'m EventMap,
        origin: &str,
        source: &mut dyn RowSource,
    ) -> Result<Self> {
        let mut wanted = Slots::default();
        let mut slots = EventField::ALL.map(|field| field_slot(map, field, &mut wanted));
        let anonymous = map.anonymous.as_ref();
        let anonymous = anonymous.map(|anonymous| wanted.required(&anonymous.column));
        let drop = map.drop.iter().map(|rule| {
            CompiledRule::new(&rule.when, &rule.unless, |column| wanted.required(column))
        });
        let drop = drop.collect();
        let set = map.set.iter().map(|rule| {
            CompiledRule::new(&rule.when, &rule.unless, |column| wanted.required(column))
        });
        let set = set.collect();
        let bound = wanted.bind(source)?;
        for slot in &mut slots {
            *slot = slot.filter(|&slot| bound.exists[slot]);
        }
        let kinds = map.kinds.clone().into_iter().collect();
        Ok(Self {
            map,
            origin: origin.into(),
            names: bound.names,
            slots,
            anonymous,
            drop,
            set,
            kinds,
            timed: None,
            scratch: String::new(),
        })
    }

    /// Turns the current row of `source` into `event`, whose buffers are used again.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub(super) fn read(
        &mut self,
        source: &dyn RowSource,
        event: &mut Event,
    ) -> Result<Reading, InputError> {
        for number in 0..self.drop.len() {
            let applies = self.drop[number].applies(source, &mut self.scratch);
            if applies.map_err(|slot| self.no_number(source, slot.0))? {
                return Ok(Reading::Dropped(number));
            }
        }
        self.read_keys(source, event)?;
        self.read_kind(source, event)?;
        self.read_channel(source, event)?;
        self.read_time(source, event)?;
        self.read_numbers(source, event)?;
        self.read_consent(source, event)?;
        self.read_attributes(source, event)?;
        self.change(source, event)?;
        if event.quantity > 0.0 {
            return Ok(Reading::Event);
        }
        Err(self.wrong(source, EventField::Quantity, "a number above 0"))
    }

    fn cell<'s>(&self, source: &'s dyn RowSource, field: EventField) -> Cell<'s> {
        match self.slots[field as usize] {
            Some(slot) => source.cell(slot),
            None => Cell::Missing,
        }
    }

    fn read_keys(&mut self, source: &dyn RowSource, event: &mut Event) -> Result<(), InputError> {
        self.read_visitor(source, event)?;
        self.key(source, EventField::Item, &mut event.item)?;
        if let Some(item) = &mut event.item {
            self.map.item_case.apply(item);
        }
        self.key(source, EventField::Id, &mut event.id)?;
        self.key(source, EventField::Session, &mut event.session)?;
        self.key(source, EventField::Place, &mut event.place)?;
        if event.place.is_none() && self.map.constants.place.is_some() {
            event.place.clone_from(&self.map.constants.place);
        }
        Ok(())
    }

    fn read_visitor(
        &mut self,
        source: &dyn RowSource,
        event: &mut Event,
    ) -> Result<(), InputError> {
        event.visitor.clear();
        let cell = self.cell(source, EventField::Visitor);
        if let Some(text) = cell.text(&mut self.scratch) {
            event.visitor.push_str(text);
            return Ok(());
        }
        if let (Some(slot), Some(anonymous)) = (self.anonymous, &self.map.anonymous)
            && let Some(text) = source.cell(slot).text(&mut self.scratch)
        {
            event.visitor.push_str(&anonymous.prefix);
            event.visitor.push_str(text);
            return Ok(());
        }
        Err(self.wrong(source, EventField::Visitor, "the key of a visitor"))
    }

    /// Writes the text of a field into `target`, keeping its buffer.
    fn key(
        &mut self,
        source: &dyn RowSource,
        field: EventField,
        target: &mut Option<String>,
    ) -> Result<(), InputError> {
        let cell = self.cell(source, field);
        if matches!(cell, Cell::Unreadable(_) | Cell::Object(_)) {
            return Err(self.wrong(source, field, "a key in UTF-8"));
        }
        match cell.text(&mut self.scratch) {
            None => *target = None,
            Some(text) => match target {
                Some(target) => {
                    target.clear();
                    target.push_str(text);
                }
                None => *target = Some(text.to_owned()),
            },
        }
        Ok(())
    }

    fn read_kind(&mut self, source: &dyn RowSource, event: &mut Event) -> Result<(), InputError> {
        let cell = self.cell(source, EventField::Kind);
        if let Some(text) = cell.text(&mut self.scratch) {
            if let Some(kind) = self.kinds.get(text) {
                event.kind.clone_from(kind);
                return Ok(());
            }
            let text = text.to_owned();
            return match text.parse::<EventKind>() {
                Ok(kind) => {
                    event.kind = kind.clone();
                    self.kinds.insert(text, kind);
                    Ok(())
                }
                Err(expected) => Err(self.wrong(source, EventField::Kind, &expected)),
            };
        }
        let constant = self.map.constants.kind.as_ref();
        if constant.is_none() && self.states(source, EventField::Kind) {
            return Err(self.wrong(source, EventField::Kind, "a kind of event"));
        }
        let has_rating = self.cell(source, EventField::Rating) != Cell::Missing;
        let default = if has_rating {
            &EventKind::Rating
        } else {
            &EventKind::Purchase
        };
        event.kind.clone_from(constant.unwrap_or(default));
        Ok(())
    }

    fn read_channel(
        &mut self,
        source: &dyn RowSource,
        event: &mut Event,
    ) -> Result<(), InputError> {
        event.channel = self.map.constants.channel;
        let cell = self.cell(source, EventField::Channel);
        if let Some(text) = cell.text(&mut self.scratch) {
            let known = self.map.channels.get(text).copied();
            match known.map_or_else(|| text.parse(), Ok) {
                Ok(channel) => event.channel = Some(channel),
                Err(expected) => return Err(self.wrong(source, EventField::Channel, &expected)),
            }
        }
        Ok(())
    }

    fn read_time(&mut self, source: &dyn RowSource, event: &mut Event) -> Result<(), InputError> {
        let states = self.states(source, EventField::Time);
        event.time = self
            .map
            .time_format
            .read(self.cell(source, EventField::Time));
        let needed = states || self.map.needs_times() || self.timed == Some(true);
        if event.time.is_none() && needed {
            let expected = self.map.time_format.expected();
            return Err(self.wrong(source, EventField::Time, &expected));
        }
        if event.time.is_some() && self.timed == Some(false) {
            let expected = "no time, as in the rows before";
            return Err(self.wrong(source, EventField::Time, expected));
        }
        self.timed = Some(event.time.is_some());
        Ok(())
    }

    /// Whether the current row has a column for the field, be it empty.
    fn states(&self, source: &dyn RowSource, field: EventField) -> bool {
        self.slots[field as usize].is_some_and(|slot| source.has(slot))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "quantities and ratings need no more than 24 bits; one past them is refused as infinite"
    )]
    fn read_numbers(
        &mut self,
        source: &dyn RowSource,
        event: &mut Event,
    ) -> Result<(), InputError> {
        let single = |number: f64| (number as f32).is_finite();
        let quantity = self.number(source, EventField::Quantity, "a finite number", single)?;
        event.quantity = quantity.map_or(1.0, |quantity| quantity as f32);
        let rating = self.number(source, EventField::Rating, "a finite number", single)?;
        event.rating = rating.map(|rating| rating as f32);
        let expected = "a finite number of at least 0";
        event.price = self.number(source, EventField::Price, expected, |price| {
            single(price) && price >= 0.0
        })?;
        Ok(())
    }

    fn number(
        &self,
        source: &dyn RowSource,
        field: EventField,
        expected: &str,
        accepts: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, InputError> {
        let cell = self.cell(source, field);
        if cell == Cell::Missing {
            return Ok(None);
        }
        match cell.number().filter(|&number| accepts(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(source, field, expected)),
        }
    }

    fn read_consent(
        &mut self,
        source: &dyn RowSource,
        event: &mut Event,
    ) -> Result<(), InputError> {
        let cell = self.cell(source, EventField::Consent);
        event.consent = match cell.text(&mut self.scratch) {
            None if cell == Cell::Missing => Consent::Unspecified,
            Some("unspecified") => Consent::Unspecified,
            Some("granted" | "true" | "1" | "yes") => Consent::Granted,
            Some("denied" | "false" | "0" | "no") => Consent::Denied,
            _ => {
                let expected = "granted, denied, unspecified, true, false, yes, no, 1 or 0";
                return Err(self.wrong(source, EventField::Consent, expected));
            }
        };
        Ok(())
    }

    fn read_attributes(&self, source: &dyn RowSource, event: &mut Event) -> Result<(), InputError> {
        event.attributes.clear();
        let cell = self.cell(source, EventField::Attributes);
        attributes::read(cell, &mut event.attributes)
            .map_err(|expected| self.wrong(source, EventField::Attributes, expected))
    }

    fn change(&mut self, source: &dyn RowSource, event: &mut Event) -> Result<(), InputError> {
        for number in 0..self.set.len() {
            let applies = self.set[number].applies(source, &mut self.scratch);
            if !applies.map_err(|slot| self.no_number(source, slot.0))? {
                continue;
            }
            let rule = &self.map.set[number];
            if let Some(kind) = &rule.kind {
                event.kind.clone_from(kind);
            }
            event.channel = rule.channel.or(event.channel);
            if rule.quantity == Some(QuantityChange::Absolute) {
                event.quantity = event.quantity.abs();
            }
        }
        Ok(())
    }

    fn wrong(&self, source: &dyn RowSource, field: EventField, expected: &str) -> InputError {
        let slot = self.slots[field as usize];
        let name = slot.map_or(field.name(), |slot| &self.names[slot]);
        self.error(source, expected, self.cell(source, field))
            .in_field(name)
    }

    /// The error for an event that its sink can't use.
    pub(super) fn refused(&self, source: &dyn RowSource, wrong: WrongField) -> InputError {
        let slot = self.slots[wrong.field as usize];
        let name = slot.map_or(wrong.field.name(), |slot| &self.names[slot]);
        InputError::new(&self.origin, wrong.expected, wrong.found)
            .at_row(source.row())
            .in_field(name)
    }

    fn no_number(&self, source: &dyn RowSource, slot: usize) -> InputError {
        self.error(source, "a number", source.cell(slot))
            .in_field(&self.names[slot])
    }

    fn error(&self, source: &dyn RowSource, expected: &str, found: Cell<'_>) -> InputError {
        InputError::new(&self.origin, expected, found.shown()).at_row(source.row())
    }
}

/// The slot of a field's column, none if the map says that there is none.
fn field_slot(map: &EventMap, field: EventField, wanted: &mut Slots) -> Option<usize> {
    let needed = match field {
        EventField::Visitor => map.anonymous.is_none(),
        EventField::Item => true,
        EventField::Time => map.needs_times(),
        EventField::Id
        | EventField::Kind
        | EventField::Channel
        | EventField::Place
        | EventField::Quantity
        | EventField::Price
        | EventField::Session
        | EventField::Rating
        | EventField::Consent
        | EventField::Attributes => false,
    };
    let presence = if needed {
        Presence::Required
    } else {
        Presence::Optional
    };
    let column = map.columns.get(&field).map(String::as_str);
    wanted.field(column, field.default_columns(), presence)
}
