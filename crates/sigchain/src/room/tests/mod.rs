//! The rules as sentences, and a model of them.

mod bytes;
mod channels;
mod checkpoints;
mod claims;
mod frame;
mod joining;
mod leaving;
mod limits;
mod model;
mod people;
mod rebasing;
mod roles;
mod speed;
