//! The log of a search: one JSON line for what it is about, then one for each trial.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, InputError, Result};
use crate::tuning::sampler::Sampler;
use crate::tuning::space::{ModelSpace, Point};

/// The form of the lines; a log of another is refused.
const FORMAT: u32 = 1;

/// What a search is about: trials of one log are comparable only with trials of the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHeader {
    format: u32,
    /// Digest of the data learned from.
    pub data: String,
    /// Digest of the questions: split, users, right answers.
    pub questions: String,
    /// How the validation part was made, in words.
    pub split: String,
    /// What is made as good as can be.
    pub metric: String,
    /// How settings are chosen.
    pub sampler: Sampler,
    /// Seed of everything random.
    pub seed: u64,
    /// The settings of the interactions where a trial says nothing.
    pub interactions: Value,
    /// What is searched.
    pub models: Vec<ModelSpace>,
}

/// The parts of a [`LogHeader`] that are not about the models.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSubject {
    /// As [`LogHeader::data`].
    pub data: String,
    /// As [`LogHeader::questions`].
    pub questions: String,
    /// As [`LogHeader::split`].
    pub split: String,
    /// As [`LogHeader::interactions`].
    pub interactions: Value,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Name of the model's space.
    pub model: String,
    /// Number of the trial within the model, from 0.
    pub trial: u64,
    /// What was set; nothing in the first trial, which takes the defaults.
    pub settings: Point,
    /// The metric on the validation part; none if the trial failed.
    pub score: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub high: Option<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Seconds of the fit, if it came to an end.
    pub fit_seconds: Option<f64>,
    /// Seconds of the whole trial, which the budget of time counts.
    pub seconds: f64,
}

impl LogHeader {
    /// The header of a search.
    #[must_use]
    pub fn new(
        subject: LogSubject,
        metric: &str,
        (sampler, seed): (Sampler, u64),
        models: &[ModelSpace],
    ) -> Self {
        Self {
            format: FORMAT,
            data: subject.data,
            questions: subject.questions,
            split: subject.split,
            interactions: subject.interactions,
            metric: metric.into(),
            sampler,
            seed,
            models: models.to_vec(),
        }
    }

    /// The names of the parts in which `other` differs, and what they are in either.
    fn differences(&self, other: &Self) -> Vec<String> {
        let words = |header: &Self| {
            [
                ("data", header.data.clone()),
                ("split", header.split.clone()),
                ("questions", header.questions.clone()),
                ("metric", header.metric.clone()),
                ("sampler", header.sampler.to_string()),
                ("seed", header.seed.to_string()),
                ("interactions", header.interactions.to_string()),
            ]
        };
        let mut found: Vec<String> = words(self)
            .into_iter()
            .zip(words(other))
            .filter(|(here, there)| here.1 != there.1)
            .map(|(here, there)| format!("{} (logged {}, asked {})", here.0, there.1, here.1))
            .collect();
        let named = |header: &Self, name: &str| {
            let mut models = header.models.iter();
            models.find(|it| it.name() == name).cloned()
        };
        for model in &self.models {
            match named(other, model.name()) {
                None => found.push(format!("model {} (not logged)", model.name())),
                Some(there) if there != *model => {
                    found.push(format!("the space of model {}", model.name()));
                }
                Some(_) => {}
            }
        }
        let gone = other
            .models
            .iter()
            .filter(|it| named(self, it.name()).is_none());
        found.extend(gone.map(|it| format!("model {} (not asked)", it.name())));
        found
    }
}

/// One line for a log.
///
/// # Errors
/// [`Error::Internal`] only.
pub fn log_line(entry: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(entry).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(text + "\n")
}

/// What a log holds: its trials, and how many bytes of its text are whole lines. A last line without an end, as a kill
/// leaves it, is no part of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoggedTrials {
    /// The trials, in the order of the lines.
    pub records: Vec<TrialRecord>,
    /// Length of the whole lines; what comes after is to be cut off before a line is added.
    pub whole_bytes: usize,
}

/// Reads a log, called `origin` in errors, to go on with `header`. A text without a whole line is an empty log.
///
/// # Errors
/// [`Error::Input`] if it is no log, is of another search, saying in what, or a whole line can't be read, with its row.
pub fn read_log(origin: &str, text: &str, header: &LogHeader) -> Result<LoggedTrials> {
    let whole_bytes = text.rfind('\n').map_or(0, |end| end + 1);
    let mut lines = (1u64..).zip(text[..whole_bytes].lines());
    let Some((_, first)) = lines.next() else {
        return Ok(LoggedTrials::default());
    };
    let wrong = |row: u64, expected: &str, found: String| -> Error {
        InputError::new(origin, expected, found).at_row(row).into()
    };
    let logged: LogHeader = serde_json::from_str(first).map_err(|error| {
        wrong(
            1,
            "the header of a log of recommender tune",
            error.to_string(),
        )
    })?;
    if logged.format != FORMAT {
        let expected = format!("a log of format {FORMAT}");
        return Err(wrong(1, &expected, logged.format.to_string()));
    }
    let differences = header.differences(&logged);
    if !differences.is_empty() {
        let found = format!("another {}", differences.join(", "));
        return Err(wrong(1, "a log of the same search", found));
    }
    let record = |(row, line): (u64, &str)| {
        serde_json::from_str::<TrialRecord>(line)
            .map_err(|error| wrong(row, "a trial", error.to_string()))
    };
    let records = lines.map(record).collect::<Result<_>>()?;
    Ok(LoggedTrials {
        records,
        whole_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::space::{Domain, Parameter};

    fn header(data: &str, high: f64) -> LogHeader {
        let parameter = Parameter::new("regularization", Domain::float(1.0, high));
        let space = ModelSpace::new("ease", "ease", vec![parameter]).unwrap();
        let subject = LogSubject {
            data: data.into(),
            questions: "q".into(),
            split: "time:0.9".into(),
            interactions: Value::Null,
        };
        LogHeader::new(subject, "ndcg@20", (Sampler::Tpe, 1), &[space])
    }

    fn record(trial: u64) -> TrialRecord {
        TrialRecord {
            model: "ease".into(),
            trial,
            settings: Point::from([("regularization".to_owned(), 0.1.into())]),
            score: Some(0.1 + 0.2),
            low: None,
            high: None,
            failure: None,
            fit_seconds: Some(1.5),
            seconds: 2.0,
        }
    }

    fn text() -> String {
        let lines = [
            log_line(&header("d", 9.0)).unwrap(),
            log_line(&record(0)).unwrap(),
            log_line(&record(1)).unwrap(),
        ];
        lines.concat()
    }

    #[test]
    fn a_log_is_read_as_it_was_written() {
        let logged = read_log("log", &text(), &header("d", 9.0)).unwrap();
        assert_eq!(logged.records, [record(0), record(1)]);
        assert_eq!(logged.whole_bytes, text().len());
        let empty = read_log("log", "", &header("d", 9.0)).unwrap();
        assert_eq!(empty, LoggedTrials::default());
    }

    #[test]
    fn a_line_that_a_kill_cut_off_is_left_out_wherever_it_was_cut() {
        let text = text();
        let last = text[..text.len() - 1].rfind('\n').unwrap() + 1;
        for cut in last..text.len() {
            let logged = read_log("log", &text[..cut], &header("d", 9.0)).unwrap();
            assert_eq!((logged.records.len(), logged.whole_bytes), (1, last));
        }
        let logged = read_log("log", &text[..20], &header("d", 9.0)).unwrap();
        assert_eq!(logged.whole_bytes, 0);
    }

    #[test]
    fn a_log_of_another_search_is_refused_and_says_in_what_it_differs() {
        let refused =
            |header: &LogHeader| read_log("log", &text(), header).unwrap_err().to_string();
        let error = refused(&header("e", 9.0));
        assert!(error.contains("data (logged d, asked e)"), "{error}");
        let error = refused(&header("d", 8.0));
        assert!(error.contains("space of model ease"), "{error}");
        let mut other = header("d", 9.0);
        other.seed = 7;
        other.metric = "recall@5".into();
        other.models.clear();
        let error = refused(&other);
        for words in ["seed (logged 1, asked 7)", "metric", "ease (not asked)"] {
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named() {
        let broken = text().replacen("\"trial\":0", "\"trial\":x", 1);
        let error = read_log("log", &broken, &header("d", 9.0))
            .unwrap_err()
            .to_string();
        assert!(error.contains("row 2"), "{error}");
        let error = read_log("log", "{}\n", &header("d", 9.0))
            .unwrap_err()
            .to_string();
        assert!(error.contains("header"), "{error}");
    }
}
