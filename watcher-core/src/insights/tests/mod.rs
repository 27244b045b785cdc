//! Time lines as programs make them, read second by second, and what is said of them.

mod bounds;
mod make;
mod quiet;
mod shapes;
