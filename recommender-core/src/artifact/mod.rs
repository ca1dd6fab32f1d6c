//! A fitted pipeline on its way to and from storage.

mod tensors;

pub use tensors::{Element, TensorSink, Tensors};
