//! The attributes of an event, as files write them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::rows::Cell;

/// What messages expect.
const EXPECTED: &str = "an object of JSON whose values are texts, numbers or truth values";

/// Reads the attributes of a cell into `attributes`. Numbers and truth values become texts, what is null is left out.
///
/// # Errors
/// What was expected, if the cell holds something else.
pub(super) fn read(
    cell: Cell<'_>,
    attributes: &mut BTreeMap<String, String>,
) -> Result<(), &'static str> {
    match cell {
        Cell::Missing => Ok(()),
        Cell::Object(object) => add(object, attributes),
        Cell::Text(text) => {
            let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| EXPECTED)?;
            add(&object, attributes)
        }
        Cell::Integer(_) | Cell::Number(_) | Cell::Time(_) | Cell::Unreadable(_) => Err(EXPECTED),
    }
}

fn add(
    object: &Map<String, Value>,
    attributes: &mut BTreeMap<String, String>,
) -> Result<(), &'static str> {
    for (name, value) in object {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(EXPECTED),
        };
        attributes.insert(name.clone(), text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::events::read::EventReader;
    use crate::events::{Event, EventSink, Taken};
    use crate::rows::Format;

    struct Shown(Vec<String>);

    impl EventSink for Shown {
        fn take(&mut self, _: u64, event: &Event) -> crate::Result<Taken> {
            self.0.push(format!("{:?}", event.attributes));
            Ok(Taken::Kept)
        }
    }

    fn shown(format: Format, text: &str) -> crate::Result<Vec<String>> {
        let mut sink = Shown(Vec::new());
        EventReader::new(format).read("in", text.as_bytes(), &mut sink)?;
        Ok(sink.0)
    }

    #[test]
    fn attributes_are_an_object_of_json_in_any_format() {
        let csv = "visitor,item,time,attributes\na,b,1,\"{\"\"size\"\":\"\" L \"\",\"\"n\"\":2}\"\na,b,2,\n";
        let expected = [r#"{"n": "2", "size": " L "}"#, "{}"];
        assert_eq!(shown(Format::Csv, csv).unwrap(), expected);
        let row = |attributes: &str| {
            format!("{{\"visitor\":1,\"item\":2,\"time\":3,\"attributes\":{attributes}}}\n")
        };
        let rows = row(r#"{"size":" L ","n":2,"x":null}"#) + &row("null");
        assert_eq!(shown(Format::Jsonl, &rows).unwrap(), expected);
        for wrong in ["[1]", "7", "\"red\"", r#"{"a":{"b":1}}"#] {
            let error = shown(Format::Jsonl, &row(wrong)).unwrap_err().to_string();
            assert!(
                error.contains("row 1, field \"attributes\": expected an object of JSON"),
                "{error}"
            );
        }
    }
}
