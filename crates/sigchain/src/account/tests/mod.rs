//! The rules of account chains, said as sentences.

mod bits;
mod forks;
mod harness;
mod model;
mod questions;
mod rules;
