//! How a question is answered: who asks and what she did, what may be offered, business rules.
//!
//! 1. `history`: what the store and the request tell of her.
//! 2. `consultation`: what may be offered, as bits in the model's numbering (`desk`), by stock, filters and controls.
//! 3. `ordering`: the model's list, put in order by controls and diversity.
//! 4. `exploration`: what of it is left to chance.
//! 5. `answer`, `ranking`, `explanation`: what the three calls make of it.

mod answer;
mod attributes;
mod consultation;
mod desk;
mod diversity;
mod explanation;
mod exploration;
mod filters;
mod freshness;
mod given;
mod history;
mod making;
mod obstacles;
mod ordering;
mod prepared;
mod question;
mod ranking;
mod readers;
mod retrospect;
mod served;
mod shortlist;
mod task;
mod tokens;

pub(crate) use answer::{Answer, Basis, Listed, Share, Told};
pub(crate) use attributes::words;
pub(crate) use consultation::Consultation;
pub(crate) use desk::Desk;
pub(crate) use explanation::Explanation;
pub(crate) use exploration::{Draw, Seeds};
pub(crate) use freshness::Freshness;
pub(crate) use given::{Asked, Given, GivenAnswers, Persons, Shown};
pub(crate) use history::{Remembered, consent, whole_id};
pub(crate) use obstacles::{NotShown, Reason};
pub(crate) use question::{
    AskedFilter, Asker, Manner, Page, Places, Question, Scene, Scope, Wanted,
};
pub(crate) use ranking::{Candidate, Ranking, Standing};
pub(crate) use readers::Readers;
pub(crate) use retrospect::{PastQuestion, Retrospect};
pub use served::ServedModel;
pub(crate) use shortlist::Origin;
pub(crate) use task::{Outcome, Shortfall, Task, Work, batch};

/// Why a question has no answer.
pub(crate) type Refused = crate::status::Refusal;
