//! Every method there is, and who may call it.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_types::FileDescriptorSet;

use crate::proto::FILE_DESCRIPTOR_SET;
use crate::security::Roles;
use crate::security::role::Role::{Admin, Erase, ManageCatalogue, Read, WriteEvents};

const READ: Roles = Roles::of(&[Read]);
const WRITE: Roles = Roles::of(&[WriteEvents]);
const CATALOGUE: Roles = Roles::of(&[ManageCatalogue]);
const ADMIN: Roles = Roles::of(&[Admin]);
const ERASE: Roles = Roles::of(&[Erase]);
/// Who begins long work may follow it.
const WORKERS: Roles = Roles::of(&[WriteEvents, ManageCatalogue, Admin, Erase]);
/// Products and places are looked up by who shows them and by who keeps them.
const LOOK: Roles = Roles::of(&[Read, ManageCatalogue]);
/// Rules and models are looked at by who makes them.
const OVERSEE: Roles = Roles::of(&[Read, ManageCatalogue, Admin]);
/// A person's own affairs, in the hands of those who answer for them.
const PERSONAL: Roles = Roles::of(&[Admin, Erase]);

/// A method and the roles of which any one will do.
type Rule = (&'static str, Roles);

const RECOMMENDATION: [Rule; 4] = [
    ("Recommend", READ),
    ("BatchRecommend", READ),
    ("Rank", READ),
    ("ExplainRecommendation", READ),
];

const USER_EVENTS: [Rule; 6] = [
    ("WriteUserEvent", WRITE),
    ("BatchWriteUserEvents", WRITE),
    ("StreamUserEvents", WRITE),
    ("ImportUserEvents", WRITE),
    ("ListUserEvents", PERSONAL),
    ("PurgeUserEvents", ERASE),
];

const USERS: [Rule; 9] = [
    ("GetUser", PERSONAL),
    ("LinkIdentities", WRITE),
    ("UnlinkIdentities", WRITE),
    ("ResolveIdentity", Roles::of(&[WriteEvents, Admin, Erase])),
    ("SetConsent", WRITE),
    ("ExportUserData", ERASE),
    ("EraseUser", ERASE),
    ("GetErasureReceipt", PERSONAL),
    ("ListErasureReceipts", PERSONAL),
];

const PRODUCTS: [Rule; 14] = [
    ("CreateProduct", CATALOGUE),
    ("GetProduct", LOOK),
    ("ListProducts", LOOK),
    ("UpdateProduct", CATALOGUE),
    ("DeleteProduct", CATALOGUE),
    ("BatchUpsertProducts", CATALOGUE),
    ("ImportProducts", CATALOGUE),
    ("ExportProducts", CATALOGUE),
    ("PurgeProducts", CATALOGUE),
    ("SetInventory", CATALOGUE),
    ("BatchSetInventory", CATALOGUE),
    ("StreamInventory", CATALOGUE),
    ("AddLocalInventories", CATALOGUE),
    ("RemoveLocalInventories", CATALOGUE),
];

const PLACES: [Rule; 6] = [
    ("CreatePlace", CATALOGUE),
    ("GetPlace", LOOK),
    ("ListPlaces", LOOK),
    ("UpdatePlace", CATALOGUE),
    ("DeletePlace", CATALOGUE),
    ("FindNearbyPlaces", LOOK),
];

const MODELS: [Rule; 16] = [
    ("CreateModel", ADMIN),
    ("GetModel", OVERSEE),
    ("ListModels", OVERSEE),
    ("UpdateModel", ADMIN),
    ("DeleteModel", ADMIN),
    ("TrainModel", ADMIN),
    ("EvaluateModel", ADMIN),
    ("TuneModel", ADMIN),
    ("PromoteModel", ADMIN),
    ("RollbackModel", ADMIN),
    ("ImportModel", ADMIN),
    ("ExportModel", ADMIN),
    ("UploadModel", ADMIN),
    // Artefacts hold what persons did.
    ("DownloadModel", ADMIN),
    ("PauseModel", ADMIN),
    ("ResumeModel", ADMIN),
];

const EVALUATIONS: [Rule; 4] = [
    ("EvaluateOffline", ADMIN),
    ("EvaluatePolicy", ADMIN),
    ("GetEvaluation", OVERSEE),
    ("ListEvaluations", OVERSEE),
];

const SERVING_CONFIGS: [Rule; 7] = [
    ("CreateServingConfig", CATALOGUE),
    ("GetServingConfig", OVERSEE),
    ("ListServingConfigs", OVERSEE),
    ("UpdateServingConfig", CATALOGUE),
    ("DeleteServingConfig", CATALOGUE),
    ("AddControl", CATALOGUE),
    ("RemoveControl", CATALOGUE),
];

const CONTROLS: [Rule; 5] = [
    ("CreateControl", CATALOGUE),
    ("GetControl", OVERSEE),
    ("ListControls", OVERSEE),
    ("UpdateControl", CATALOGUE),
    ("DeleteControl", CATALOGUE),
];

const ADMINISTRATION: [Rule; 5] = [
    ("CreateSnapshot", ADMIN),
    ("RestoreSnapshot", ADMIN),
    ("VerifyIntegrity", ADMIN),
    ("GetStatus", ADMIN),
    ("EstimateResources", ADMIN),
];

const OPERATIONS: [Rule; 5] = [
    ("ListOperations", PERSONAL),
    ("GetOperation", WORKERS),
    ("WaitOperation", WORKERS),
    ("CancelOperation", WORKERS),
    ("DeleteOperation", WORKERS),
];

/// Every service with its methods, and whether what is asked of it is written down for an audit.
const SERVICES: [(&str, &[Rule], Audit); 11] = [
    (
        "recommender.v1.RecommendationService",
        &RECOMMENDATION,
        Audit::ByRole,
    ),
    (
        "recommender.v1.UserEventService",
        &USER_EVENTS,
        Audit::ByRole,
    ),
    ("recommender.v1.UserService", &USERS, Audit::Always),
    ("recommender.v1.ProductService", &PRODUCTS, Audit::ByRole),
    ("recommender.v1.PlaceService", &PLACES, Audit::ByRole),
    ("recommender.v1.ModelService", &MODELS, Audit::ByRole),
    (
        "recommender.v1.EvaluationService",
        &EVALUATIONS,
        Audit::ByRole,
    ),
    (
        "recommender.v1.ServingConfigService",
        &SERVING_CONFIGS,
        Audit::Changes,
    ),
    ("recommender.v1.ControlService", &CONTROLS, Audit::Changes),
    (
        "recommender.v1.AdminService",
        &ADMINISTRATION,
        Audit::ByRole,
    ),
    ("google.longrunning.Operations", &OPERATIONS, Audit::ByRole),
];

/// Which methods of a service are written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audit {
    Always,
    /// Those that only they may call who administer or answer for persons.
    ByRole,
    /// Besides, those that only they may call who keep the catalogue.
    Changes,
}

impl Audit {
    fn holds(self, needs: Roles) -> bool {
        let graver = if self == Self::Changes {
            CATALOGUE
        } else {
            Roles::NONE
        };
        self == Self::Always || [ADMIN, ERASE, PERSONAL, graver].contains(&needs)
    }
}

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, whoever she is.
    Open,
    /// Whoever may read, or everybody where the settings say so.
    Reflection,
    /// Who has one of these roles; where there are none, nobody.
    Needs(Roles),
}

/// A method of a service of this server.
#[derive(Debug)]
pub(crate) struct Method {
    /// As requests name it: `/package.Service/Method`.
    pub(crate) path: String,
    /// Who may call it.
    pub(crate) access: Access,
    /// Whether calls are written down for an audit.
    pub(crate) audited: bool,
    /// Whether the caller sends one message after another.
    pub(crate) streams: bool,
    /// Its place among all methods.
    pub(crate) index: usize,
}

/// All methods, by path.
static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let ours = described(FILE_DESCRIPTOR_SET);
    let health = described(tonic_health::pb::FILE_DESCRIPTOR_SET);
    let reflection = [
        described(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET),
        described(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET),
    ];
    let ours = ours.into_iter().map(|found| (rule(&found), found));
    let health = (health.into_iter()).map(|found| ((Access::Open, false), found));
    let reflection = reflection.into_iter().flatten();
    let reflection = reflection.map(|found| ((Access::Reflection, false), found));
    let all = ours.chain(health).chain(reflection).enumerate();
    all.map(|(index, ((access, audited), found))| {
        let path = format!("/{}/{}", found.service, found.method);
        let method = Method {
            path: path.clone(),
            access,
            audited,
            streams: found.streams,
            index,
        };
        (path, method)
    })
    .collect()
});

/// A method as a descriptor has it.
struct Described {
    service: String,
    method: String,
    streams: bool,
}

fn described(set: &[u8]) -> Vec<Described> {
    let set = FileDescriptorSet::decode(set).expect("the compiler wrote the descriptors");
    let mut found = Vec::new();
    for file in &set.file {
        for service in &file.service {
            found.extend(service.method.iter().map(|method| Described {
                service: format!("{}.{}", file.package(), service.name()),
                method: method.name().to_owned(),
                streams: method.client_streaming(),
            }));
        }
    }
    found
}

/// Who may call a method of the contract; nobody where the table above does not say.
fn rule(found: &Described) -> (Access, bool) {
    let service = SERVICES.iter().find(|(name, ..)| *name == found.service);
    let rule = service.and_then(|(_, rules, audit)| {
        let rule = rules.iter().find(|(name, _)| *name == found.method);
        rule.map(|(_, needs)| (Access::Needs(*needs), audit.holds(*needs)))
    });
    rule.unwrap_or((Access::Needs(Roles::NONE), true))
}

/// The method of this path.
pub(crate) fn of(path: &str) -> Option<&'static Method> {
    METHODS.get(path)
}

/// All methods, in the order of their index.
pub(crate) fn all() -> Vec<&'static Method> {
    let mut all: Vec<_> = METHODS.values().collect();
    all.sort_by_key(|method| method.index);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_contract_says_who_may_call_it() {
        let all = all();
        assert!(all.len() >= 7, "{all:?}");
        for (index, method) in all.iter().enumerate() {
            assert_eq!(method.index, index);
            let nobody = method.access == Access::Needs(Roles::NONE);
            assert!(
                !nobody,
                "nobody may call {}: give it a role in this table",
                method.path
            );
        }
    }

    /// Methods whose roles are those of who changes something, and whose calls have no id, each with the reason.
    const WITHOUT_REQUEST_ID: [(&str, &str); 9] = [
        ("StreamUserEvents", "each event has an id of its own"),
        (
            "StreamInventory",
            "an inventory set twice at its time is as it was",
        ),
        (
            "UploadModel",
            "a stream makes a version of its own, which promotes nothing",
        ),
        ("DownloadModel", "it only reads"),
        ("ResolveIdentity", "it only reads"),
        (
            "ExportUserData",
            "it only reads, and is answered by a stream",
        ),
        ("VerifyIntegrity", "it only reads"),
        ("GetStatus", "it only reads"),
        ("EstimateResources", "it only reckons"),
    ];

    /// The methods of the contract, each with the names of its request's fields. Those of `google.longrunning` are not:
    /// their messages are not ours, and what is cancelled or deleted twice is as after the first time.
    fn with_fields() -> Vec<(String, Access, Vec<String>)> {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let ours = set
            .file
            .iter()
            .filter(|file| file.package() == "recommender.v1");
        let messages = ours.clone().flat_map(|file| &file.message_type);
        let messages: HashMap<String, Vec<String>> = messages
            .map(|message| {
                let fields = message.field.iter().map(|field| field.name().to_owned());
                (
                    format!(".recommender.v1.{}", message.name()),
                    fields.collect(),
                )
            })
            .collect();
        let services = ours.flat_map(|file| &file.service);
        let methods = services.flat_map(|service| {
            service.method.iter().map(|method| {
                let path = format!("/recommender.v1.{}/{}", service.name(), method.name());
                let access = of(&path).unwrap().access;
                let fields = messages[method.input_type()].clone();
                (method.name().to_owned(), access, fields)
            })
        });
        methods.collect()
    }

    #[test]
    fn a_call_that_changes_something_has_an_id_to_repeat_it_by() {
        let reading = [READ, LOOK, OVERSEE, PERSONAL].map(Access::Needs);
        let mut exceptions = Vec::new();
        for (method, access, fields) in with_fields() {
            if reading.contains(&access) || fields.iter().any(|field| field == "request_id") {
                continue;
            }
            let reason = WITHOUT_REQUEST_ID.iter().find(|(name, _)| *name == method);
            assert!(
                reason.is_some(),
                "the request of {method} has no request_id"
            );
            exceptions.push(method);
        }
        exceptions.sort_unstable();
        let mut named = WITHOUT_REQUEST_ID.map(|(name, _)| name);
        named.sort_unstable();
        assert_eq!(exceptions, named, "an exception that is none any more");
    }

    #[test]
    fn every_row_of_the_table_is_a_method() {
        for (service, rules, _) in SERVICES {
            for (method, _) in rules {
                let path = format!("/{service}/{method}");
                assert!(
                    of(&path).is_some(),
                    "there is no {path}: take it out of this table"
                );
            }
        }
    }

    #[test]
    fn what_touches_persons_or_models_is_written_down_and_answers_are_not() {
        for (service, method, audited) in [
            ("recommender.v1.RecommendationService", "Recommend", false),
            ("recommender.v1.UserEventService", "WriteUserEvent", false),
            ("recommender.v1.UserEventService", "PurgeUserEvents", true),
            ("recommender.v1.UserService", "LinkIdentities", true),
            ("recommender.v1.UserService", "EraseUser", true),
            ("recommender.v1.ModelService", "PromoteModel", true),
            ("recommender.v1.ControlService", "CreateControl", true),
            ("recommender.v1.ControlService", "ListControls", false),
            ("recommender.v1.ProductService", "SetInventory", false),
            ("recommender.v1.AdminService", "RestoreSnapshot", true),
        ] {
            let found = Described {
                service: service.into(),
                method: method.into(),
                streams: false,
            };
            assert_eq!(rule(&found).1, audited, "{method}");
        }
    }
}
