//! Coordinate descent for the weights of one item.

use crate::models::slim::SlimConfig;
use crate::models::slim::fit::{Gram, GramRow};
use crate::sparse::BestOf;

/// Solves for one item after the other in the same room.
pub(super) struct Descent<'a> {
    config: &'a SlimConfig,
    gram: &'a Gram,
    nearest: BestOf,
    /// Per item: one more than its place among the candidates; [`NOWHERE`] if it is none.
    places: Vec<u32>,
    problem: Problem,
}

/// The candidates of one item and where the descent stands; all in the order of the candidates.
#[derive(Default)]
struct Problem {
    items: Vec<u32>,
    weights: Vec<f32>,
    /// What is left of the product of each candidate with the item: `X_cᵀ (x_j − X w)`.
    gradient: Vec<f32>,
    squares: Vec<f32>,
    /// Where the products of a candidate with all candidates begin in `products`, once it has had a weight.
    columns: Vec<Option<usize>>,
    products: Vec<f32>,
}

/// Fewer candidates than one in so many entries of a row are looked up in it one by one.
const FEW_CANDIDATES: usize = 24;

/// How many of the nearest candidates are settled before the others are looked at.
const FIRST: usize = 32;

/// The place of an item that is no candidate; those of candidates begin after it.
const NOWHERE: u32 = 0;

impl<'a> Descent<'a> {
    pub(super) fn new(config: &'a SlimConfig, gram: &'a Gram) -> Self {
        Self {
            config,
            gram,
            nearest: BestOf::new(config.candidates),
            places: vec![NOWHERE; gram.rows.len()],
            problem: Problem::default(),
        }
    }

    /// The weights that are not zero, items ascending.
    pub(super) fn weights_for(&mut self, item: usize) -> Vec<(u32, f32)> {
        self.choose_candidates(item);
        self.descend();
        self.leave();
        let Problem { items, weights, .. } = &self.problem;
        let weights = items.iter().copied().zip(weights.iter().copied());
        weights.filter(|&(_, weight)| weight != 0.0).collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "items are numbered by u32 indices"
    )]
    fn choose_candidates(&mut self, item: usize) {
        let least = if self.config.non_negative {
            self.config.l1_regularization
        } else {
            0.0
        };
        for (other, product) in self.gram.rows[item].iter() {
            if other as usize != item && product > least {
                let norm = self.gram.squares[other as usize].sqrt();
                self.nearest.offer(other, product / norm);
            }
        }
        let problem = &mut self.problem;
        problem.clear();
        for (place, &(other, _)) in self.nearest.take_by_index().iter().enumerate() {
            self.places[other as usize] = place as u32 + 1;
            problem.items.push(other);
            problem.squares.push(self.gram.squares[other as usize]);
        }
        let size = problem.items.len();
        problem.weights.resize(size, 0.0);
        problem.columns.resize(size, None);
        problem.gradient.resize(size, 0.0);
        for (other, product) in self.gram.rows[item].iter() {
            let place = self.places[other as usize];
            if place != NOWHERE {
                problem.gradient[place as usize - 1] = product;
            }
        }
    }

    /// Passes over all candidates, and between them over those that have a weight, until nothing moves.
    fn descend(&mut self) {
        let largest = self.problem.gradient.iter().fold(0.0f32, |a, &b| a.max(b));
        let still = self.config.tolerance * largest;
        let all = self.nearest_first();
        let mut left = self.config.epochs;
        // The nearest explain most. Were others asked first, many would get a weight only to lose it again.
        self.settle(&all[..all.len().min(FIRST)], still, &mut left);
        while left > 0 {
            left -= 1;
            if self.pass(&all) <= still {
                return;
            }
            let weights = &self.problem.weights;
            let weighed = all.iter().copied();
            let weighed: Vec<u32> = weighed
                .filter(|&place| weights[place as usize] != 0.0)
                .collect();
            self.settle(&weighed, still, &mut left);
        }
    }

    /// Passes over `places` until nothing moves.
    fn settle(&mut self, places: &[u32], still: f32, left: &mut usize) {
        while *left > 0 && self.pass(places) > still {
            *left -= 1;
        }
    }

    /// All candidates by their cosine with the item, the greatest first.
    fn nearest_first(&self) -> Vec<u32> {
        let problem = &self.problem;
        let near = |&place: &u32| {
            let place = place as usize;
            problem.gradient[place] / problem.squares[place].sqrt()
        };
        let mut places: Vec<u32> = (0u32..).take(problem.items.len()).collect();
        places.sort_by(|a, b| near(b).total_cmp(&near(a)));
        places
    }

    /// One step for each of `places`; the largest move of a gradient.
    fn pass(&mut self, places: &[u32]) -> f32 {
        let (l1, l2) = (self.config.l1_regularization, self.config.l2_regularization);
        let mut largest = 0.0f32;
        for &place in places {
            let place = place as usize;
            let problem = &mut self.problem;
            let (old, square) = (problem.weights[place], problem.squares[place]);
            let pull = problem.gradient[place] + square * old;
            let new = if pull > l1 {
                (pull - l1) / (square + l2)
            } else if pull < -l1 && !self.config.non_negative {
                (pull + l1) / (square + l2)
            } else {
                0.0
            };
            if new != old {
                let step = new - old;
                problem.weights[place] = new;
                largest = largest.max(step.abs() * (square + l2));
                self.follow(place, step);
            }
        }
        largest
    }

    /// Takes what a step of a weight explains from the gradient.
    fn follow(&mut self, place: usize, step: f32) {
        let begin = match self.problem.columns[place] {
            Some(begin) => begin,
            None => self.products_of(place),
        };
        let Problem {
            gradient, products, ..
        } = &mut self.problem;
        let products = &products[begin..begin + gradient.len()];
        for (gradient, product) in gradient.iter_mut().zip(products) {
            *gradient -= step * product;
        }
    }

    /// Gathers the products of a candidate with all others.
    fn products_of(&mut self, place: usize) -> usize {
        let problem = &mut self.problem;
        let row = &self.gram.rows[problem.items[place] as usize];
        // One place before the first takes what belongs to none: writing it costs less than asking.
        let begin = problem.products.len() + 1;
        problem.products.resize(begin + problem.items.len(), 0.0);
        let products = &mut problem.products[begin - 1..];
        if problem.items.len() < row.items.len() / FEW_CANDIDATES {
            seek(&problem.items, row, &mut products[1..]);
        } else {
            let places = self.places.as_slice();
            for (&other, &product) in row.items.iter().zip(&row.products) {
                products[places[other as usize] as usize] = product;
            }
        }
        problem.columns[place] = Some(begin);
        begin
    }

    fn leave(&mut self) {
        for &item in &self.problem.items {
            self.places[item as usize] = NOWHERE;
        }
    }
}

/// Puts the product of each of `items`, ascending, where `row` has one.
fn seek(items: &[u32], row: &GramRow, products: &mut [f32]) {
    let mut from = 0;
    for (&item, product) in items.iter().zip(products) {
        // Steps that double find a stretch that must hold the item: it is rarely far.
        let (mut stride, mut below) = (1, from);
        while row
            .items
            .get(below + stride)
            .is_some_and(|&other| other < item)
        {
            below += stride;
            stride *= 2;
        }
        let end = row.items.len().min(below + stride + 1);
        from = below + row.items[below..end].partition_point(|&other| other < item);
        if row.items.get(from) == Some(&item) {
            *product = row.products[from];
        }
    }
}

impl Problem {
    fn clear(&mut self) {
        self.items.clear();
        self.weights.clear();
        self.gradient.clear();
        self.squares.clear();
        self.columns.clear();
        self.products.clear();
    }
}
