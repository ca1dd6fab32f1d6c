//! What a caller wants of the products of an answer.

use recommender_store::catalog::Orders;

use crate::answering::{Places, Wanted};
use crate::convert::violations::Violations;
use crate::proto::{DiversitySpec, FulfillmentConstraint, FulfillmentType};
use crate::serving::Diversity;

/// Most places of a constraint.
const MOST_PLACES: usize = 100;

/// How different products should be.
pub(crate) fn diversity(spec: &DiversitySpec, wrong: &mut Violations) -> Diversity {
    if !(0.0..=1.0).contains(&spec.strength) {
        let found = format!("expected 0 to 1, found {}", spec.strength);
        wrong.add("diversity.strength", found);
    }
    let mut most = |number: i32, field: &str| {
        usize::try_from(number).unwrap_or_else(|_| {
            let found = format!("expected at least 0, found {number}");
            wrong.add(format!("diversity.{field}"), found);
            0
        })
    };
    Diversity {
        max_per_category: most(spec.max_per_category, "max_per_category"),
        max_per_brand: most(spec.max_per_brand, "max_per_brand"),
        strength: spec.strength,
    }
}

/// How products must be to be had, where the context is at `place`.
pub(crate) fn fulfillment(
    constraint: FulfillmentConstraint,
    place: &str,
    wrong: &mut Violations,
) -> Wanted {
    let types = types(&constraint.types, wrong);
    let places = constraint.place_ids;
    wrong.bound("fulfillment.place_ids", places.len(), MOST_PLACES);
    if let Some(empty) = places.iter().position(String::is_empty) {
        let field = format!("fulfillment.place_ids[{empty}]");
        wrong.add(field, "expected a key, found none");
    }
    let sent = types.iter().any(|it| *it != FulfillmentType::PickupInStore);
    let places = if !places.is_empty() {
        Places::These(places)
    } else if sent {
        Places::Anywhere
    } else {
        Places::OfContext
    };
    if places == Places::OfContext && !types.is_empty() && place.is_empty() {
        let expected = "expected a place for FULFILLMENT_TYPE_PICKUP_IN_STORE, found none";
        wrong.add("fulfillment.place_ids", expected);
    }
    Wanted {
        places,
        min_quantity: quantity(constraint.min_quantity, wrong),
        orders: if constraint.allow_preorder {
            Orders::Taken
        } else {
            Orders::Refused
        },
    }
}

fn types(numbers: &[i32], wrong: &mut Violations) -> Vec<FulfillmentType> {
    let mut types = Vec::new();
    for (place, &number) in numbers.iter().enumerate() {
        let field = format!("fulfillment.types[{place}]");
        match FulfillmentType::try_from(number) {
            Ok(FulfillmentType::Unspecified) | Err(_) => {
                wrong.add(field, format!("expected a FulfillmentType, found {number}"));
            }
            Ok(known) if types.contains(&known) => {
                wrong.add(field, "expected each type once, found it again");
            }
            Ok(known) => types.push(known),
        }
    }
    types
}

/// A number of pieces. Beyond 2^24, floats do not tell one number from the next; nobody has so many.
fn quantity(number: i32, wrong: &mut Violations) -> f32 {
    const MOST: i32 = 1 << 24;
    if !(0..=MOST).contains(&number) {
        let found = format!("expected 0 to {MOST}, found {number}");
        wrong.add("fulfillment.min_quantity", found);
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is small enough")]
    let number = number as f32;
    number
}
