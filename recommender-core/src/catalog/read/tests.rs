use super::*;

fn read(map: &str, text: &str) -> Result<(Vec<Product>, ReadReport)> {
    let map = ProductMap::from_toml("m", map)?;
    let reader = ProductReader::new(Format::Csv).with_map(map);
    reader.read("in", text.as_bytes())
}

#[test]
fn every_field_of_a_product_arrives() {
    let map = r#"
        columns = { key = "sku", title = "name" }
        category_levels = ["group", "type"]
        attributes = { colour = "colour", watts = "watts" }
        key_case = "upper"
    "#;
    let text = "sku,name,description,categories,brand,tags,price,group,type,colour,watts\n\
        a1, Blue cup ,For tea,Home > Kitchen | Gifts,Acme,new|sale,2.5,Ladies,Tops,blue,40\n";
    let (products, _) = read(map, text).unwrap();
    let expected = Product {
        key: "A1".into(),
        title: "Blue cup".into(),
        description: "For tea".into(),
        categories: vec![
            vec!["Home".into(), "Kitchen".into()],
            vec!["Gifts".into()],
            vec!["Ladies".into(), "Tops".into()],
        ],
        brand: Some("Acme".into()),
        tags: vec!["new".into(), "sale".into()],
        price: Some(2.5),
        attributes: [
            ("colour".into(), AttributeValue::Text("blue".into())),
            ("watts".into(), AttributeValue::Number(40.0)),
        ]
        .into(),
    };
    assert_eq!(products, [expected]);
}

/// Three rows of one key, out of the order of their times.
const LINES: &str = "item,title,price,time\n\
    cup,OLD CUP,1,2011-01-03\ncup,CUP,3,2011-01-09\ncup,,2,2011-01-05\ncup,CUP,,2011-01-12\npot,POT,7,2011-01-12\n";

#[test]
fn many_rows_of_a_key_give_the_usual_title_and_the_latest_price() {
    let (products, report) = read("", LINES).unwrap();
    assert_eq!((report.rows, report.kept, products.len()), (5, 5, 2));
    assert_eq!(
        (products[0].title.as_str(), products[0].price),
        ("CUP", Some(3.0))
    );
}

#[test]
fn rows_at_or_after_a_time_are_left_out_and_counted() {
    let time = Timestamp::from_seconds(1_294_531_200); // 2011-01-09
    let reader = ProductReader::new(Format::Csv).before(time);
    let (products, report) = reader.read("in", LINES.as_bytes()).unwrap();
    assert_eq!(products.len(), 1);
    assert_eq!(
        (products[0].title.as_str(), products[0].price),
        ("OLD CUP", Some(2.0))
    );
    assert_eq!((report.kept, report.dropped_rows()), (2, 3));
    let untimed = reader.read("in", "item,title\ncup,CUP\n".as_bytes());
    assert!(untimed.unwrap_err().to_string().contains("\"time\""));
    let empty = reader.read("in", "item,title,time\ncup,CUP,\n".as_bytes());
    assert!(
        empty
            .unwrap_err()
            .to_string()
            .contains("row 2, field \"time\"")
    );
}

#[test]
fn lists_of_json_become_tags_and_categories() {
    let text =
        r#"{"key":"cup","tags":["new","red"],"categories":["Home > Cups","Gifts"],"price":null}"#;
    let (products, _) = ProductReader::new(Format::Jsonl)
        .read("in", text.as_bytes())
        .unwrap();
    assert_eq!(products[0].tags, ["new", "red"]);
    assert_eq!(
        products[0].categories,
        [vec!["Home", "Cups"], vec!["Gifts"]]
    );
    assert_eq!(products[0].price, None);
}

#[test]
fn wrong_rows_and_maps_are_refused() {
    for (text, expected) in [
        ("sku,title\na,b\n", "\"key\" or \"item\""),
        (
            "key,price\n,1\n",
            "row 2, field \"key\": expected the key of a product",
        ),
        (
            "key,price\na,NaN\n",
            "field \"price\": expected a finite number",
        ),
        ("key,time\na,soon\n", "field \"time\""),
    ] {
        let error = read("", text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(read("list_separator = \"\"", "key\na\n").is_err());
    assert!(read("columns = { key = \"\" }", "key\na\n").is_err());
    assert!(read("colour = 1", "key\na\n").is_err());
    let adjacency = ProductReader::new(Format::Adjacency).read("in", b"a b".as_slice());
    assert!(matches!(adjacency, Err(Error::Config(_))));
}
