//! Identifiers of persons, between the wire and the store.

use recommender_store::identity::{Cap, Identifier, Namespace, Refusal};

use crate::convert::violations::Violations;
use crate::proto::ExternalId;

/// Most identifiers that a call names besides the visitor.
pub(crate) const MAX_IDS: usize = 16;

/// The collection of persons in resource names.
pub(crate) const USERS: &str = "users";

/// The contract's name of the namespace that the store calls `point_of_sale`.
const TILL: &str = "pos";

/// The identifier of `value` in `namespace`; notes what is wrong with it. What was found is told only where it can't be a
/// person's address or number.
pub(crate) fn identifier(
    namespace: Namespace,
    value: &str,
    field: &str,
    wrong: &mut Violations,
) -> Option<Identifier> {
    match Identifier::new(namespace, value) {
        Ok(identifier) => Some(identifier),
        Err(error) => {
            let error = error.to_string();
            let (_, expected) = error.split_once(": ").unwrap_or(("", &error));
            wrong.add(field, expected.to_owned());
            None
        }
    }
}

/// The identifier that `id` is; notes what is wrong with it.
pub(crate) fn of_external(
    id: &ExternalId,
    field: &str,
    wrong: &mut Violations,
) -> Option<Identifier> {
    let Some(namespace) = namespace_of(&id.namespace) else {
        let names = Namespace::ALL.map(namespace_name).join(", ");
        let found = format!("expected one of {names}; found {:?}", id.namespace);
        wrong.add(format!("{field}.namespace"), found);
        return None;
    };
    identifier(namespace, &id.value, &format!("{field}.value"), wrong)
}

/// The identifiers that `ids` are; notes what is wrong with them.
pub(crate) fn of_externals(
    ids: &[ExternalId],
    field: &str,
    wrong: &mut Violations,
) -> Vec<Identifier> {
    wrong.bound(field, ids.len(), MAX_IDS);
    let ids = ids.iter().take(MAX_IDS).enumerate();
    ids.filter_map(|(number, id)| of_external(id, &format!("{field}[{number}]"), wrong))
        .collect()
}

/// The identifier that the id of a user's resource name is: `namespace:key`.
pub(crate) fn of_name(id: &str, field: &str, wrong: &mut Violations) -> Option<Identifier> {
    let Some((namespace, value)) = id.split_once(':') else {
        wrong.add(field, "expected \"{namespace}:{key}\" at the end");
        return None;
    };
    let id = ExternalId {
        namespace: namespace.to_owned(),
        value: value.to_owned(),
    };
    of_external(&id, field, wrong)
}

/// What the wire calls an identifier.
pub(crate) fn external(identifier: &Identifier) -> ExternalId {
    ExternalId {
        namespace: namespace_name(identifier.namespace()).to_owned(),
        value: identifier.value().to_owned(),
    }
}

/// The id of an identifier in a user's resource name.
pub(crate) fn name_id(identifier: &Identifier) -> String {
    let namespace = namespace_name(identifier.namespace());
    format!("{namespace}:{}", identifier.value())
}

/// The name of the cap that a link would have gone past. It names nobody.
pub(crate) fn cap(refusal: &Refusal) -> &'static str {
    match refusal.cap {
        Cap::Identifiers => "max_identifiers",
        Cap::Links => "max_links",
        Cap::Accounts => "max_accounts",
        Cap::Cards => "max_cards",
    }
}

fn namespace_of(name: &str) -> Option<Namespace> {
    let mut all = Namespace::ALL.into_iter();
    all.find(|namespace| namespace_name(*namespace) == name)
}

fn namespace_name(namespace: Namespace) -> &'static str {
    if namespace == Namespace::PointOfSale {
        return TILL;
    }
    namespace.name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_namespace_is_read_back() {
        for namespace in Namespace::ALL {
            let value = "a:b".repeat(8);
            let identifier = Identifier::new(namespace, &value).unwrap();
            let mut wrong = Violations::default();
            let external = external(&identifier);
            assert_eq!(
                of_external(&external, "id", &mut wrong),
                Some(identifier.clone())
            );
            assert_eq!(
                of_name(&name_id(&identifier), "name", &mut wrong),
                Some(identifier)
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_what_should_not_have_been_sent() {
        let said = |namespace: &str, value: &str| {
            let mut wrong = Violations::default();
            let id = ExternalId {
                namespace: namespace.into(),
                value: value.into(),
            };
            of_external(&id, "id", &mut wrong);
            format!("{:?}", wrong.or(()).unwrap_err())
        };
        assert!(said("telepathy", "a").contains("telepathy"));
        assert!(said("account", "").contains("1 to 480 bytes"));
        assert!(!said("email_hash", "ann@example.com").contains("ann"));
    }
}
