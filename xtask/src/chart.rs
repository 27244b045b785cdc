//! Charts for the pages in docs/, as SVG.

pub mod lines;
