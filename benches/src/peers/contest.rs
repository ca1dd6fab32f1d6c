//! Which model meets which peer, and the ratios aimed at.

use serde_json::{Value, json};

use crate::peers::cut::Cut;

/// One model beside one peer.
#[derive(Debug, Clone)]
pub struct Contest {
    /// What it is called in reports and by `--only`.
    pub name: String,
    /// Name of our model.
    pub model: &'static str,
    /// Its settings.
    pub ours: Value,
    /// The peer's script.
    pub script: &'static str,
    /// The peer's settings.
    pub theirs: Value,
    /// The data it is held on.
    pub cut: Cut,
    /// What is timed.
    pub kind: Kind,
    /// Stages, each with the share of the peer's time aimed at.
    pub targets: Vec<(&'static str, f64)>,
}

/// What is timed beside the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A fit that begins with the matrix at hand.
    Fit,
    /// The same, and one that begins with numbered pairs.
    FitFromPairs,
    /// An epoch, as the difference of fits of few and many epochs over the epochs between them; then a ladder of fits
    /// up to one that is good enough.
    Epochs {
        /// Epochs of the short fit.
        few: usize,
        /// Epochs of the long fit, whose answers are judged.
        many: usize,
    },
}

const ANSWERS: (&str, f64) = ("answers", 0.35);

/// All contests; nearest neighbours keep so many of them.
#[must_use]
pub fn contests(neighbours: usize) -> Vec<Contest> {
    let mut all = implicit_neighbours(neighbours);
    all.extend([64, 128, 256].map(implicit_als));
    all.extend(skrecsys(neighbours));
    all.extend([slim(2_048), slim(8_192), graph_filter()]);
    all.extend([4_096, 8_192].map(ease));
    all
}

fn implicit_neighbours(neighbours: usize) -> Vec<Contest> {
    let contest = |similarity: &str| Contest {
        name: format!("item_knn {similarity} beside implicit"),
        model: "item_knn",
        ours: json!({"similarity": similarity, "neighbours": neighbours}),
        script: "implicit_models.py",
        theirs: json!({"model": similarity, "neighbours": neighbours}),
        cut: Cut::Whole,
        kind: Kind::Fit,
        targets: vec![ANSWERS],
    };
    ["cosine", "tf_idf", "bm25"].map(contest).into()
}

/// What an observed pair weighs in implicit's objective, where an unobserved one weighs 1: about the best at 64 factors on a
/// tenth of the training part of Gowalla, held out.
const CONFIDENCE: f64 = 40.0;
/// implicit's penalty on the squared factors.
const REGULARIZATION: f64 = 1.0;

/// The same objective on both sides. implicit minimises `Σ_obs c (1 − s)² + Σ_rest s² + λ (Σ‖u‖² + Σ‖v‖²)`. For an
/// observed pair `c (1 − s)² = s² + (c − 1) (s − c / (c − 1))² + const`, so that with all scores divided by `c / (c − 1)`
/// and the sum by its square times `c − 1` it is our `Σ_obs (1 − s)² + α₀ Σ_all s² + λ′ (…)` with `α₀ = 1 / (c − 1)`,
/// `λ′ = λ / c` and no scaling of the penalty by frequency.
fn implicit_als(factors: usize) -> Contest {
    let ours = json!({
        "factors": factors,
        "unobserved_weight": 1.0 / (CONFIDENCE - 1.0),
        "regularization": REGULARIZATION / CONFIDENCE,
        "regularization_exponent": 0.0,
    });
    let theirs = json!({
        "model": "als", "factors": factors, "alpha": CONFIDENCE, "regularization": REGULARIZATION,
    });
    Contest {
        name: format!("ials {factors} beside implicit"),
        model: "ials",
        ours,
        script: "implicit_models.py",
        theirs,
        cut: Cut::Whole,
        kind: Kind::Epochs { few: 2, many: 10 },
        targets: vec![("an epoch", 0.5), ("to its NDCG", 0.3), ANSWERS],
    }
}

fn skrecsys(neighbours: usize) -> Vec<Contest> {
    let contest = |name: &str, model, ours, theirs| Contest {
        name: format!("{name} beside skrecsys"),
        model,
        ours,
        script: "skrecsys_models.py",
        theirs,
        cut: Cut::Whole,
        kind: Kind::FitFromPairs,
        targets: vec![("fit", 0.7), ("fit from pairs", 0.7), ("answers", 0.5)],
    };
    // Its cosine counts the neighbours of the item answered, its BM25 those of the items chosen.
    let cosine =
        json!({"similarity": "cosine", "aggregation": "neighbour_sum", "neighbours": neighbours});
    let bm25 = json!({"similarity": "bm25", "neighbours": neighbours});
    let walk = json!({"alpha": 1.0, "beta": 0.6, "neighbours": neighbours});
    // Its BM25 counts the item itself as one of its neighbours.
    vec![
        contest(
            "item_knn cosine",
            "item_knn",
            cosine,
            json!({"model": "cosine", "n_neighbors": neighbours}),
        ),
        contest(
            "item_knn bm25",
            "item_knn",
            bm25,
            json!({"model": "bm25", "n_neighbors": neighbours + 1}),
        ),
        contest(
            "rp3beta",
            "rp3beta",
            walk,
            json!({"model": "rp3beta", "n_neighbors": neighbours, "alpha": 1.0, "beta": 0.6}),
        ),
    ]
}

/// The penalties SLIM is compared at.
const SLIM_L1: f64 = 1.0;
const SLIM_L2: f64 = 10.0;

fn slim(items: usize) -> Contest {
    Contest {
        name: format!("slim of {items} items beside lenskit"),
        model: "slim",
        ours: json!({"l1_regularization": SLIM_L1, "l2_regularization": SLIM_L2, "candidates": items}),
        script: "lenskit_models.py",
        theirs: json!({"model": "slim", "l1_reg": SLIM_L1, "l2_reg": SLIM_L2}),
        cut: Cut::MostPopular(items),
        kind: Kind::Fit,
        targets: vec![("fit", 0.5)],
    }
}

fn graph_filter() -> Contest {
    Contest {
        name: "graph_filter gf_cf 256 beside scipy".into(),
        model: "graph_filter",
        ours: json!({"preset": "gf_cf"}),
        script: "scipy_models.py",
        theirs: json!({"model": "gf_cf", "rank": 256, "weight": 0.3}),
        cut: Cut::Whole,
        kind: Kind::Fit,
        targets: vec![("fit", 0.2), ("answers", 0.2)],
    }
}

fn ease(items: usize) -> Contest {
    Contest {
        name: format!("ease of {items} items beside LAPACK's inverse"),
        model: "ease",
        ours: json!({"regularization": 80.0}),
        script: "scipy_models.py",
        theirs: json!({"model": "ease", "regularization": 80.0}),
        cut: Cut::MostPopular(items),
        kind: Kind::Fit,
        targets: vec![("fit", 1.2)],
    }
}
