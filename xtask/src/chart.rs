//! Charts for the pages in docs/, as SVG.

pub mod bars;
pub mod lines;
