//! The columns a plan asks a source for.

use crate::error::Result;
use crate::rows::{Presence, RowSource, Wanted};

/// Columns asked for so far, each once.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<Wanted>);

/// What a source said about the columns asked for.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The name of each slot's column, as the file writes it where it exists.
    pub(crate) names: Vec<String>,
    /// Whether the column exists.
    pub(crate) exists: Vec<bool>,
}

impl Slots {
    /// The slot of a column that must exist.
    pub(crate) fn required(&mut self, name: &str) -> usize {
        self.slot(vec![name.into()], Presence::Required)
    }

    /// The slot of a field: of `column` if the map names it, which must then exist, none if the map says `""`,
    /// else of the first of `defaults` that exists.
    pub(crate) fn field(
        &mut self,
        column: Option<&str>,
        defaults: &[&str],
        presence: Presence,
    ) -> Option<usize> {
        match column {
            Some("") => None,
            Some(column) => Some(self.required(column)),
            None => {
                let names = defaults.iter().map(|&name| name.into()).collect();
                Some(self.slot(names, presence))
            }
        }
    }

    fn slot(&mut self, names: Vec<String>, presence: Presence) -> usize {
        let known = self.0.iter().position(|wanted| wanted.names == names);
        if let Some(slot) = known {
            if presence == Presence::Required {
                self.0[slot].presence = presence;
            }
            return slot;
        }
        self.0.push(Wanted { names, presence });
        self.0.len() - 1
    }

    /// Asks `source` for them.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if a required column does not exist.
    pub(crate) fn bind(self, source: &mut dyn RowSource) -> Result<Bound> {
        let found = source.bind(&self.0)?;
        let exists = found.iter().map(Option::is_some).collect();
        let names = found
            .into_iter()
            .zip(&self.0)
            .map(|(name, wanted)| name.unwrap_or_else(|| wanted.label().to_owned()));
        Ok(Bound {
            names: names.collect(),
            exists,
        })
    }
}
