use recommender_core::pipeline::ModelConfig;

use super::*;

fn shape(kind: &str) -> Shape {
    Shape {
        kind: kind.to_owned(),
        neighbours: None,
        factors: None,
    }
}

fn shop(items: u64) -> Shop {
    Shop {
        users: 10 * items,
        items,
        interactions: 100 * items,
        events: 120 * items,
        stock_levels: 20 * items,
        key_bytes: 16,
        product_bytes: 200,
        kept_answers_bytes: 32 << 20,
    }
}

#[test]
fn every_model_of_the_library_can_be_sized() {
    assert_eq!(models::kinds(), ModelConfig::NAMES);
    for kind in ModelConfig::NAMES {
        let bytes = served(&shape(kind), &shop(1000)).bytes;
        assert!(bytes > 0, "{kind}");
        assert!(fitted(&shape(kind), &shop(1000)).bytes > bytes, "{kind}");
    }
    assert_eq!(served(&shape("oracle"), &shop(1000)).bytes, 0);
}

#[test]
fn a_model_of_all_pairs_grows_with_the_square() {
    let bytes = |items| served(&shape("ease"), &shop(items)).bytes;
    assert_eq!(bytes(1000), 4_012_000);
    assert_eq!(bytes(2000), 16_024_000);
    let few = Shape {
        neighbours: Some(10),
        ..shape("item_knn")
    };
    assert_eq!(served(&few, &shop(1000)).bytes, 1000 * 96);
}

#[test]
fn answers_to_be_explained_count_with_all_that_they_may_take() {
    let with = |kept_answers_bytes| Shop {
        kept_answers_bytes,
        ..shop(1000)
    };
    let serving = |kept| total(&with(kept).parts(&[]), Use::Serving);
    assert_eq!(serving(1 << 30) - serving(0), 1 << 30);
    let parts = with(5).parts(&[]);
    let kept = parts.iter().find(|part| part.name == "kept answers");
    assert_eq!(kept.unwrap().bytes, 5);
}

#[test]
fn the_largest_numbers_are_no_overflow() {
    let most = u64::MAX;
    let vast = Shop {
        users: most,
        items: most,
        interactions: most,
        events: most,
        stock_levels: most,
        key_bytes: 1024,
        product_bytes: 1 << 20,
        kept_answers_bytes: most,
    };
    let shapes: Vec<Shape> = ModelConfig::NAMES.iter().map(|kind| shape(kind)).collect();
    let parts = vast.parts(&shapes);
    assert_eq!(total(&parts, Use::Serving), most);
    let none = Shop::default().parts(&[]);
    assert!(total(&none, Use::Serving) >= PROGRAM);
}
