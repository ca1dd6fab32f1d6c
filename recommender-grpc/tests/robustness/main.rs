//! What a server must withstand: any bytes, any messages, in any order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arbitrary;
mod fuzz;
mod promises;
mod raw;
#[allow(dead_code, reason = "other tests look at more of it")]
mod shop;
