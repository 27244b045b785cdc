//! Charts for pages, as SVG.

pub mod bars;
