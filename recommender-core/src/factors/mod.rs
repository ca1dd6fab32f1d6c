//! Vectors of numbers for rows of a matrix: what factor models learn with and answer from.
//!
//! A shopper's vector x scores an item's vector v by x · v. The rows are padded with zeros to whole SIMD registers;
//! the kernels run on the widest the processor has.

mod bytes;
mod items;
mod matrix;
mod scan;
mod vector;

pub(crate) use items::ItemFactors;
pub(crate) use matrix::Factors;
pub(crate) use vector::{LANES, Rows, dot, on_best_simd};
