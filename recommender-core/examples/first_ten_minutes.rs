//! From a file of purchases to judged recommendations.
use recommender_core::evaluation::{Evaluator, Splitter, TestCases};
use recommender_core::events::EventTable;
use recommender_core::events::read::{EventMap, EventReader};
use recommender_core::models::EaseConfig;
use recommender_core::{Dataset, InteractionConfig, Recommender};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../datasets/online-retail");
    let map = std::fs::read_to_string(format!("{folder}/events.toml"))?;
    let rows = std::fs::File::open(format!("{folder}/online-retail.parquet"))?;
    let reader = EventReader::new("parquet".parse()?).with_map(EventMap::from_toml("map", &map)?);
    let mut table = EventTable::new();
    println!("{}", reader.read("online-retail", rows, &mut table)?);

    let split = "time:2011-11-09".parse::<Splitter>()?.split(&table, 0)?;
    let config = InteractionConfig::binary();
    let train = Dataset::of_rows(table, split.train().to_vec(), vec![], config)?;
    let model = EaseConfig::default().fit(&train, &Default::default())?;

    let cases = TestCases::new(&train, &split, Default::default())?;
    let judged = Evaluator::new("ndcg@20".parse()?).evaluate("ease", &model, &train, &cases)?;
    println!("NDCG@20 {:?}", judged.mean("ndcg@20"));
    let shopper = train.users().get("17850").ok_or("no such shopper")?;
    let answer = model.recommend(&train.query_of(shopper, 5)?.excluding_seen())?;
    for item in answer.items() {
        println!("{}", train.items().key(item));
    }
    Ok(())
}
