//! Persons taken out of a fitted engine.

use std::sync::Arc;

use crate::dataset::{Change, Dataset};
use crate::engine::{Engine, Training};
use crate::error::{Error, Result};
use crate::events::{Event, EventTable};
use crate::ids::{UserIx, Vocabulary};
use crate::recommender::FitOptions;

impl Engine {
    /// What the engine holds that `user` did: items and times, oldest first; nothing if it does not know her.
    pub fn learned_of(&self, user: &str) -> impl Iterator<Item = (&str, crate::Timestamp)> {
        let events = self.history_of(Some(user)).into_iter();
        events.map(|event| (self.items.key(event.item), event.time))
    }

    /// The engine as if `users` had never been in its data, where the models can follow that exactly: linear models are
    /// down-dated, and equal a new fit to rounding. Items keep their numbers.
    ///
    /// Gives none if a model learns from more than the engine holds of its data, such as the places of events, or if no
    /// event would be left: then it must be fitted anew.
    ///
    /// # Errors
    /// As [`PipelineConfig::fit`](crate::pipeline::PipelineConfig::fit).
    pub fn without(&self, users: &[&str], options: &FitOptions) -> Result<Option<Self>> {
        let mut sources = self.config.sources.iter().chain(&self.config.fallback);
        if !sources.all(|source| source.model.follows_histories()) {
            return Ok(None);
        }
        let (before, rest) = (self.data_without(&[])?, self.data_without(users)?);
        let (Some(before), Some(rest)) = (before, rest) else {
            return Ok(None);
        };
        let gone: Vec<UserIx> = users
            .iter()
            .filter_map(|user| before.users().get(user))
            .collect();
        let after = before.without(&gone)?;
        let change = Change::between(&before, &after)?;
        let pipeline = options.run(|| {
            self.config.assemble(&self.catalog, |source| {
                options.step(source.name(), 0.0)?;
                let mut fitted = self.pipeline.sources();
                let fitted = fitted.find(|fitted| fitted.name == source.name());
                let fitted =
                    fitted.ok_or_else(|| Error::Internal("a source has no model".into()))?;
                source.model.update(&*fitted.model, &change, options)
            })
        })?;
        let (users, histories) = self.others(users)?;
        Ok(Some(Self {
            pipeline,
            users,
            histories,
            config: self.config.clone(),
            items: Arc::clone(&self.items),
            places: self.places.clone(),
            catalog: self.catalog.clone(),
            training: Training {
                data_digest: rest.digest()?,
                events: rest.events().len() as u64,
                end: rest.interactions().end(),
                seed: self.training.seed,
            },
        }))
    }

    /// The engine without the keys and histories of `users`. What its models learned of them stays until they are
    /// fitted anew.
    ///
    /// # Errors
    /// [`Error::Data`] if a vocabulary is full.
    pub fn without_histories_of(mut self, users: &[&str]) -> Result<Self> {
        (self.users, self.histories) = self.others(users)?;
        Ok(self)
    }

    /// The users but for some, with their histories.
    fn others(&self, gone: &[&str]) -> Result<(Vocabulary<UserIx>, crate::histories::Histories)> {
        let stays = |user: UserIx| !gone.contains(&self.users.key(user));
        let mut users = Vocabulary::new();
        for (user, key) in self.users.iter() {
            if stays(user) {
                users.insert(key)?;
            }
        }
        Ok((users, self.histories.retained(stays)))
    }

    /// What the engine holds of its data, without what some users did, in its numbering of items; none if that is
    /// nothing.
    fn data_without(&self, gone: &[&str]) -> Result<Option<Dataset>> {
        let mut table = EventTable::new();
        for (_, key) in self.items.iter() {
            table.know_item(key)?;
        }
        let untimed = self.histories.are_untimed();
        for (user, key) in self.users.iter().filter(|(_, key)| !gone.contains(key)) {
            for event in self.histories.get(user) {
                table.push(&Event {
                    visitor: key.to_owned(),
                    item: Some(self.items.key(event.item).to_owned()),
                    kind: event.kind,
                    channel: event.channel,
                    time: (!untimed).then_some(event.time),
                    quantity: event.quantity,
                    rating: event.rating,
                    ..Event::default()
                })?;
            }
        }
        if table.is_empty() {
            return Ok(None);
        }
        let products = self.catalog.iter().map(|(_, product)| product.clone());
        let dataset = Dataset::new(table, products.collect(), self.config.interactions.clone())?;
        debug_assert_eq!(
            dataset.items().len(),
            self.items.len(),
            "products are items"
        );
        Ok(Some(dataset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventKind;
    use crate::pipeline::PipelineConfig;
    use crate::{EngineRequest, Timestamp};

    const USERS: usize = 40;

    fn event(user: usize, step: usize) -> Event {
        Event {
            visitor: format!("user {user}"),
            item: Some(format!("item {}", (user * 7 + step * step) % 23)),
            kind: EventKind::Purchase,
            quantity: 1.0 + (step % 3) as f32,
            time: Some(Timestamp::from_seconds((user + 50 * step) as i64)),
            place: Some("soho".into()),
            ..Event::default()
        }
    }

    fn engine(recipe: &str, users: impl Iterator<Item = usize>) -> Engine {
        let config = PipelineConfig::from_toml(recipe).unwrap();
        let mut table = EventTable::new();
        for user in users {
            (0..2 + user % 5).for_each(|step| {
                table.push(&event(user, step)).unwrap();
            });
        }
        let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
        Engine::fit(&config, &dataset, &FitOptions::default()).unwrap()
    }

    fn answers(engine: &Engine, of: usize) -> Vec<(String, f32)> {
        let request = EngineRequest {
            user: Some(format!("user {of}")),
            limit: 8,
            ..EngineRequest::default()
        };
        let answer = engine.recommend(&request).unwrap();
        answer
            .results
            .into_iter()
            .map(|found| (found.key, found.score))
            .collect()
    }

    const EXACT: &str = r#"
        sources = [{ model = { kind = "ease", regularization = 5.0 } }, { model = { kind = "item_knn" } }]
        fallback = { model = { kind = "popularity", per_place = false } }
    "#;

    #[test]
    fn an_engine_without_a_user_answers_as_one_that_never_met_her() {
        let whole = engine(EXACT, 0..USERS);
        let gone = ["user 39", "user 17", "a stranger"];
        let parted = whole
            .without(&gone, &FitOptions::default())
            .unwrap()
            .unwrap();
        let never = engine(EXACT, (0..USERS).filter(|user| ![17, 39].contains(user)));
        assert_eq!(parted.users(), never.users());
        assert_eq!(parted.training().events, never.training().events);
        for user in (0..USERS).filter(|user| ![17, 39].contains(user)) {
            let (found, expected) = (answers(&parted, user), answers(&never, user));
            assert_eq!(found.len(), expected.len());
            for ((key, score), (other, near)) in found.iter().zip(&expected) {
                assert!((score - near).abs() < 1e-3, "{key} {score}, {other} {near}");
            }
        }
        assert!(parted.learned_of("user 17").next().is_none());
        assert_eq!(
            parted.learned_of("user 3").count(),
            whole.learned_of("user 3").count()
        );
        let again = parted
            .without(&["user 3"], &FitOptions::default())
            .unwrap()
            .unwrap();
        assert!(again.learned_of("user 3").next().is_none());
    }

    #[test]
    fn what_learns_from_places_or_would_lose_all_must_be_fitted_anew() {
        let placed = EXACT.replace("per_place = false", "per_place = true");
        let options = FitOptions::default();
        let engine_of_places = engine(&placed, 0..5);
        assert!(
            engine_of_places
                .without(&["user 1"], &options)
                .unwrap()
                .is_none()
        );
        let alone = engine(EXACT, 3..4);
        assert!(alone.without(&["user 3"], &options).unwrap().is_none());
        let emptied = alone.without_histories_of(&["user 3"]).unwrap();
        assert!(emptied.users().is_empty() && emptied.learned_of("user 3").next().is_none());
        assert_eq!(
            answers(&emptied, 3).len(),
            5,
            "what its models learned stays"
        );
    }
}
