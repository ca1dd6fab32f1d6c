//! What an audited request is about: the resource name in its first message, wherever the contract put it.

/// Most bytes of a request that are kept to look for the name.
pub(crate) const KEPT_BYTES: usize = 4096;

/// What resource names begin with.
const BEGINNING: &[u8] = b"catalogs/";

/// Messages within messages that are looked into.
const DEPTH: usize = 2;

/// The first resource name in a message as gRPC sends it, head and all, of which the end may be missing.
pub(crate) fn resource_name(sent: &[u8]) -> Option<&[u8]> {
    within(sent.get(5..)?, DEPTH)
}

fn within(mut message: &[u8], depth: usize) -> Option<&[u8]> {
    while !message.is_empty() {
        let kind = varint(&mut message)? & 7;
        let length = match kind {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let value = message.get(..length)?;
        message = &message[length..];
        if kind != 2 {
            continue;
        }
        if value.starts_with(BEGINNING) {
            return Some(value);
        }
        if depth > 1
            && let Some(found) = within(value, depth - 1)
        {
            return Some(found);
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::proto::longrunning::{GetOperationRequest, ListOperationsRequest};
    use crate::proto::{BatchRecommendRequest, RecommendRequest};

    fn sent(message: &impl Message) -> Vec<u8> {
        [&[0; 5][..], &message.encode_to_vec()].concat()
    }

    #[test]
    fn a_name_is_found_where_it_stands() {
        let name = "catalogs/default/servingConfigs/home";
        let request = RecommendRequest {
            serving_config: name.into(),
            ..RecommendRequest::default()
        };
        let batch = BatchRecommendRequest {
            requests: vec![request.clone()],
            ..BatchRecommendRequest::default()
        };
        assert_eq!(resource_name(&sent(&request)), Some(name.as_bytes()));
        assert_eq!(resource_name(&sent(&batch)), Some(name.as_bytes()));
        let list = ListOperationsRequest {
            page_size: 300,
            name: "catalogs/default".into(),
            ..ListOperationsRequest::default()
        };
        assert_eq!(resource_name(&sent(&list)), Some(&b"catalogs/default"[..]));
        let other = GetOperationRequest {
            name: "operations/7".into(),
        };
        assert_eq!(resource_name(&sent(&other)), None);
    }

    proptest! {
        #[test]
        fn whatever_was_sent_is_read_to_its_end(sent in proptest::collection::vec(any::<u8>(), 0..200)) {
            let found = resource_name(&sent);
            prop_assert!(found.is_none_or(|name| name.starts_with(BEGINNING)));
        }
    }
}
