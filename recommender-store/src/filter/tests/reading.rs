//! What is no filter, and that nothing that is read can do harm.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, column, expected, found) in [
        ("colour = red", 1, "attributes.NAME", "colour"),
        ("price = \"x\"", 9, "an amount", "\"x\""),
        ("price < cheap", 9, "an amount", "cheap"),
        ("price < 1e3", 9, "an amount", "1e3"),
        ("price < - 5", 9, "an amount", "-"),
        ("margin > \"1\"", 10, "a number", "\"1\""),
        ("margin > 1e999", 10, "a number", "1e999"),
        ("hidden = yes", 10, "true or false", "yes"),
        ("hidden < true", 8, "no order", "<"),
        ("tags >= b", 6, "no order", ">="),
        ("attributes.x < old", 16, "a number", "old"),
        (
            "available_time > 2026-02-30T00:00:00Z",
            18,
            "a time",
            "2026-02-30",
        ),
        ("eligible_channels: tv", 20, "point_of_sale", "tv"),
        ("availability: gone", 15, "backorder", "gone"),
        ("categories: \"a >  > b\"", 13, "a category", "\"a >  > b\""),
        ("tags", 5, "=, !=", "the end"),
        ("tags:", 6, "a text", "the end"),
        ("tags: AND", 7, "a text", "AND"),
        ("tags: ANY()", 11, "a text", ")"),
        ("tags: ANY(a b)", 13, ", or )", "b"),
        ("tags: ANY(a,", 13, "a text", "the end"),
        ("tags:a OR", 10, "a field or (", "the end"),
        ("tags:a tags:b)", 14, "AND, OR", ")"),
        ("(tags:a", 8, "or )", "the end"),
        ("()", 2, "a field or (", ")"),
        ("NOT NOT tags:a", 5, "a field", "NOT"),
        ("\u{e9}t\u{e9} = x", 1, "a field", "\u{e9}t\u{e9}"),
        ("tags: \"\u{e9}\\x\"", 9, "one of", "\\x"),
        ("tags: 'abc", 11, "a closing '", "the end"),
        ("tags ! a", 6, "!=", "!"),
        ("attributes. = 5", 1, "attributes.NAME", "attributes."),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
        assert!(error.found.contains(found), "{text}: {error}");
    }
    let unknown = Filter::parse("colour = red").unwrap_err();
    assert!(unknown.expected.contains("available_quantity"), "{unknown}");
    let long = Filter::parse(&format!("{}:1", "x".repeat(2_000))).unwrap_err();
    assert!(long.found.len() < 50, "{long}");
}

#[test]
fn a_filter_has_its_limits() {
    let nested = |depth: usize| format!("{}tags:a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(MAX_DEPTH)).is_ok());
    let error = Filter::parse(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.column, MAX_DEPTH + 1);
    assert!(Filter::parse(&nested(2_000)).is_err());
    let listed = |values: usize| format!("rating.count: ANY({}1)", "1,".repeat(values - 1));
    assert!(Filter::parse(&listed(MAX_VALUES)).is_ok());
    assert!(Filter::parse(&listed(MAX_VALUES + 1)).is_err());
    let clauses = |clauses: usize| "tags:a ".repeat(clauses);
    assert!(Filter::parse(&clauses(MAX_CLAUSES)).is_ok());
    assert!(Filter::parse(&clauses(MAX_CLAUSES + 1)).is_err());
    let long = |bytes: usize| format!("tags: \"{}\"", "x".repeat(bytes - 8));
    assert!(Filter::parse(&long(MAX_BYTES)).is_ok());
    assert!(Filter::parse(&long(MAX_BYTES + 1)).is_err());
    // Quotes and blanks make this one longer than it may be.
    let terse = (0..900).map(|number| format!("{number}"));
    let terse = format!("tags:ANY({})", terse.collect::<Vec<_>>().join(","));
    let error = Filter::parse(&terse).unwrap_err();
    assert!(terse.len() < MAX_BYTES && error.expected.contains("normal form"));
}

/// Pieces that filters are made of, right and wrong ones.
const PIECES: [&str; 44] = [
    "price",
    "tags",
    "categories",
    "margin",
    "hidden",
    "available_time",
    "eligible_channels",
    "availability",
    "attributes.x",
    "attributes.",
    "attributes.\"a b\"",
    "rating.count",
    "id",
    "AND",
    "OR",
    "NOT",
    "-",
    "(",
    ")",
    ":",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "ANY",
    "ANY(",
    ",",
    "*",
    "\"a > b\"",
    "'it''s'",
    "\"\\n\\\"\"",
    "5",
    "-3.5",
    "1e9",
    "0.10",
    "true",
    "2026-01-31T12:00:00.5+01:00",
    "web",
    "preorder",
    "\u{e9}",
    "\"",
    "\\",
];

fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&PIECES[..]);
    let joined = prop::sample::select(&["", " "][..]);
    let pieces = prop::collection::vec((piece, joined), 0..40);
    pieces.prop_map(|pieces| pieces.iter().flat_map(|(a, b)| [*a, *b]).collect())
}

fn clause() -> impl Strategy<Value = String> {
    let text = "[a-z \"\\\\\n>\u{e9}-]{0,6}".prop_map(|text: String| token::quote(&text));
    let texts = prop::collection::vec(text.clone(), 1..4).prop_map(|texts| texts.join(" , "));
    let name =
        "[a-z .\"]{1,4}".prop_map(|name: String| format!("attributes.{}", token::quote(&name)));
    let order = prop::sample::select(&["<", "<=", ">", ">=", "=", "!=", ":"][..]);
    prop_oneof![
        text.prop_map(|text| format!("title != {text}")),
        texts.prop_map(|texts| format!("tags: ANY({texts})")),
        (order.clone(), any::<i32>(), 0..1_000u32)
            .prop_map(|(o, units, cents)| format!("price {o} {units}.{cents:03}")),
        (order.clone(), any::<f64>())
            .prop_filter("finite", |(_, it)| it.is_finite())
            .prop_map(|(o, number)| format!("margin {o} {number:e}")),
        (order, name, -9..9i32).prop_map(|(o, name, number)| format!("{name}{o}{number}")),
        Just("available_time:*".to_owned()),
    ]
}

fn filters() -> impl Strategy<Value = String> {
    clause().prop_recursive(6, 24, 4, |inner| {
        let join = prop::sample::select(&[" AND ", " OR ", " "][..]);
        let parts = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (parts, join).prop_map(|(parts, join)| format!("({})", parts.join(join))),
            inner.prop_map(|inner| format!("-({inner})")),
        ]
    })
}

/// What is read prints such that the same is read again.
fn assert_stable(text: &str) -> Result<(), TestCaseError> {
    if let Ok(filter) = Filter::parse(text) {
        let normal = filter.to_string();
        let again = Filter::parse(&normal);
        prop_assert_eq!(again.as_ref(), Ok(&filter), "{} became {}", text, normal);
        prop_assert_eq!(again.unwrap().to_string(), normal);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_does_harm(text in any::<String>(), soup in soup()) {
        assert_stable(&text)?;
        assert_stable(&soup)?;
    }

    #[test]
    fn what_is_a_filter_is_read_and_read_again(text in filters()) {
        let read = Filter::parse(&text);
        let too_much = read.as_ref().is_err_and(|error| error.expected.contains("at most"));
        prop_assert!(read.is_ok() || too_much, "{}: {:?}", text, read);
        assert_stable(&text)?;
    }
}
