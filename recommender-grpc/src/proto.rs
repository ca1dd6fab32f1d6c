//! The generated types of `recommender.v1`, and their descriptors.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "generated code; the contract itself is documented to the last element"
)]

/// `google.longrunning`: work that goes on after the call that began it was answered.
pub mod longrunning {
    tonic::include_proto!("google.longrunning");
}

/// `google.type`: amounts of money.
pub mod money {
    tonic::include_proto!("google.r#type");
}

/// Points in time and lengths of time, as the contract writes them.
pub use prost_types::{Duration, Timestamp};

tonic::include_proto!("recommender.v1");

/// The encoded `FileDescriptorSet` of the contract and all that it imports, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("recommender.v1");
