//! Messages of any type of the contract, drawn at random.

use std::collections::HashMap;

use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;

/// How deep messages hold one another.
const DEEPEST: usize = 5;

/// Texts that mean something somewhere, and some that should not.
const TEXTS: &[&str] = &[
    "",
    "home",
    "cup-0",
    "lamp-3",
    "north",
    "south",
    "nowhere",
    "ann",
    "cup-buyer-1",
    "catalogs/default",
    "catalogs/default/servingConfigs/home",
    "catalogs/default/servingConfigs/other",
    "catalogs/default/products/cup-0",
    "catalogs/default/controls/one",
    "catalogs/default/models/home",
    "catalogs/default/places/north",
    "catalogs/default/users/ann",
    "catalogs//products/",
    "operations/1",
    "operations",
    "loyalty",
    "cookie",
    "EUR",
    "1",
    "-1",
    "price < 10",
    "brands: ANY(\"a\") AND NOT (",
    "../../etc/passwd",
    "/etc/passwd",
    "sources = [{ model = { kind = 'popularity' } }]",
    "\u{0}",
    "\u{202e}ünï𝄞",
    "2026-11-22T00:00:00Z",
    "title",
    "display_name,title,*",
];

/// Draws messages.
pub(crate) struct Draw<'a>(pub(crate) &'a mut ChaCha8Rng);

impl Draw<'_> {
    /// A message of this type.
    pub(crate) fn message(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        self.within(of, 0)
    }

    fn within(&mut self, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        let fields: Vec<FieldDescriptor> = of.fields().collect();
        for field in fields {
            let deep = depth >= DEEPEST && matches!(field.kind(), Kind::Message(_));
            if !deep && self.0.random_bool(0.5) {
                let value = self.field(&field, depth);
                message.set_field(&field, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        if field.is_map() {
            return self.map(field, depth);
        }
        if field.is_list() {
            let count = if self.0.random_bool(0.02) {
                300
            } else {
                self.0.random_range(0..4)
            };
            let values = (0..count).map(|_| self.value(&field.kind(), depth));
            return Value::List(values.collect());
        }
        self.value(&field.kind(), depth)
    }

    fn map(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let Kind::Message(entry) = field.kind() else {
            unreachable!("the entries of maps are messages");
        };
        let value = entry.map_entry_value_field();
        let count = self.0.random_range(0..4);
        let pairs = (0..count).map(|_| {
            let key = MapKey::String(self.text());
            (key, self.value(&value.kind(), depth))
        });
        Value::Map(pairs.collect::<HashMap<_, _>>())
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        match kind {
            Kind::Double => Value::F64(self.double()),
            Kind::Float => Value::F32(self.double() as f32),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.whole() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.whole()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.whole() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.whole().cast_unsigned()),
            Kind::Bool => Value::Bool(self.0.random()),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => {
                let mut bytes = vec![0; self.0.random_range(0..40)];
                self.0.fill_bytes(&mut bytes);
                Value::Bytes(Bytes::from(bytes))
            }
            Kind::Message(of) => Value::Message(self.within(of, depth + 1)),
            Kind::Enum(of) => {
                let numbers: Vec<i32> = of.values().map(|value| value.number()).collect();
                let known = self.0.random_bool(0.9);
                let number = numbers.choose(self.0).copied().unwrap_or_default();
                Value::EnumNumber(if known { number } else { self.whole() as i32 })
            }
        }
    }

    fn whole(&mut self) -> i64 {
        const EDGES: [i64; 8] = [0, 1, -1, 2, 20, i64::MAX, i64::MIN, i32::MAX as i64];
        if self.0.random_bool(0.7) {
            return *EDGES.choose(self.0).unwrap();
        }
        self.0.random()
    }

    fn double(&mut self) -> f64 {
        const EDGES: [f64; 8] = [
            0.0,
            1.0,
            -1.0,
            0.5,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
        ];
        *EDGES.choose(self.0).unwrap()
    }

    fn text(&mut self) -> String {
        if self.0.random_bool(0.03) {
            return "x".repeat(self.0.random_range(1000..20_000));
        }
        (*TEXTS.choose(self.0).unwrap()).to_owned()
    }
}
