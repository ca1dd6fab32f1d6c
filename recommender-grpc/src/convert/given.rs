//! Questions as they are kept with their answers, and read again when an answer is to be explained.

use prost::Message;

use crate::answering::{Asked, Given, GivenAnswers, Question, Standing};
use crate::convert::candidates;
use crate::convert::request::{Bounds, recommend};
use crate::convert::violations::Violations;
use crate::proto::{Consent, RankRequest, RecommendContext, RecommendRequest, RecommendView};
use crate::status::Refusal;

/// The question as it is kept with its answer; none if it is not to be remembered, or too large.
pub(crate) fn asked(request: &RecommendRequest, answers: &GivenAnswers) -> Option<Asked> {
    let answered = !request.validate_only && is_remembered(request.context.as_ref());
    kept(request, answered, answers).map(Asked::Recommend)
}

/// As [`asked`], of products that the caller brought.
pub(crate) fn asked_to_rank(request: &RankRequest, answers: &GivenAnswers) -> Option<Asked> {
    let answered = !request.validate_only && is_remembered(request.context.as_ref());
    kept(request, answered, answers).map(Asked::Rank)
}

fn kept(request: &impl Message, wanted: bool, answers: &GivenAnswers) -> Option<Vec<u8>> {
    let fits = wanted && answers.has_room_for(request.encoded_len());
    fits.then(|| request.encode_to_vec())
}

fn is_remembered(context: Option<&RecommendContext>) -> bool {
    context.is_some_and(|context| !context.ephemeral && context.consent() != Consent::Denied)
}

/// The question that `given` answered, to be explained; and the candidates, if the caller brought some.
///
/// # Errors
/// [`Refusal::Invalid`] if it would not be answered any more.
pub(crate) fn given(
    given: &Given,
    bounds: Bounds<'_>,
) -> Result<(Question, Option<Standing>), Refusal> {
    let (mut question, standing) = match &given.asked {
        Asked::Recommend(bytes) => (recommended(bytes, bounds)?, None),
        Asked::Rank(bytes) => {
            let (question, standing) = candidates::ranked(to_rank(bytes)?, bounds)?;
            (question, Some(standing))
        }
    };
    question.engine.exclude.extend_from_slice(&given.left_out);
    question.min_freshness = None;
    question.as_of = given.seen;
    Ok((question, standing))
}

fn recommended(bytes: &[u8], bounds: Bounds<'_>) -> Result<Question, Refusal> {
    let asked = RecommendRequest {
        view: RecommendView::WithExplanation.into(),
        read_mask: None,
        ..RecommendRequest::decode(bytes).map_err(|_| unreadable())?
    };
    let mut wrong = Violations::default();
    let read = recommend(asked, bounds, &mut wrong);
    wrong.or(())?;
    let (question, _) = read.ok_or_else(unreadable)?;
    Ok(question)
}

fn to_rank(bytes: &[u8]) -> Result<RankRequest, Refusal> {
    Ok(RankRequest {
        view: RecommendView::WithExplanation.into(),
        ..RankRequest::decode(bytes).map_err(|_| unreadable())?
    })
}

/// What was written here is not read here: it cannot be.
fn unreadable() -> Refusal {
    recommender_core::Error::Internal("a kept question can't be read".to_owned()).into()
}
