//! Plots as inline SVG, readable in light and dark and without colours: each series has a mark of its own.

mod chart;
mod html;
mod scale;

pub use chart::{Chart, Point, Series};
pub use html::{Table, escape};
pub use scale::{Axis, Scale};
