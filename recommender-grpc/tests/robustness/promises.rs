//! Random calls of many services, and after each: no answer holds what is out of stock at the place, hidden by the shop or
//! by the shopper, excluded or gone; what was acknowledged counts once; who was erased is a stranger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_grpc::client::{
    ControlServiceClient, OperationsClient, ProductServiceClient, RecommendationServiceClient,
    ServingConfigServiceClient, UserEventServiceClient, UserServiceClient,
};
use recommender_grpc::proto::longrunning::WaitOperationRequest;
use recommender_grpc::proto::{
    AddControlRequest, BatchRecommendRequest, Channel, Control, CreateControlRequest,
    EraseUserRequest, EventType, ExternalId, HideAction, Inventory, LinkIdentitiesRequest,
    LinkOutcome, LocalInventory, PersonalizationTier, PinAction, Product, ProductDetail,
    RankCandidate, RankRequest, RecommendContext, RecommendRequest, SetInventoryRequest, Timestamp,
    UpdateProductRequest, UserEvent, WriteUserEventRequest, control,
};

use crate::shop::{Open, PLACES, products};

const CATALOG: &str = "catalogs/default";
const HOME: &str = "catalogs/default/servingConfigs/home";

/// Shoppers.
const VISITORS: usize = 6;

/// Steps of a run.
const STEPS: usize = 150;

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn visitor(number: usize) -> String {
    format!("shopper-{number}")
}

fn id(number: usize) -> ExternalId {
    ExternalId {
        namespace: "visitor".to_owned(),
        value: visitor(number),
    }
}

/// An event: a look at a product, or that it shall be hidden.
struct Told {
    owner: usize,
    key: String,
    hides: bool,
}

/// What must be so.
struct Expected {
    out_of_stock: BTreeSet<(&'static str, String)>,
    hidden: BTreeSet<String>,
    /// The events that are stored, by event id.
    events: BTreeMap<String, Told>,
    /// The person of each shopper.
    persons: Vec<usize>,
}

impl Expected {
    fn is_allowed(&self, place: &'static str, key: &str) -> bool {
        !self.hidden.contains(key) && !self.out_of_stock.contains(&(place, key.to_owned()))
    }

    fn is_known(&self, shopper: usize) -> bool {
        let mut hers = self.of_person(shopper);
        hers.any(|told| !told.hides && !self.is_refused(shopper, &told.key))
    }

    fn is_refused(&self, shopper: usize, key: &str) -> bool {
        let mut hers = self.of_person(shopper);
        hers.any(|told| told.hides && told.key == key)
    }

    /// What the person of a shopper did.
    fn of_person(&self, shopper: usize) -> impl Iterator<Item = &Told> {
        let person = self.persons[shopper];
        let events = self.events.values();
        events.filter(move |told| self.persons[told.owner] == person)
    }
}

struct Run<'a> {
    shop: &'a Open,
    random: ChaCha8Rng,
    keys: Vec<String>,
    expected: Expected,
    controls: usize,
}

impl Run<'_> {
    fn key(&mut self) -> String {
        self.keys.choose(&mut self.random).unwrap().clone()
    }

    fn place(&mut self) -> &'static str {
        PLACES.choose(&mut self.random).unwrap()
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..40 => self.write().await,
            40..70 => self.set_inventory().await,
            70..82 => self.hide_or_show().await,
            82..86 => self.control().await,
            86..93 => self.link().await,
            _ => self.erase().await,
        }
    }

    async fn write(&mut self) {
        let shopper = self.random.random_range(0..VISITORS);
        let event_id = format!("{shopper}/{}", self.random.random_range(0..8));
        let (key, hides) = (self.key(), self.random.random_bool(0.3));
        let mut event = UserEvent {
            event_id: event_id.clone(),
            visitor_id: visitor(shopper),
            event_time: Some(now()),
            product_details: vec![ProductDetail {
                product_id: key.clone(),
                ..ProductDetail::default()
            }],
            ..UserEvent::default()
        };
        event.set_event_type(if hides {
            EventType::Hide
        } else {
            EventType::ViewItem
        });
        event.set_channel(Channel::Web);
        let request = WriteUserEventRequest {
            parent: CATALOG.to_owned(),
            user_event: Some(event),
            ..WriteUserEventRequest::default()
        };
        let mut events = UserEventServiceClient::new(self.shop.channel.clone());
        let written = events.write_user_event(request).await.unwrap().into_inner();
        let known = self.expected.events.contains_key(&event_id);
        assert_eq!(written.duplicate, known, "{event_id}");
        // The first of an id counts.
        let owner = shopper;
        let events = self.expected.events.entry(event_id);
        events.or_insert(Told { owner, key, hides });
    }

    async fn set_inventory(&mut self) {
        let (key, place) = (self.key(), self.place());
        let is_there = self.random.random_bool(0.4);
        let request = SetInventoryRequest {
            name: format!("{CATALOG}/products/{key}"),
            inventory: Some(Inventory {
                local_inventories: vec![LocalInventory {
                    place_id: place.to_owned(),
                    available_quantity: Some(if is_there { 2.0 } else { 0.0 }),
                    ..LocalInventory::default()
                }],
                ..Inventory::default()
            }),
            set_time: Some(now()),
            ..SetInventoryRequest::default()
        };
        let mut products = ProductServiceClient::new(self.shop.channel.clone());
        products.set_inventory(request).await.unwrap();
        if is_there {
            self.expected.out_of_stock.remove(&(place, key));
        } else {
            self.expected.out_of_stock.insert((place, key));
        }
        // A later time for the next one.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    async fn hide_or_show(&mut self) {
        let key = self.key();
        let hidden = self.random.random_bool(0.5);
        let request = UpdateProductRequest {
            product: Some(Product {
                name: format!("{CATALOG}/products/{key}"),
                hidden,
                ..Product::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["hidden".to_owned()],
            }),
            ..UpdateProductRequest::default()
        };
        let mut products = ProductServiceClient::new(self.shop.channel.clone());
        products.update_product(request).await.unwrap();
        // What a control hides stays hidden whatever the product says: those keys are taken out of the run.
        if hidden {
            self.expected.hidden.insert(key);
        } else {
            self.expected.hidden.remove(&key);
        }
    }

    /// Hides a product for good, or pins one, which must not show it where it may not be shown.
    async fn control(&mut self) {
        let key = self.key();
        self.controls += 1;
        let action = if self.random.random_bool(0.5) && self.keys.len() > 24 {
            self.keys.retain(|other| *other != key);
            self.expected.hidden.insert(key.clone());
            control::Action::HideAction(HideAction {
                product_ids: vec![key],
            })
        } else {
            control::Action::PinAction(PinAction {
                product_id: key,
                position: 1,
            })
        };
        let control_id = format!("control-{}", self.controls);
        let mut controls = ControlServiceClient::new(self.shop.channel.clone());
        let create = CreateControlRequest {
            parent: CATALOG.to_owned(),
            control: Some(Control {
                action: Some(action),
                ..Control::default()
            }),
            control_id: control_id.clone(),
            ..CreateControlRequest::default()
        };
        controls.create_control(create).await.unwrap();
        let mut configs = ServingConfigServiceClient::new(self.shop.channel.clone());
        let add = AddControlRequest {
            serving_config: HOME.to_owned(),
            control_id,
            ..AddControlRequest::default()
        };
        configs.add_control(add).await.unwrap();
    }

    async fn link(&mut self) {
        let one = self.random.random_range(0..VISITORS);
        let other = self.random.random_range(0..VISITORS);
        if one == other {
            return;
        }
        let request = LinkIdentitiesRequest {
            parent: CATALOG.to_owned(),
            ids: vec![id(one), id(other)],
            evidence: "the same card".to_owned(),
            ..LinkIdentitiesRequest::default()
        };
        let mut users = UserServiceClient::new(self.shop.channel.clone());
        let linked = users.link_identities(request).await.unwrap().into_inner();
        let taken = |link: &recommender_grpc::proto::IdentityLink| {
            matches!(link.outcome(), LinkOutcome::Linked | LinkOutcome::Known)
        };
        if linked.links.iter().all(taken) {
            let (person, gone) = (self.expected.persons[one], self.expected.persons[other]);
            let persons = self.expected.persons.iter_mut();
            persons
                .filter(|it| **it == gone)
                .for_each(|it| *it = person);
        }
    }

    async fn erase(&mut self) {
        let shopper = self.random.random_range(0..VISITORS);
        let request = EraseUserRequest {
            name: format!("{CATALOG}/users/visitor:{}", visitor(shopper)),
            reason: "she asked".to_owned(),
            ..EraseUserRequest::default()
        };
        let mut users = UserServiceClient::new(self.shop.channel.clone());
        let begun = users.erase_user(request).await.unwrap().into_inner();
        let mut operations = OperationsClient::new(self.shop.channel.clone());
        let wait = WaitOperationRequest {
            name: begun.name,
            timeout: Some(Duration::from_secs(20).try_into().unwrap()),
        };
        let ended = operations.wait_operation(wait).await.unwrap().into_inner();
        assert!(ended.done, "{ended:?}");
        let person = self.expected.persons[shopper];
        let expected = &mut self.expected;
        let persons = expected.persons.clone();
        let others = |_: &String, told: &mut Told| persons[told.owner] != person;
        expected.events.retain(others);
        for (number, it) in expected.persons.iter_mut().enumerate() {
            if *it == person {
                // Numbers of their own again, which no other person has.
                *it = VISITORS + self.controls * VISITORS + number;
            }
        }
        self.controls += 1;
    }

    /// Asks in every way, and holds the answers against what must be so.
    async fn check(&mut self) {
        let (place, shopper) = (self.place(), self.random.random_range(0..VISITORS));
        let excluded = self.key();
        let context = RecommendContext {
            visitor_id: visitor(shopper),
            place_id: place.to_owned(),
            ..RecommendContext::default()
        };
        let request = RecommendRequest {
            serving_config: HOME.to_owned(),
            context: Some(context.clone()),
            page_size: 40,
            exclude_product_ids: vec![excluded.clone()],
            ..RecommendRequest::default()
        };
        let mut client = RecommendationServiceClient::new(self.shop.channel.clone());
        let answer = client
            .recommend(request.clone())
            .await
            .unwrap()
            .into_inner();
        let personal = answer.tier() == PersonalizationTier::Personal;
        assert_eq!(personal, self.expected.is_known(shopper), "{shopper}");
        let batch = BatchRecommendRequest {
            requests: vec![request.clone(), request],
            distinct_across_requests: true,
        };
        let batch = client.batch_recommend(batch).await.unwrap().into_inner();
        let rank = RankRequest {
            serving_config: HOME.to_owned(),
            context: Some(context),
            candidates: (products().into_iter())
                .map(|product_id| RankCandidate {
                    product_id,
                    ..RankCandidate::default()
                })
                .collect(),
            exclude_product_ids: vec![excluded.clone()],
            ..RankRequest::default()
        };
        let ranked = client.rank(rank).await.unwrap().into_inner();
        let of_batch = batch.responses.into_iter().flat_map(|it| it.response);
        let lists = of_batch.map(|response| response.results);
        for list in lists.chain([answer.results, ranked.results]) {
            for result in list {
                let key = &result.product_id;
                assert!(self.expected.is_allowed(place, key), "{key} at {place}");
                assert!(
                    !self.expected.is_refused(shopper, key),
                    "{key} of {shopper}"
                );
                assert_ne!(*key, excluded);
            }
        }
    }
}

async fn run(seed: u64) {
    let shop = Open::new().await;
    let mut run = Run {
        shop: &shop,
        random: ChaCha8Rng::seed_from_u64(seed),
        keys: products(),
        expected: Expected {
            out_of_stock: BTreeSet::new(),
            hidden: BTreeSet::new(),
            events: BTreeMap::new(),
            persons: (0..VISITORS).collect(),
        },
        controls: 0,
    };
    for _ in 0..STEPS {
        run.step().await;
        run.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_ever_breaks_a_promise() {
    for seed in 0..3 {
        run(seed).await;
    }
}
