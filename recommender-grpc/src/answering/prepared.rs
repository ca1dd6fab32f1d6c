//! A serving config made ready for a model.

use std::sync::Arc;

use recommender_core::engine::Engine;
use recommender_core::{ItemBits, ItemIx, Timestamp};
use recommender_store::Store;
use recommender_store::filter::{CompiledFilter, Filter};

use crate::answering::Question;
use crate::answering::desk::Shelf;
use crate::resource::name_of;
use crate::serving::{Action, Condition, Control, Direction, Recipe};
use crate::status::Refusal;

/// A serving config with its controls, in the numbering of a model.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) recipe: Arc<Recipe>,
    /// Which products may be answered.
    pub(crate) filter: Option<Arc<CompiledFilter>>,
    pub(crate) rules: Vec<Rule>,
}

/// A control in the numbering of a model.
#[derive(Debug)]
pub(crate) struct Rule {
    control: Arc<Control>,
    /// Its resource name.
    pub(crate) name: String,
    pub(crate) act: Act,
}

/// What a control does.
#[derive(Debug)]
pub(crate) enum Act {
    /// Only these are answered.
    Filter(Arc<CompiledFilter>),
    /// These are not answered.
    Hide(ItemBits),
    /// These are moved up, or down if the strength is below 0.
    Boost(Arc<CompiledFilter>, f32),
    /// This stands at this place, counted from 0; none if the model does not know it.
    Pin(Option<ItemIx>, usize),
    /// Of these there is at least this share.
    Quota(Arc<CompiledFilter>, f64),
}

impl Prepared {
    /// `recipe` made ready for the model `engine`.
    ///
    /// # Errors
    /// [`Refusal::NoStore`] if it has a filter, and there is no store that knows products.
    pub(crate) fn new(
        recipe: &Arc<Recipe>,
        engine: &Engine,
        (catalog, store): (&str, Option<(&Store, &Shelf)>),
    ) -> Result<Self, Refusal> {
        let compiled = |filter: &Filter| {
            let (store, shelf) = store.ok_or(Refusal::NoStore)?;
            Ok::<_, Refusal>(shelf.compile(store, filter))
        };
        let rule = |control: &Arc<Control>| {
            Ok::<_, Refusal>(Rule {
                name: name_of(catalog, "controls", &control.id),
                act: act(&control.action, engine, &compiled)?,
                control: Arc::clone(control),
            })
        };
        let filter = recipe.config.filter.as_ref();
        let filter = filter.filter(|filter| !filter.is_empty());
        Ok(Self {
            filter: filter.map(&compiled).transpose()?,
            rules: recipe.controls.iter().map(rule).collect::<Result<_, _>>()?,
            recipe: Arc::clone(recipe),
        })
    }
}

impl Prepared {
    /// The filters of the serving config and of its controls.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Arc<CompiledFilter>> {
        let of_rules = self.rules.iter().filter_map(|rule| match &rule.act {
            Act::Filter(filter) | Act::Boost(filter, _) | Act::Quota(filter, _) => Some(filter),
            Act::Hide(_) | Act::Pin(..) => None,
        });
        self.filter.iter().chain(of_rules)
    }
}

type Compile<'a> = dyn Fn(&Filter) -> Result<Arc<CompiledFilter>, Refusal> + 'a;

fn act(action: &Action, engine: &Engine, compiled: &Compile<'_>) -> Result<Act, Refusal> {
    let known = |key: &String| engine.items().get(key);
    Ok(match action {
        Action::Filter(filter) => Act::Filter(compiled(filter)?),
        Action::Hide { products } => Act::Hide(products.iter().filter_map(known).collect()),
        Action::Boost {
            filter,
            direction,
            strength,
        } => {
            let sign = match direction {
                Direction::Up => 1.0,
                Direction::Down => -1.0,
            };
            Act::Boost(compiled(filter)?, single(sign * strength))
        }
        Action::Pin { product, position } => Act::Pin(known(product), position.saturating_sub(1)),
        Action::Quota { filter, percent } => Act::Quota(compiled(filter)?, percent / 100.0),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share needs no more digits than a score has"
)]
pub(crate) fn single(number: f64) -> f32 {
    number as f32
}

impl Rule {
    /// Whether it hides a product.
    pub(crate) fn hides(&self, key: &str) -> bool {
        matches!(&self.control.action, Action::Hide { products } if products.iter().any(|it| it == key))
    }

    /// Whether it acts on the answer to a question, for these places and at this time.
    pub(crate) fn acts(&self, question: &Question, places: &[String], now: Timestamp) -> bool {
        let Condition {
            channels,
            places: at,
            page_types,
            page_categories,
            segments,
            active,
        } = &self.control.condition;
        let scene = &question.scene;
        let channel = question.engine.channel;
        let here = question.engine.place.as_ref();
        let is_here = |place: &String| places.contains(place) || here == Some(place);
        (channels.is_empty() || channel.is_some_and(|channel| channels.contains(&channel)))
            && (at.is_empty() || at.iter().any(is_here))
            && (page_types.is_empty()
                || (scene.page_type).is_some_and(|page| page_types.contains(&page)))
            && meet(page_categories, &scene.categories)
            && meet(segments, &scene.segments)
            && (active.is_empty() || active.iter().any(|range| range.contains(now)))
    }
}

/// Whether one of `wanted` is among those `found`, or nothing is wanted.
fn meet(wanted: &[String], found: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| found.contains(wanted))
}
