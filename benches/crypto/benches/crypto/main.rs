//! Native benchmarks of `conclave-crypto`, of vodozemac, and of the primitives alone, in one run.
//!
//! Criterion measures each operation first and keeps its history below `target/criterion`. Then all operations
//! take turns in short rounds, and one table shows the medians and their ratios: a machine that is busy for a
//! while slows down both sides of a ratio alike. With a filter that fits nothing, only the table is made:
//! `cargo bench -p conclave-bench-crypto -- none`.
//!
//! Where the clock cannot be trusted, count instructions: with `CONCLAVE_BENCH_COUNT="ours: AEAD seal 1 KB=200"`
//! that operation runs 200 times and nothing else does, so two runs of `valgrind --tool=callgrind` with different
//! counts differ by the operation alone.
//!
//! One more row is one more variant of [`Row`] and one function in each of `ours`, `peer` and `primitives` that
//! has it.

mod clock;
mod ours;
mod peer;
mod primitives;
mod rows;
mod table;

use std::time::Duration;

use criterion::Criterion;

use crate::rows::Operation;

fn operations() -> Vec<Operation> {
    [ours::operations(), peer::operations(), primitives::operations()]
        .into_iter()
        .flatten()
        .collect()
}

fn main() {
    let mut operations = operations();
    if let Ok(wanted) = std::env::var("CONCLAVE_BENCH_COUNT") {
        return run_alone(&mut operations, &wanted);
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .sample_size(30)
        .without_plots()
        .configure_from_args();
    for operation in &mut operations {
        criterion.bench_function(&operation.name(), |bencher| {
            bencher.iter_custom(|count| operation.run(count));
        });
    }
    criterion.final_summary();
    table::print(&mut operations);
}

fn run_alone(operations: &mut [Operation], wanted: &str) {
    let (name, count) = wanted.rsplit_once('=').expect("the form is `name=count`");
    let count = count.parse().expect("the count is a number");
    let operation = operations
        .iter_mut()
        .find(|operation| operation.name() == name)
        .expect("there is an operation of that name");
    operation.run(count);
}
