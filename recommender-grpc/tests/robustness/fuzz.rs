//! Every method of the contract, with any bytes and any messages: no panic, no INTERNAL, and it serves on.

use prost::Message;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_grpc::proto::FILE_DESCRIPTOR_SET;
use tonic::Code;

use crate::arbitrary::Draw;
use crate::raw::{call, path};
use crate::shop::Open;

/// Every method of every service.
fn methods() -> Vec<MethodDescriptor> {
    let mut pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    for standard in [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    ] {
        pool.decode_file_descriptor_set(standard).unwrap();
    }
    let services = pool.services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let methods: Vec<MethodDescriptor> = methods.collect();
    assert!(methods.len() > 4, "{}", methods.len());
    methods
}

/// Codes that say that the server is at fault.
fn is_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss)
}

/// The beginning of messages, as hexadecimal digits.
fn shown(messages: &[Vec<u8>]) -> String {
    let digits = messages.iter().flatten().take(400);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bytes_are_refused_or_answered() {
    let shop = Open::new().await;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for method in methods() {
        for round in 0..40 {
            let mut bytes = vec![0; random.random_range(0..200)];
            random.fill_bytes(&mut bytes);
            let (code, message) = call(shop.channel_of(&method), &method, vec![bytes]).await;
            let path = path(&method);
            assert!(
                !is_fault(code),
                "{path}, round {round}: {code:?}: {message}"
            );
        }
    }
    shop.must_serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_messages_are_refused_or_answered() {
    let shop = Open::new().await;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for method in methods() {
        for round in 0..40 {
            let count = if method.is_client_streaming() {
                random.random_range(0..4)
            } else {
                1
            };
            let mut draw = Draw(&mut random);
            let messages: Vec<_> = (0..count).map(|_| draw.message(&method.input())).collect();
            let bytes: Vec<Vec<u8>> = messages.iter().map(Message::encode_to_vec).collect();
            let channel = shop.channel_of(&method);
            let (code, message) = call(channel, &method, bytes.clone()).await;
            let path = path(&method);
            assert!(
                !is_fault(code),
                "{path}, round {round}: {code:?}: {message}\n{}",
                shown(&bytes)
            );
        }
    }
    shop.must_serve().await;
}
