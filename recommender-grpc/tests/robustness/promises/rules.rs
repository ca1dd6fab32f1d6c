//! Serving configs and controls that come, change and go.

use recommender_grpc::proto::control::Action;
use recommender_grpc::proto::exploration_spec::Policy;
use recommender_grpc::proto::{
    AddControlRequest, BoostAction, Control, ControlCondition, CreateControlRequest,
    CreateServingConfigRequest, DeleteControlRequest, DeleteServingConfigRequest, ExplorationSpec,
    FilterAction, GetControlRequest, GetServingConfigRequest, HideAction, ListControlsRequest,
    ListServingConfigsRequest, PinAction, RemoveControlRequest, ServingConfig,
    UpdateControlRequest, UpdateServingConfigRequest,
};

use crate::promises::run::Run;
use crate::promises::world::{Act, CATALOG, Recipe, Rule};

/// Serving configs that are there from the beginning: one with rules of any kind, one whose order is the model's.
pub(crate) const LASTING: [&str; 2] = ["home", "plain"];

/// One that comes and goes.
const PASSING: &str = "passing";

/// Most controls of a serving config.
const MOST: usize = 3;

fn config_name(id: &str) -> String {
    format!("{CATALOG}/servingConfigs/{id}")
}

fn control_name(id: &str) -> String {
    format!("{CATALOG}/controls/{id}")
}

fn of_brand(brand: &str) -> String {
    format!("brands: \"{brand}\"")
}

impl Rule {
    fn control(&self, id: &str) -> Control {
        let action = match &self.act {
            Act::Hide(keys) => Action::HideAction(HideAction {
                product_ids: keys.clone(),
            }),
            Act::Brand(brand) => Action::FilterAction(FilterAction {
                filter: of_brand(brand),
            }),
            Act::Pin(key) => Action::PinAction(PinAction {
                product_id: key.clone(),
                position: 1,
            }),
            Act::Boost(brand) => Action::BoostAction(BoostAction {
                filter: of_brand(brand),
                strength: 0.5,
            }),
        };
        let condition = self.channel.map(|channel| ControlCondition {
            channels: vec![channel.into()],
            ..ControlCondition::default()
        });
        Control {
            name: control_name(id),
            condition,
            action: Some(action),
            ..Control::default()
        }
    }
}

impl Run {
    /// A rule that leaves something out.
    fn narrow(&mut self) -> Rule {
        let act = match self.happens(0.7) {
            true => Act::Hide(vec![self.key(), self.key()]),
            false => Act::Brand(self.brand()),
        };
        let some = self.happens(0.5);
        Rule {
            act,
            channel: some.then(|| self.channel()),
        }
    }

    pub(crate) async fn create_control(&mut self) {
        let mut rule = self.narrow();
        let mut config = self.config();
        if config == LASTING[0] && self.happens(0.5) {
            rule.act = match self.happens(0.5) {
                true => Act::Pin(self.key()),
                false => Act::Boost(self.brand()),
            };
        }
        if self.world.recipes[&config].controls.len() >= MOST {
            self.remove_control(&config).await;
            config = self.config();
        }
        let id = format!("control-{}", self.number());
        let create = CreateControlRequest {
            parent: CATALOG.to_owned(),
            control: Some(rule.control(&id)),
            control_id: id.clone(),
            ..CreateControlRequest::default()
        };
        self.controls().create_control(create).await.unwrap();
        let moves = matches!(rule.act, Act::Pin(_) | Act::Boost(_));
        if moves {
            config = LASTING[0].to_owned();
        }
        let add = AddControlRequest {
            serving_config: config_name(&config),
            control_id: id.clone(),
            ..AddControlRequest::default()
        };
        self.configs().add_control(add).await.unwrap();
        self.world.controls.insert(id.clone(), rule);
        self.recipe(&config).controls.push(id);
    }

    fn recipe(&mut self, config: &str) -> &mut Recipe {
        self.world.recipes.get_mut(config).unwrap()
    }

    /// Id of a serving config.
    pub(crate) fn config(&mut self) -> String {
        let all: Vec<String> = self.world.recipes.keys().cloned().collect();
        self.one_of(&all).unwrap()
    }

    async fn remove_control(&mut self, config: &str) {
        let id = self.recipe(config).controls.remove(0);
        let remove = RemoveControlRequest {
            serving_config: config_name(config),
            control_id: id,
            ..RemoveControlRequest::default()
        };
        self.configs().remove_control(remove).await.unwrap();
    }

    pub(crate) async fn remove_some_control(&mut self) {
        let config = self.config();
        if !self.world.recipes[&config].controls.is_empty() {
            self.remove_control(&config).await;
        }
    }

    fn some_control(&mut self) -> Option<String> {
        let all: Vec<String> = self.world.controls.keys().cloned().collect();
        self.one_of(&all)
    }

    pub(crate) async fn update_control(&mut self) {
        let Some(id) = self.some_control() else {
            return;
        };
        let rule = self.narrow();
        let request = UpdateControlRequest {
            control: Some(rule.control(&id)),
            ..UpdateControlRequest::default()
        };
        self.controls().update_control(request).await.unwrap();
        self.world.controls.insert(id, rule);
    }

    pub(crate) async fn delete_control(&mut self) {
        let Some(id) = self.some_control() else {
            return;
        };
        let request = DeleteControlRequest {
            name: control_name(&id),
            force: true,
            ..DeleteControlRequest::default()
        };
        self.controls().delete_control(request).await.unwrap();
        self.world.controls.remove(&id);
        for recipe in self.world.recipes.values_mut() {
            recipe.controls.retain(|other| *other != id);
        }
    }

    /// Makes a serving config of the model.
    pub(crate) async fn create_config(&mut self, id: &str, brand: Option<&'static str>) {
        let exploration = self.exploration();
        let explores = exploration.is_some();
        let request = CreateServingConfigRequest {
            parent: CATALOG.to_owned(),
            serving_config: Some(ServingConfig {
                model_id: "daily".to_owned(),
                filter: brand.map(of_brand).unwrap_or_default(),
                exploration,
                ..ServingConfig::default()
            }),
            serving_config_id: id.to_owned(),
            ..CreateServingConfigRequest::default()
        };
        self.configs().create_serving_config(request).await.unwrap();
        let recipe = Recipe {
            brand,
            explores,
            controls: Vec::new(),
        };
        self.world.recipes.insert(id.to_owned(), recipe);
    }

    /// What a serving config leaves to chance: in half of all cases, nothing.
    fn exploration(&mut self) -> Option<ExplorationSpec> {
        let policy = if self.happens(0.5) {
            Policy::Epsilon(0.5)
        } else {
            Policy::SoftmaxTemperature(0.5)
        };
        self.happens(0.5).then_some(ExplorationSpec {
            policy: Some(policy),
            max_items: 3,
        })
    }

    pub(crate) async fn come_or_go(&mut self) {
        if self.world.recipes.remove(PASSING).is_none() {
            let brand = self.brand();
            return self.create_config(PASSING, Some(brand)).await;
        }
        let request = DeleteServingConfigRequest {
            name: config_name(PASSING),
            ..DeleteServingConfigRequest::default()
        };
        self.configs().delete_serving_config(request).await.unwrap();
    }

    pub(crate) async fn update_config(&mut self) {
        let (id, some) = (self.config(), self.happens(0.4));
        let brand = some.then(|| self.brand());
        let exploration = self.exploration();
        let explores = exploration.is_some();
        let request = UpdateServingConfigRequest {
            serving_config: Some(ServingConfig {
                name: config_name(&id),
                filter: brand.map(of_brand).unwrap_or_default(),
                exploration,
                ..ServingConfig::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["filter".to_owned(), "exploration".to_owned()],
            }),
            ..UpdateServingConfigRequest::default()
        };
        self.configs().update_serving_config(request).await.unwrap();
        let recipe = self.recipe(&id);
        (recipe.brand, recipe.explores) = (brand, explores);
    }

    /// What is told of rules is what they are.
    pub(crate) async fn look_at_rules(&mut self) {
        let config = self.config();
        let get = GetServingConfigRequest {
            name: config_name(&config),
        };
        let got = self.configs().get_serving_config(get).await;
        let got = got.unwrap().into_inner();
        assert_eq!(got.control_ids, self.world.recipes[&config].controls);
        let list = ListServingConfigsRequest {
            parent: CATALOG.to_owned(),
            ..ListServingConfigsRequest::default()
        };
        let listed = self.configs().list_serving_configs(list).await;
        let listed = listed.unwrap().into_inner().serving_configs;
        assert_eq!(listed.len(), self.world.recipes.len());
        let list = ListControlsRequest {
            parent: CATALOG.to_owned(),
            ..ListControlsRequest::default()
        };
        let listed = self.controls().list_controls(list).await;
        let listed = listed.unwrap().into_inner().controls;
        assert_eq!(listed.len(), self.world.controls.len());
        if let Some(id) = self.some_control() {
            let get = GetControlRequest {
                name: control_name(&id),
            };
            let got = self.controls().get_control(get).await.unwrap().into_inner();
            assert_eq!(got.action, self.world.controls[&id].control(&id).action);
        }
    }
}
