//! Spaces that come along, one for each model: a new model needs an arm here.

use crate::tuning::space::{DataFacts, Domain, Parameter};

/// What is searched of the model `kind` if nobody says otherwise, on data such as `facts` tells; none if there is no
/// such model. Ranges span what is published for small dense and large sparse data, and a model's default lies inside.
#[must_use]
pub fn built_in(kind: &str, facts: &DataFacts) -> Option<Vec<Parameter>> {
    Some(match kind {
        "association_rules" => association_rules(),
        "bpr" => bpr(),
        "content" => content(),
        "ease" => closed_form(&[]),
        "edlae" => closed_form(&["dropout"]),
        "graph_filter" => graph_filter(facts),
        "ials" => ials(facts),
        "item_knn" => item_knn(facts),
        "personal_frequency" => vec![window_baskets()],
        "popularity" => popularity(facts),
        "random" => Vec::new(),
        "rdlae" => closed_form(&["dropout", "diagonal_bound"]),
        "repurchase" => repurchase(facts),
        "rp3beta" => rp3beta(facts),
        "sansa" => sansa(),
        "sequence" => sequence(),
        "sequential_rules" => sequential_rules(),
        "slim" => slim(),
        "tifu_knn" => tifu_knn(facts),
        "up_cf" => up_cf(facts),
        "user_knn" => user_knn(facts),
        "vmis_knn" => vmis_knn(),
        "vstan" => vstan(),
        _ => return None,
    })
}

/// What is searched of how events are weighed, beside the settings of any model that reads weights.
#[must_use]
pub fn interaction_parameters(facts: &DataFacts) -> Vec<Parameter> {
    const COMBINE: &str = "interactions.combine";
    let mut parameters = Vec::new();
    if !(facts.repeats || facts.quantities || facts.kinds.len() > 1) {
        return parameters;
    }
    parameters.push(parameter(COMBINE, Domain::words(&["sum", "max", "binary"])));
    let weighed = |name: &str, domain| parameter(name, domain).when(COMBINE, &["sum", "max"]);
    if facts.quantities {
        let domain = Domain::words(&["log", "ignore"]);
        parameters.push(weighed("interactions.quantity", domain));
    }
    if facts.span_days > 1.0 {
        let (low, high) = (facts.span_days / 50.0, facts.span_days * 10.0);
        let domain = Domain::log_float(low, high);
        parameters.push(weighed("interactions.half_life_days", domain));
    }
    // Only ratios of weights matter, so one kind keeps its weight.
    let anchor = facts.kinds.first();
    for kind in facts.kinds.iter().filter(|&kind| Some(kind) != anchor) {
        let name = format!("interactions.kinds.{kind}");
        parameters.push(weighed(&name, Domain::log_float(0.02, 2.0)));
    }
    parameters
}

fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter::new(name, domain)
}

/// As many neighbours as may matter: from 10 to 2,000, and no more than there are.
fn neighbours(candidates: usize) -> Parameter {
    let most = i64::try_from(candidates).unwrap_or(i64::MAX);
    parameter("neighbours", Domain::log_integer(10, most.clamp(100, 2000)))
}

/// The settings of `ease`, and shares between 0 and 1.
fn closed_form(shares: &[&str]) -> Vec<Parameter> {
    let regularization = parameter("regularization", Domain::log_float(5.0, 5000.0));
    let shares = shares
        .iter()
        .map(|share| parameter(share, Domain::float(0.0, 0.9)));
    std::iter::once(regularization).chain(shares).collect()
}

/// More neighbours than these cost more time than they are worth.
fn sansa() -> Vec<Parameter> {
    let mut parameters = closed_form(&["dropout"]);
    parameters.push(parameter("neighbours", Domain::log_integer(20, 400)));
    parameters
}

fn content() -> Vec<Parameter> {
    vec![
        parameter("idf_power", Domain::float(0.5, 3.0)),
        parameter("description", Domain::float(0.0, 1.0)),
        parameter("categories", Domain::float(0.0, 2.0)),
        parameter("price", Domain::float(0.0, 1.0)),
    ]
}

/// Some 1,000 singular vectors are as many as a fit of minutes has room for.
fn graph_filter(facts: &DataFacts) -> Vec<Parameter> {
    let most = i64::try_from(facts.items).unwrap_or(i64::MAX);
    vec![
        parameter("response", Domain::words(&["plateau", "linear"])),
        parameter("rank", Domain::log_integer(16, most.clamp(512, 1024))),
        parameter("ideal_weight", Domain::float(0.0, 1.0)),
        parameter("ideal_exponent", Domain::float(0.0, 0.8)),
        parameter("degree_exponent", Domain::float(0.0, 0.8)),
        parameter("user_exponent", Domain::float(0.2, 0.8)),
        parameter("item_exponent", Domain::float(0.2, 0.8)),
        parameter("flatness", Domain::log_float(0.5, 10.0)).when("response", &["plateau"]),
    ]
}

/// Of longer rules there are soon too many to mine; a trial that finds no room for them is recorded as such.
fn association_rules() -> Vec<Parameter> {
    let scores = ["confidence", "lift", "leverage", "log_likelihood_ratio"];
    vec![
        parameter("support", Domain::log_float(0.0002, 0.01)),
        parameter("lift", Domain::float(0.0, 3.0)),
        parameter("log_likelihood_ratio", Domain::float(0.0, 20.0)),
        parameter("length", Domain::log_integer(2, 4)),
        parameter("score", Domain::words(&scores)),
        parameter("aggregation", Domain::words(&["best", "sum"])),
    ]
}

fn bpr() -> Vec<Parameter> {
    vec![
        parameter("factors", Domain::log_integer(32, 256)),
        parameter("learning_rate", Domain::log_float(0.01, 0.3)),
        parameter("regularization", Domain::log_float(0.001, 0.3)),
        parameter("draws", Domain::log_integer(1, 64)),
        parameter("epochs", Domain::log_integer(10, 60)),
    ]
}

/// After Rendle et al., *Revisiting the performance of iALS on item recommendation benchmarks* (RecSys 2022). The weight of what a shopper has not matters in all, whatever the number of items.
fn ials(facts: &DataFacts) -> Vec<Parameter> {
    let items = facts.items as f64;
    let unobserved = Domain::log_float(20.0 / items, 4000.0 / items);
    vec![
        parameter("factors", Domain::log_integer(32, 256)),
        parameter("regularization", Domain::log_float(0.0005, 0.1)),
        parameter("unobserved_weight", unobserved),
        parameter("epochs", Domain::log_integer(6, 30)),
    ]
}

fn item_knn(facts: &DataFacts) -> Vec<Parameter> {
    let normed = ["cosine", "tf_idf"];
    vec![
        parameter("similarity", Domain::words(&["cosine", "tf_idf", "bm25"])),
        neighbours(facts.items),
        parameter(
            "aggregation",
            Domain::words(&["sum", "neighbour_sum", "centred_average"]),
        ),
        parameter("shrinkage", Domain::float(0.0, 100.0)).when("similarity", &normed),
        parameter("bm25_saturation", Domain::log_float(0.1, 100.0)).when("similarity", &["bm25"]),
        parameter("bm25_length", Domain::float(0.0, 1.0)).when("similarity", &["bm25"]),
    ]
}

fn popularity(facts: &DataFacts) -> Vec<Parameter> {
    let mut parameters = vec![parameter("count", Domain::words(&["users", "weights"]))];
    if facts.span_days > 1.0 {
        let low = (facts.span_days / 200.0).max(0.25);
        let domain = Domain::log_float(low, facts.span_days.max(low * 2.0));
        parameters.push(parameter("window_days", domain));
    }
    parameters
}

fn rp3beta(facts: &DataFacts) -> Vec<Parameter> {
    vec![
        parameter("alpha", Domain::float(0.3, 1.6)),
        parameter("beta", Domain::float(0.0, 1.0)),
        neighbours(facts.items),
    ]
}

/// How many of a shopper's last baskets count; the most is as good as all for nearly everyone.
fn window_baskets() -> Parameter {
    parameter("window_baskets", Domain::log_integer(1, 100))
}

fn repurchase(facts: &DataFacts) -> Vec<Parameter> {
    let days = facts.span_days.max(2.0);
    vec![
        parameter("shrinkage", Domain::log_float(1.0, 500.0)),
        parameter("shopper_shrinkage", Domain::log_float(0.2, 50.0)),
        parameter("habit_weight", Domain::float(0.0, 3.0)),
        parameter("sales_weight", Domain::float(0.0, 1.0)),
        parameter("sales_days", Domain::log_float(days / 200.0, days)),
    ]
}

fn tifu_knn(facts: &DataFacts) -> Vec<Parameter> {
    vec![
        neighbours(facts.users),
        parameter("groups", Domain::log_integer(1, 30)),
        parameter("basket_decay", Domain::float(0.1, 1.0)),
        parameter("group_decay", Domain::float(0.1, 1.0)),
        parameter("own_weight", Domain::float(0.0, 1.0)),
        parameter("nearness", Domain::words(&["cosine", "euclidean"])),
    ]
}

fn up_cf(facts: &DataFacts) -> Vec<Parameter> {
    vec![
        window_baskets(),
        neighbours(facts.users),
        parameter("asymmetry", Domain::float(0.0, 1.0)),
        parameter("locality", Domain::log_float(0.3, 10.0)),
        parameter("shrinkage", Domain::float(0.0, 100.0)),
    ]
}

fn slim() -> Vec<Parameter> {
    vec![
        parameter("l1_regularization", Domain::log_float(0.1, 50.0)),
        parameter("l2_regularization", Domain::log_float(3.0, 1000.0)),
    ]
}

fn user_knn(facts: &DataFacts) -> Vec<Parameter> {
    let normed = ["cosine", "tf_idf"];
    vec![
        parameter("similarity", Domain::words(&["tf_idf", "cosine", "bm25"])),
        neighbours(facts.users),
        parameter("shrinkage", Domain::float(0.0, 100.0)).when("similarity", &normed),
        parameter("bm25_saturation", Domain::log_float(0.1, 100.0)).when("similarity", &["bm25"]),
        parameter("bm25_length", Domain::float(0.0, 1.0)).when("similarity", &["bm25"]),
    ]
}

/// What a fit of minutes allows to be tried; the number of epochs finds itself.
fn sequence() -> Vec<Parameter> {
    vec![
        parameter("blocks", Domain::log_integer(1, 3)),
        parameter("dropout", Domain::float(0.1, 0.8)),
        parameter("learning_rate", Domain::log_float(0.0003, 0.003)),
        parameter("regularization", Domain::log_float(0.001, 1.0)),
    ]
}

fn sequential_rules() -> Vec<Parameter> {
    let weights = ["reciprocal", "linear", "quadratic", "same"];
    vec![
        parameter("steps", Domain::log_integer(1, 30)),
        parameter("step_weight", Domain::words(&weights)),
        parameter("last_items", Domain::log_integer(1, 10)),
        parameter("position_decay", Domain::log_float(0.2, 5.0)),
    ]
}

/// After the ranges that Serenade searches, and those of session-rec for V-SkNN.
fn vmis_knn() -> Vec<Parameter> {
    let idf = ["log", "one_plus_log", "none"];
    let weights = ["linear", "quadratic", "same"];
    vec![
        parameter("recent_sessions", Domain::log_integer(100, 5000)),
        parameter("neighbours", Domain::log_integer(50, 1500)),
        parameter("last_items", Domain::log_integer(1, 9)),
        parameter("position_weight", Domain::words(&weights)),
        parameter("match_decay", Domain::float(0.0, 0.5)),
        parameter("idf", Domain::words(&idf)),
    ]
}

/// After the ranges that session-rec searches.
fn vstan() -> Vec<Parameter> {
    vec![
        parameter("recent_sessions", Domain::log_integer(500, 5000)),
        parameter("neighbours", Domain::log_integer(50, 2000)),
        parameter("position_decay", Domain::log_float(0.2, 30.0)),
        parameter("age_decay_days", Domain::log_float(1.0, 200.0)),
        parameter("distance_decay", Domain::log_float(0.2, 15.0)),
        parameter("match_decay", Domain::log_float(0.2, 30.0)),
        parameter("idf_weight", Domain::float(0.0, 5.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InteractionConfig;
    use crate::events::EventKind;
    use crate::pipeline::ModelConfig;
    use crate::tuning::space::ModelSpace;
    use crate::tuning::{Point, Sampler};

    fn facts() -> Vec<DataFacts> {
        let shop = DataFacts {
            items: 3000,
            users: 5000,
            span_days: 365.0,
            repeats: true,
            quantities: true,
            kinds: vec![EventKind::View, EventKind::Purchase],
        };
        let pairs = DataFacts {
            items: 1,
            users: 1,
            span_days: 0.0,
            repeats: false,
            quantities: false,
            kinds: vec![EventKind::Purchase],
        };
        vec![shop, pairs]
    }

    #[test]
    fn every_model_has_a_space_whose_points_it_takes() {
        for facts in facts() {
            for kind in ModelConfig::NAMES {
                let parameters = built_in(kind, &facts)
                    .unwrap_or_else(|| panic!("{kind} needs a space in built_in.rs"));
                let parameters = [parameters, interaction_parameters(&facts)].concat();
                let space = ModelSpace::new(kind, kind, parameters).unwrap();
                for trial in 0..100 {
                    let point = Sampler::Random.suggest(&space, &[], 7, trial);
                    let configs = space.configs(&InteractionConfig::default(), &point);
                    configs.unwrap_or_else(|error| panic!("{kind} {point:?}: {error}"));
                }
            }
        }
    }

    #[test]
    fn only_what_can_matter_is_searched() {
        assert_eq!(interaction_parameters(&facts()[1]), []);
        let names: Vec<String> = interaction_parameters(&facts()[0])
            .into_iter()
            .map(|it| it.name)
            .collect();
        let expected = ["combine", "quantity", "half_life_days", "kinds.purchase"];
        assert_eq!(names, expected.map(|name| format!("interactions.{name}")));
    }

    #[test]
    fn a_default_outside_its_range_is_never_searched_from() {
        for kind in ModelConfig::NAMES {
            let parameters = built_in(kind, &facts()[0]).unwrap();
            let space = ModelSpace::new(kind, kind, parameters).unwrap();
            let point: Point = space.default_point(&InteractionConfig::default()).unwrap();
            space
                .configs(&InteractionConfig::default(), &point)
                .unwrap();
        }
    }
}
