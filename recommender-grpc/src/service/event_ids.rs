//! Keys of events that came without one.

use ring::digest::{Context, SHA256};

use crate::digits::hex;
use crate::security::Caller;
use crate::service::unique_keys::UniqueKeys;

/// Makes keys of events.
#[derive(Debug, Default)]
pub(crate) struct EventIds(UniqueKeys);

impl EventIds {
    /// A key that nothing else has.
    pub(crate) fn next(&self) -> String {
        self.0.next()
    }

    /// The key of the `number`th event of a call: that of the same event of every repetition, or, without a request id,
    /// one that nothing else has.
    pub(crate) fn of_call(&self, caller: &Caller, request_id: &str, number: usize) -> String {
        if request_id.is_empty() {
            return self.next();
        }
        let mut context = Context::new(&SHA256);
        for part in [&*caller.name, request_id, &number.to_string()] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        hex(&context.finish().as_ref()[..16])
    }
}

/// A short word for a message that says nothing of what is in it.
pub(crate) fn digest(message: &impl prost::Message) -> String {
    let digest = ring::digest::digest(&SHA256, &message.encode_to_vec());
    hex(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_have_one_key_and_others_their_own() {
        let (ids, other) = (EventIds::default(), EventIds::default());
        let ann = Caller::anonymous();
        let mut bob = Caller::anonymous();
        bob.name = "bob".into();
        let first = ids.of_call(&ann, "a", 0);
        assert_eq!((first.len(), &first), (32, &other.of_call(&ann, "a", 0)));
        let others = [
            ids.of_call(&ann, "a", 1),
            ids.of_call(&ann, "b", 0),
            ids.of_call(&bob, "a", 0),
            ids.of_call(&ann, "", 0),
            ids.of_call(&ann, "", 0),
            ids.next(),
            other.next(),
        ];
        let different: std::collections::HashSet<_> = others.iter().chain([&first]).collect();
        assert_eq!(different.len(), 8);
    }
}
