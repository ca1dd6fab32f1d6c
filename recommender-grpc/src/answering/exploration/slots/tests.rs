use super::*;

/// A list of products of falling scores.
fn list(length: u32) -> Vec<Entry> {
    let entry = |number: u32| Entry {
        score: 3.0 - 0.25 * number as f32,
        ..Entry::unproposed(ItemIx(number))
    };
    (0..length).map(entry).collect()
}

fn epsilon(epsilon: f64, max_items: usize) -> Exploration {
    Exploration {
        policy: ExplorationPolicy::Epsilon(epsilon),
        max_items,
    }
}

fn softmax(temperature: f64, max_items: usize) -> Exploration {
    Exploration {
        policy: ExplorationPolicy::SoftmaxTemperature(temperature),
        max_items,
    }
}

fn anything(_: ItemIx, _: ItemIx) -> bool {
    true
}

fn chances(slots: &[Slot]) -> Vec<Vec<(usize, f64)>> {
    slots.iter().map(|slot| slot.choices.clone()).collect()
}

#[test]
fn the_last_places_share_what_stands_behind_the_page() {
    let slots = slots(&list(9), (&epsilon(0.2, 2), 4), &anything);
    let expected = [
        vec![(2, 0.8), (4, 0.2 / 3.0), (6, 0.2 / 3.0), (8, 0.2 / 3.0)],
        vec![(3, 0.8), (5, 0.1), (7, 0.1)],
    ];
    assert_eq!(chances(&slots), expected);
}

#[test]
fn softmax_compares_scores_on_one_scale() {
    let slots = slots(&list(5), (&softmax(0.5, 1), 4), &anything);
    let e = std::f64::consts::E.powi(2);
    let [own, other] = slots[0].choices[..] else {
        panic!("{slots:?}")
    };
    assert_eq!((own.0, other.0), (3, 4));
    assert!((own.1 - e / (e + 1.0)).abs() < 1e-12, "{own:?}");
    let mut scaled = list(5);
    for entry in &mut scaled {
        entry.score = entry.score * 64.0 - 1000.0;
    }
    let scaled = super::slots(&scaled, (&softmax(0.5, 1), 4), &anything);
    assert_eq!(chances(&scaled), chances(&slots));
}

#[test]
fn probabilities_of_a_place_add_up_to_1_and_no_product_has_two_places() {
    let policies = [1e-9, 0.1, 1.0, 1e9].map(|number| softmax(number, 7));
    let policies = policies
        .into_iter()
        .chain([epsilon(1.0, 3), epsilon(0.3, 500)]);
    for how in policies {
        for (length, first) in [(0, 5), (5, 5), (6, 5), (60, 7), (300, 1)] {
            let slots = slots(&list(length), (&how, first), &anything);
            let mut places = Vec::new();
            for slot in &slots {
                let sum: f64 = slot.choices.iter().map(|choice| choice.1).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{how:?} {slot:?}");
                assert!(slot.choices.iter().all(|it| (0.0..=1.0).contains(&it.1)));
                assert!(slot.own() < first && slot.choices[1..].iter().all(|it| it.0 >= first));
                places.extend(slot.choices.iter().map(|it| it.0));
            }
            places.sort_unstable();
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(
                places
                    .iter()
                    .all(|place| *place < first + behind(&how, first))
            );
            assert_eq!(slots.is_empty(), length as usize <= first, "{length}");
        }
    }
}

#[test]
fn what_a_control_holds_or_fills_up_stays_where_it_is() {
    let mut entries = list(9);
    entries[3].raised_by = Some(0);
    entries[1].origin = Origin::Rule;
    entries[5].raised_by = Some(1);
    entries[7].origin = Origin::Backfill;
    let slots = slots(&entries, (&epsilon(0.5, 3), 4), &anything);
    let places = slots.iter().map(|slot| slot.choices.iter().map(|it| it.0));
    let places: Vec<Vec<usize>> = places.map(Iterator::collect).collect();
    assert_eq!(places, [vec![0, 4, 8], vec![2, 6]]);
}

#[test]
fn a_place_is_dealt_only_what_fits() {
    let even = |own: ItemIx, other: ItemIx| own.0 % 2 == other.0 % 2;
    let dealt = slots(&list(10), (&epsilon(0.5, 2), 4), &even);
    let places = dealt.iter().map(|slot| slot.choices.iter().map(|it| it.0));
    let places: Vec<Vec<usize>> = places.map(Iterator::collect).collect();
    assert_eq!(places, [vec![2, 4, 6, 8], vec![3, 5, 7, 9]]);
    let first_only = |own: ItemIx, _: ItemIx| own.0 == 2;
    let dealt = slots(&list(10), (&epsilon(0.5, 2), 4), &first_only);
    assert_eq!((dealt.len(), dealt[0].choices.len()), (1, 7));
    assert!(slots(&list(10), (&epsilon(0.5, 2), 4), &|_, _| false).is_empty());
}

#[test]
fn draws_come_as_often_as_their_probabilities_say_and_for_each_place_by_itself() {
    const DRAWS: u32 = 20_000;
    for how in [epsilon(0.3, 2), softmax(0.4, 2), epsilon(1.0, 2)] {
        let slots = slots(&list(12), (&how, 4), &anything);
        let mut counts = vec![[0u32; 12]; 2];
        let mut both = 0;
        for seed in 0..u64::from(DRAWS) {
            let picked = [0, 1].map(|slot| slots[slot].pick(seed));
            for (slot, (place, chance)) in picked.into_iter().enumerate() {
                counts[slot][place] += 1;
                assert!(slots[slot].choices.contains(&(place, chance)) && chance > 0.0);
            }
            both += u32::from((0..2).all(|slot| picked[slot].0 != slots[slot].own()));
        }
        // Five standard deviations: one in a million draws of a whole run is farther off, and the seeds are fixed.
        let near = |count: u32, chance: f64| {
            let (count, draws) = (f64::from(count), f64::from(DRAWS));
            let deviation = (draws * chance * (1.0 - chance)).sqrt();
            assert!(
                (count - draws * chance).abs() <= 5.0 * deviation + 1e-9,
                "{count} {chance}"
            );
        };
        for (slot, counts) in slots.iter().zip(&counts) {
            for &(place, chance) in &slot.choices {
                near(counts[place], chance);
            }
        }
        let leave = |slot: &Slot| 1.0 - slot.choices[0].1;
        near(both, leave(&slots[0]) * leave(&slots[1]));
    }
}

#[test]
fn a_seed_draws_the_same_again() {
    let slots = slots(&list(40), (&epsilon(0.5, 3), 10), &anything);
    let draw = |seed| slots.iter().map(|slot| slot.pick(seed)).collect::<Vec<_>>();
    assert_eq!(draw(7), draw(7));
    assert!((8..20).any(|seed| draw(seed) != draw(7)));
}
