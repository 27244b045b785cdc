//! What fires, when, and how often.

mod bounds;
mod make;
mod periods;
mod restarts;
mod rules;
