//! Metrics against other implementations: figures of ir_measures 0.4.3 (with pytrec_eval-terrier 0.5.11) and of
//! NumPy 2.4.6 on generated data, and ties against a ranking of everything.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use recommender_core::evaluation::{
    CaseOptions, Evaluation, Evaluator, MetricList, Split, TestCases,
};
use recommender_core::events::{Event, EventTable};
use recommender_core::{Dataset, InteractionConfig, ItemIx, Query, Ranked, Recommender, Result};

const USERS: u32 = 50;
const ITEMS: u32 = 40;

/// Scores the first items by a table's row, chosen by the one item of the history.
#[derive(Debug)]
struct Lookup {
    /// Number of the item that only user 0 has; user 1 has the next, and so on.
    first_own: u32,
    scores: Vec<Vec<f32>>,
}

impl Recommender for Lookup {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let user = (query.history[0].item.0 - self.first_own) as usize;
        let items = (0..self.first_own).map(ItemIx);
        Ranked::top(query, items.zip(self.scores[user].iter().copied()))
    }
    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        queries.iter().map(|query| self.recommend(query)).collect()
    }
}

/// Evaluates `scores[user][item]` against `truth[user]`. Every item is known to one shopper, and item i besides to the
/// `helpers` shoppers whose number plus 2 divides i. Each user's history is an item of her own.
fn evaluate(
    metrics: MetricList,
    scores: Vec<Vec<f32>>,
    truth: &[Vec<u32>],
    helpers: u32,
) -> Evaluation {
    let mut table = EventTable::new();
    let mut push = |visitor: String, item: String| {
        let event = Event {
            visitor,
            item: Some(item),
            quantity: 1.0,
            ..Event::default()
        };
        table.push(&event).unwrap();
    };
    let items = u32::try_from(scores[0].len()).unwrap();
    for item in 0..items {
        push("eve".into(), format!("{item}"));
    }
    for helper in 0..helpers {
        for item in (0..items).filter(|item| item % (helper + 2) == 0) {
            push(format!("helper {helper}"), format!("{item}"));
        }
    }
    for user in 0..truth.len() {
        push(format!("user {user}"), format!("own {user}"));
    }
    for (user, truth) in truth.iter().enumerate() {
        for item in truth {
            push(format!("user {user}"), format!("{item}"));
        }
    }
    let first_test = table.len() - truth.iter().map(Vec::len).sum::<usize>();
    let split = Split::given_at(&table, first_test).unwrap();
    let config = InteractionConfig::default();
    let dataset = Dataset::of_rows(table, split.train().to_vec(), vec![], config).unwrap();
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let model = Lookup {
        first_own: items,
        scores,
    };
    let evaluator = Evaluator::new(metrics).with_resamples(0);
    evaluator
        .evaluate("lookup", &model, &dataset, &cases)
        .unwrap()
}

/// About a fifth of the items for each user, by a linear congruential generator.
fn generated_truth() -> Vec<Vec<u32>> {
    let mut state = 12345u64;
    let mut relevant = || {
        state = (state * 1_103_515_245 + 12345) % (1 << 31);
        (state >> 16).is_multiple_of(5)
    };
    (0..USERS)
        .map(|_| {
            let truth: Vec<u32> = (0..ITEMS).filter(|_| relevant()).collect();
            if truth.is_empty() { vec![0] } else { truth }
        })
        .collect()
}

#[test]
fn generated_data_gives_the_figures_of_ir_measures_and_numpy() {
    let truth = generated_truth();
    assert_eq!(truth.iter().map(Vec::len).sum::<usize>(), 366);
    let score = |user: u32, item: u32| ((item * 17 + user * 29) % 41) as f32;
    let of_user = |user| (0..ITEMS).map(|item| score(user, item)).collect();
    let scores = (0..USERS).map(of_user).collect();
    let metrics = MetricList::all_at(&[5, 20]).unwrap();
    let evaluation = evaluate(metrics, scores, &truth, 10);
    for (metric, expected) in [
        // ir_measures: nDCG, P, R, RR and Success at 5 and 20.
        ("ndcg@5", 0.220_256_046_282_622_21),
        ("precision@5", 0.2),
        ("recall@5", 0.133_011_544_011_544_03),
        ("mrr@5", 0.408_666_666_666_666_7),
        ("hit_rate@5", 0.64),
        ("ndcg@20", 0.358_581_940_858_261_23),
        ("precision@20", 0.185),
        ("recall@20", 0.487_367_965_367_965_06),
        ("mrr@20", 0.447_879_471_405_787_2),
        ("hit_rate@20", 0.96),
        // ir_measures: AP and R of each query, times relevant / min(cut-off, relevant).
        ("map@5", 0.135_205_555_555_555_55),
        ("recall_capped@5", 0.203_666_666_666_666_63),
        ("map@20", 0.174_891_493_873_659_85),
        ("recall_capped@20", 0.487_367_965_367_965_23),
        // NumPy from the definitions.
        ("novelty@5", 4.556_128_130_905_37),
        ("mean_popularity@5", 3.1),
        ("diversity@5", 0.414_267_393_590_652_2),
        ("coverage@5", 0.444_444_444_444_444_4),
        ("gini@5", 0.571_466_666_666_666_7),
        ("novelty@20", 4.569_618_189_764_054),
        ("mean_popularity@20", 3.075),
        ("diversity@20", 0.438_878_570_075_105_33),
        ("coverage@20", 0.444_444_444_444_444_4),
        ("gini@20", 0.561_755_555_555_555_6),
    ] {
        let found = evaluation.mean(metric).unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{metric}: {found} is not {expected}"
        );
    }
}

/// Ranks of the relevant items among everything, those of equal score behind the irrelevant ones.
fn worst_ranks(scores: &[f32], truth: &[u32]) -> Vec<usize> {
    let mut order: Vec<u32> = (0u32..).take(scores.len()).collect();
    order.sort_by(|&a, &b| {
        let by_score = scores[b as usize].total_cmp(&scores[a as usize]);
        by_score.then(truth.contains(&a).cmp(&truth.contains(&b)))
    });
    let ranked = (1..).zip(order);
    ranked
        .filter(|(_, item)| truth.contains(item))
        .map(|(rank, _)| rank)
        .collect()
}

proptest! {
    #[test]
    fn ties_are_as_bad_as_in_a_ranking_of_everything(
        scores in prop::collection::vec(0u8..4, 2..30),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        cutoff in 1usize..12,
    ) {
        let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
        let mut truth: Vec<u32> = picks
            .iter()
            .map(|pick| u32::try_from(pick.index(scores.len())).unwrap())
            .collect();
        truth.sort_unstable();
        truth.dedup();
        let ranks = worst_ranks(&scores, &truth);
        let hits = ranks.iter().filter(|&&rank| rank <= cutoff).count();
        let first = ranks.iter().copied().min().filter(|&rank| rank <= cutoff);
        let metrics = format!("recall@{cutoff},mrr@{cutoff},recall@1,recall@12");
        let metrics = if cutoff == 1 { "recall@1,mrr@1,recall@12".into() } else { metrics };
        let evaluation = evaluate(metrics.parse().unwrap(), vec![scores], &[truth.clone()], 0);
        let recall = evaluation.mean(&format!("recall@{cutoff}")).unwrap();
        prop_assert_eq!(recall, hits as f64 / truth.len() as f64);
        let mrr = evaluation.mean(&format!("mrr@{cutoff}")).unwrap();
        prop_assert_eq!(mrr, first.map_or(0.0, |rank| 1.0 / rank as f64));
        prop_assert_eq!(evaluation.report().unsettled_ties, 0);
    }
}
