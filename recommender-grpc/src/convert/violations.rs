//! What is wrong with a request, field by field.

use tonic_types::FieldViolation;

use crate::status::Refusal;

/// Collects what is wrong with a request, so that a caller learns of all of it at once.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<FieldViolation>);

/// Violations listed of one request; a long list of the same mistake helps nobody.
const MOST: usize = 100;

impl Violations {
    /// Notes that `field` is wrong.
    pub(crate) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(FieldViolation::new(field, description));
        }
    }

    /// Notes that `field` is set, if it is, though this server would not honour it.
    pub(crate) fn refuse_if(&mut self, set: bool, field: &str) {
        if set {
            self.add(
                field,
                "expected nothing, as this service does not honour it; found a value",
            );
        }
    }

    /// Notes that there is too much of `field`, if there is.
    pub(crate) fn bound(&mut self, field: &str, found: usize, most: usize) {
        if found > most {
            self.add(field, format!("expected at most {most}, found {found}"));
        }
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes what is wrong with a message that stands in `field`.
    pub(crate) fn add_within(&mut self, field: &str, within: Self) {
        for violation in within.0 {
            let path = format!("{field}.{}", violation.field);
            self.add(path, violation.description);
        }
    }

    /// `value`, unless something was wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Refusal> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.into())
        }
    }

    /// `value`, unless something was wrong: then the fields.
    #[cfg(test)]
    pub(crate) fn fields_or<T>(self, value: T) -> Result<T, Vec<String>> {
        let fields = self.0.into_iter().map(|violation| violation.field);
        match fields.collect::<Vec<_>>() {
            fields if fields.is_empty() => Ok(value),
            fields => Err(fields),
        }
    }
}

impl From<Violations> for Refusal {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations.0)
    }
}
