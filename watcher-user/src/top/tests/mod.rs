//! What `top` promises, shown on a scripted source.

mod formats;
mod looping;
mod make;
mod selecting;
