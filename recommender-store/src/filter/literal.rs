//! Values as they are written, by the sort of their field.

use recommender_core::events::Channel;

use crate::catalog::Availability;
use crate::filter::field::{Sort, availability_name};
use crate::filter::time;
use crate::filter::value::{LEVELS, Value, amount, number};

/// What a message says a field of a sort expects.
pub(super) fn expected(sort: Sort) -> String {
    match sort {
        Sort::Text => "a text".to_owned(),
        Sort::Path => "a category, or several one below the other as in \"a > b\"".to_owned(),
        Sort::Number => "a number".to_owned(),
        Sort::Amount => "an amount with at most 18 digits before and 9 after the point".to_owned(),
        Sort::Boolean => "true or false".to_owned(),
        Sort::Time => "a time such as 2026-01-31T12:00:00Z".to_owned(),
        Sort::Channel => {
            let names = Channel::ALL.map(Channel::name);
            format!("a channel ({})", names.join(", "))
        }
        Sort::Availability => {
            let names = AVAILABILITIES.map(availability_name);
            format!("an availability ({})", names.join(", "))
        }
        Sort::Attribute => "a text or a number".to_owned(),
    }
}

const AVAILABILITIES: [Availability; 4] = [
    Availability::InStock,
    Availability::OutOfStock,
    Availability::Preorder,
    Availability::Backorder,
];

/// A value between quotes.
pub(super) fn quoted(sort: Sort, text: &str) -> Option<Value> {
    match sort {
        Sort::Text | Sort::Attribute => Some(Value::Text(text.to_owned())),
        Sort::Path => path(text),
        Sort::Time => time::read(text).map(Value::Time),
        Sort::Channel => one_of(Channel::ALL.map(Channel::name), text),
        Sort::Availability => one_of(AVAILABILITIES.map(availability_name), text),
        Sort::Number | Sort::Amount | Sort::Boolean => None,
    }
}

/// A value without quotes.
pub(super) fn bare(sort: Sort, word: &str) -> Option<Value> {
    match sort {
        Sort::Number => number(word).map(Value::Number),
        Sort::Amount => amount(word).map(Value::Amount),
        Sort::Boolean => word.parse().ok().map(Value::Boolean),
        Sort::Attribute => {
            let text = || Value::Text(word.to_owned());
            Some(number(word).map_or_else(text, Value::Number))
        }
        Sort::Text | Sort::Path | Sort::Time | Sort::Channel | Sort::Availability => {
            quoted(sort, word)
        }
    }
}

/// A value that begins with a minus.
pub(super) fn negative(sort: Sort, text: &str) -> Option<Value> {
    match sort {
        Sort::Number | Sort::Attribute => number(text).map(Value::Number),
        Sort::Amount => amount(text).map(Value::Amount),
        Sort::Text | Sort::Path | Sort::Boolean | Sort::Time => None,
        Sort::Channel | Sort::Availability => None,
    }
}

fn path(text: &str) -> Option<Value> {
    let levels: Vec<String> = text.split(LEVELS).map(str::to_owned).collect();
    let named = levels.iter().all(|level| !level.trim().is_empty());
    named.then_some(Value::Path(levels))
}

/// One of some names, in capital letters or not.
fn one_of<const COUNT: usize>(names: [&str; COUNT], text: &str) -> Option<Value> {
    let name = names
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(text))?;
    Some(Value::Text(name.to_owned()))
}
