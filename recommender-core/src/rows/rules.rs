//! Rules that leave rows out or change them, as settings.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rows::{Cell, RowSource};

/// A test of one column. Every test that is set must hold; at least one must be set.
///
/// | field | holds if the cell |
/// |---|---|
/// | `one_of` | is exactly one of these texts |
/// | `starts_with` | starts with this text |
/// | `empty` | is empty (`true`) or not (`false`) |
/// | `less_than` | is a number below this |
/// | `at_most` | is a number not above this |
/// | `at_least` | is a number not below this |
///
/// An empty cell is no number: only `empty = true` holds for it. A cell that should be a number and is none makes
/// the row a bad one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The column that is tested.
    pub column: String,
    /// Texts, one of which the cell must be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// What the cell must start with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// Whether the cell must be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
    /// What the cell must be below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub less_than: Option<f64>,
    /// What the cell must not be above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// What the cell must not be below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

/// Leaves out the rows for which all of `when` and none of `unless` hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropRule {
    /// Under which the rows are counted in the report.
    pub reason: String,
    /// Conditions that must all hold.
    pub when: Vec<Condition>,
    /// Conditions of which none may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Condition>,
}

impl DropRule {
    /// Checks that there is a reason and that every condition tests something.
    ///
    /// # Errors
    /// [`Error::Config`] naming the rule by `field`.
    pub(crate) fn validate(&self, field: &str) -> Result<()> {
        if self.reason.is_empty() {
            return Err(Error::config(format!("{field}.reason"), "a text", "none"));
        }
        validate_conditions(field, &self.when, &self.unless)
    }
}

/// Checks the conditions of the rule `field`.
///
/// # Errors
/// [`Error::Config`] if `when` is empty or a condition lacks its column or its test.
pub(crate) fn validate_conditions(
    field: &str,
    when: &[Condition],
    unless: &[Condition],
) -> Result<()> {
    if when.is_empty() {
        return Err(Error::config(
            format!("{field}.when"),
            "at least one condition",
            "none",
        ));
    }
    for condition in when.iter().chain(unless) {
        condition.validate(field)?;
    }
    Ok(())
}

impl Condition {
    fn validate(&self, field: &str) -> Result<()> {
        if self.column.is_empty() {
            return Err(Error::config(
                format!("{field}.when.column"),
                "the name of a column",
                "none",
            ));
        }
        if !self.tests_text() && !self.tests_number() && self.empty.is_none() {
            return Err(Error::config(
                format!("{field}.when"),
                "one of one_of, starts_with, empty, less_than, at_most, at_least",
                format!("only the column \"{}\"", self.column),
            ));
        }
        let numbers = [self.less_than, self.at_most, self.at_least];
        match numbers.into_iter().flatten().find(|bound| bound.is_nan()) {
            Some(bound) => Err(Error::config(format!("{field}.when"), "a number", bound)),
            None => Ok(()),
        }
    }

    fn tests_text(&self) -> bool {
        !self.one_of.is_empty() || self.starts_with.is_some()
    }

    fn tests_number(&self) -> bool {
        self.less_than.is_some() || self.at_most.is_some() || self.at_least.is_some()
    }
}

/// Conditions bound to the slots of a source.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    when: Vec<CompiledCondition>,
    unless: Vec<CompiledCondition>,
}

#[derive(Debug)]
struct CompiledCondition {
    slot: usize,
    one_of: FxHashSet<String>,
    condition: Condition,
}

/// A cell that should have been a number: its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoNumber(pub(crate) usize);

impl CompiledRule {
    /// Binds conditions with `slot_of`, which gives the slot of a column.
    pub(crate) fn new(
        when: &[Condition],
        unless: &[Condition],
        mut slot_of: impl FnMut(&str) -> usize,
    ) -> Self {
        let mut compile = |conditions: &[Condition]| {
            let compiled = conditions.iter().map(|condition| CompiledCondition {
                slot: slot_of(&condition.column),
                one_of: condition.one_of.iter().cloned().collect(),
                condition: condition.clone(),
            });
            compiled.collect()
        };
        Self {
            when: compile(when),
            unless: compile(unless),
        }
    }

    /// Whether the rule applies to the current row.
    ///
    /// # Errors
    /// [`NoNumber`] if a cell that should be a number is none.
    pub(crate) fn applies(
        &self,
        source: &dyn RowSource,
        scratch: &mut String,
    ) -> Result<bool, NoNumber> {
        for condition in &self.when {
            if !condition.holds(source, scratch)? {
                return Ok(false);
            }
        }
        for condition in &self.unless {
            if condition.holds(source, scratch)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl CompiledCondition {
    fn holds(&self, source: &dyn RowSource, scratch: &mut String) -> Result<bool, NoNumber> {
        let cell = source.cell(self.slot);
        let condition = &self.condition;
        let is_empty = cell == Cell::Missing;
        if condition.empty.is_some_and(|empty| empty != is_empty) {
            return Ok(false);
        }
        if is_empty {
            return Ok(condition.empty.is_some());
        }
        if condition.tests_number() && !self.number_holds(cell)? {
            return Ok(false);
        }
        Ok(!condition.tests_text() || self.text_holds(cell, scratch))
    }

    fn number_holds(&self, cell: Cell<'_>) -> Result<bool, NoNumber> {
        let number = cell.number().ok_or(NoNumber(self.slot))?;
        let condition = &self.condition;
        Ok(condition.less_than.is_none_or(|bound| number < bound)
            && condition.at_most.is_none_or(|bound| number <= bound)
            && condition.at_least.is_none_or(|bound| number >= bound))
    }

    fn text_holds(&self, cell: Cell<'_>, scratch: &mut String) -> bool {
        let Some(text) = cell.text(scratch) else {
            return false;
        };
        let start = self.condition.starts_with.as_ref();
        start.is_none_or(|start| text.starts_with(start))
            && (self.one_of.is_empty() || self.one_of.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Step, Wanted};

    #[derive(Debug)]
    struct One(Cell<'static>);

    impl RowSource for One {
        fn bind(&mut self, _: &[Wanted]) -> Result<Vec<Option<String>>> {
            Ok(vec![])
        }
        fn advance(&mut self) -> Result<Step> {
            Ok(Step::End)
        }
        fn cell(&self, _: usize) -> Cell<'_> {
            self.0
        }
        fn row(&self) -> u64 {
            1
        }
    }

    fn holds(cell: Cell<'static>, condition: Condition) -> Result<bool, NoNumber> {
        CompiledRule::new(&[condition], &[], |_| 0).applies(&One(cell), &mut String::new())
    }

    #[test]
    fn conditions_test_texts_numbers_and_emptiness() {
        let one_of = || Condition {
            one_of: vec!["POST".into(), "22".into()],
            ..Condition::default()
        };
        assert_eq!(holds(Cell::Text("POST"), one_of()), Ok(true));
        assert_eq!(holds(Cell::Text("POSTER"), one_of()), Ok(false));
        assert_eq!(holds(Cell::Integer(22), one_of()), Ok(true));
        assert_eq!(holds(Cell::Missing, one_of()), Ok(false));
        let below = || Condition {
            less_than: Some(0.0),
            ..Condition::default()
        };
        assert_eq!(holds(Cell::Text("-2"), below()), Ok(true));
        assert_eq!(holds(Cell::Integer(0), below()), Ok(false));
        assert_eq!(holds(Cell::Text("many"), below()), Err(NoNumber(0)));
        let empty = || Condition {
            empty: Some(true),
            ..Condition::default()
        };
        assert_eq!(holds(Cell::Missing, empty()), Ok(true));
        assert_eq!(holds(Cell::Text("x"), empty()), Ok(false));
    }

    #[test]
    fn unless_holds_a_rule_back() {
        let gift = Condition {
            starts_with: Some("gift_".into()),
            ..Condition::default()
        };
        let exact = Condition {
            one_of: vec!["gift_wrap".into()],
            ..Condition::default()
        };
        let rule = CompiledRule::new(&[gift], &[exact], |_| 0);
        let applies = |text| rule.applies(&One(Cell::Text(text)), &mut String::new()) == Ok(true);
        assert!(applies("gift_card"));
        assert!(!applies("gift_wrap"));
    }

    #[test]
    fn a_rule_without_reason_or_test_is_refused() {
        let rule = |reason: &str, condition| DropRule {
            reason: reason.into(),
            when: vec![condition],
            unless: vec![],
        };
        let tests_nothing = Condition {
            column: "a".into(),
            ..Condition::default()
        };
        assert!(rule("r", tests_nothing.clone()).validate("drop").is_err());
        let good = Condition {
            empty: Some(true),
            ..tests_nothing
        };
        assert!(rule("", good.clone()).validate("drop").is_err());
        assert!(rule("r", good).validate("drop").is_ok());
    }
}
