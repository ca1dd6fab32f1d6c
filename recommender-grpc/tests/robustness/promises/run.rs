//! One run: the server, what must be so, and what both are driven by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost::Message;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::engine::Engine;
use recommender_grpc::client::{
    ControlServiceClient, EvaluationServiceClient, ModelServiceClient, OperationsClient,
    PlaceServiceClient, ProductServiceClient, RecommendationServiceClient,
    ServingConfigServiceClient, UserEventServiceClient, UserServiceClient,
};
use recommender_grpc::proto::longrunning::operation::Result as Ending;
use recommender_grpc::proto::longrunning::{Operation, WaitOperationRequest};
use recommender_grpc::proto::{Channel, Timestamp};
use tonic::{Response, Status};

use crate::promises::given::Answers;
use crate::promises::opened::{Noting, Opened};
use crate::promises::persons::{Persons, SHOPPERS};
use crate::promises::world::{CHANNELS, Goods, ODD, World, keys, places};

/// Brands of the goods.
pub(crate) const BRANDS: [&str; 3] = ["plain", "fine", "rare"];

/// A server that is driven, and what must be so of it.
pub(crate) struct Run {
    pub(crate) server: Opened,
    pub(crate) random: ChaCha8Rng,
    pub(crate) world: World,
    pub(crate) persons: Persons,
    /// Engines by the version that answers name.
    pub(crate) engines: BTreeMap<String, Arc<Engine>>,
    /// The latest answers.
    pub(crate) given: Answers,
    /// Token of the last write.
    pub(crate) freshness: String,
    /// Milliseconds since 1970 of the last thing that was dated. It lies behind the clock.
    now: i64,
    turn: usize,
}

impl Run {
    pub(crate) async fn new(seed: u64) -> Self {
        let hour = Duration::from_secs(3600);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap() - hour;
        let mut run = Self {
            server: Opened::new().await,
            random: ChaCha8Rng::seed_from_u64(seed),
            world: World::default(),
            persons: Persons::new(),
            engines: BTreeMap::new(),
            given: Answers::default(),
            freshness: String::new(),
            now: i64::try_from(now.as_millis()).unwrap(),
            turn: 0,
        };
        for key in crate::shop::products() {
            run.world.products.insert(key, Goods::default());
        }
        for place in crate::shop::PLACES {
            run.world.places.insert(place, false);
            for key in crate::shop::products() {
                run.world.set(Some(place), &key, (0, Some(3.0)));
            }
        }
        run.open_for_business().await;
        run
    }

    /// A number that no other has.
    pub(crate) fn number(&mut self) -> usize {
        self.turn += 1;
        self.turn
    }

    /// A moment after all others.
    pub(crate) fn later(&mut self) -> i64 {
        self.now += 100;
        self.now
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    pub(crate) fn one_of<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        among.choose(&mut self.random).cloned()
    }

    pub(crate) fn key(&mut self) -> String {
        self.one_of(&keys()).unwrap()
    }

    /// A product that was sold before there was any model.
    pub(crate) fn old_key(&mut self) -> String {
        self.one_of(&crate::shop::products()).unwrap()
    }

    /// A product that is there, or is not.
    pub(crate) fn key_that(&mut self, is_there: bool) -> Option<String> {
        let all = keys().into_iter();
        let known = |key: &String| self.world.products.contains_key(key) == is_there;
        let keys: Vec<String> = all.filter(known).collect();
        self.one_of(&keys)
    }

    pub(crate) fn place(&mut self) -> &'static str {
        self.one_of(&places()).unwrap()
    }

    pub(crate) fn shopper(&mut self) -> usize {
        self.random.random_range(0..SHOPPERS)
    }

    pub(crate) fn brand(&mut self) -> &'static str {
        self.one_of(&BRANDS).unwrap()
    }

    pub(crate) fn channel(&mut self) -> Channel {
        self.one_of(&CHANNELS).unwrap()
    }

    /// What may be known of a product.
    pub(crate) fn goods(&mut self) -> Goods {
        let some = self.happens(0.15);
        Goods {
            brand: if self.happens(0.05) {
                ODD
            } else {
                self.brand()
            },
            hidden: self.happens(0.1),
            sold_out: self.happens(0.05),
            expired: self.happens(0.05),
            channels: some.then(|| self.channel()).into_iter().collect(),
        }
    }

    pub(crate) fn products(&self) -> ProductServiceClient<Noting> {
        ProductServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn places(&self) -> PlaceServiceClient<Noting> {
        PlaceServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn events(&self) -> UserEventServiceClient<Noting> {
        UserEventServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn users(&self) -> UserServiceClient<Noting> {
        UserServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn models(&self) -> ModelServiceClient<Noting> {
        ModelServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn evaluations(&self) -> EvaluationServiceClient<Noting> {
        EvaluationServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn configs(&self) -> ServingConfigServiceClient<Noting> {
        ServingConfigServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn controls(&self) -> ControlServiceClient<Noting> {
        ControlServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn recommendations(&self) -> RecommendationServiceClient<Noting> {
        RecommendationServiceClient::new(self.server.main.clone())
    }

    pub(crate) fn operations(&self) -> OperationsClient<Noting> {
        OperationsClient::new(self.server.main.clone())
    }

    /// How an operation ended.
    pub(crate) async fn ended(&self, begun: Result<Response<Operation>, Status>) -> Operation {
        let wait = WaitOperationRequest {
            name: begun.unwrap().into_inner().name,
            timeout: Some(Duration::from_secs(20).try_into().unwrap()),
        };
        let ended = self.operations().wait_operation(wait).await;
        let ended = ended.unwrap().into_inner();
        assert!(ended.done, "{ended:?}");
        ended
    }

    /// What an operation answered.
    pub(crate) async fn answer<R: Message + Default>(
        &self,
        begun: Result<Response<Operation>, Status>,
    ) -> R {
        let ended = self.ended(begun).await;
        match ended.result.unwrap() {
            Ending::Response(any) => R::decode(&*any.value).unwrap(),
            Ending::Error(status) => panic!("{}: {status:?}", ended.name),
        }
    }
}

/// A moment, in the words of the contract.
pub(crate) fn moment(milliseconds: i64) -> Timestamp {
    Timestamp {
        seconds: milliseconds.div_euclid(1000),
        nanos: i32::try_from(milliseconds.rem_euclid(1000) * 1_000_000).unwrap(),
    }
}
