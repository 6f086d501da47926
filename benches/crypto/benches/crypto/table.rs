//! The table of medians and ratios.

use std::time::Duration;

use crate::rows::{By, LIMIT_TO_PRIMITIVES, Operation, Row};

/// Rounds in which all operations take turns.
const ROUNDS: usize = 400;
/// How long one operation works in one round: shorter than a scheduler's slice, so most turns are undisturbed.
const TURN: Duration = Duration::from_micros(400);

/// The durations of one operation, one per round, in microseconds.
struct Series {
    row: Row,
    by: By,
    micros: Vec<f64>,
}

pub(crate) fn print(operations: &mut [Operation]) {
    let series = measure(operations);
    println!(
        "\n{:<43}{:>9}{:>12}{:>8}{:>7}{:>11}{:>8}{:>7}",
        "microseconds, medians", "ours", "primitives", "ratio", "goal", "vodozemac", "ratio", "goal"
    );
    let mut missed = Vec::new();
    for row in Row::ALL {
        let find = |by| series.iter().find(|series| series.row == row && series.by == by);
        let Some(ours) = find(By::Ours) else {
            continue;
        };
        let primitives = Comparison::of(ours, find(By::Primitives), Some(LIMIT_TO_PRIMITIVES));
        let peer = Comparison::of(ours, find(By::Vodozemac), row.limit_to_peer());
        println!(
            "{:<43}{:>9.2}{:>12}{:>8}{:>7}{:>11}{:>8}{:>7}",
            row.name(),
            median(&ours.micros),
            primitives.duration,
            primitives.ratio,
            primitives.goal,
            peer.duration,
            peer.ratio,
            peer.goal
        );
        for comparison in [primitives, peer].iter().filter(|comparison| comparison.missed) {
            missed.push(format!(
                "{}: {} of {}",
                row.name(),
                comparison.ratio,
                comparison.goal
            ));
        }
    }
    println!(
        "noise: {:.1} % (median deviation of a ratio from its median)",
        noise(&series) * 100.0
    );
    if missed.is_empty() {
        println!("every goal is met");
    } else {
        println!("missed:\n  {}", missed.join("\n  "));
    }
}

/// One column pair of a row, as text.
struct Comparison {
    duration: String,
    ratio: String,
    goal: String,
    missed: bool,
}

impl Comparison {
    fn of(ours: &Series, other: Option<&Series>, limit: Option<f64>) -> Self {
        let Some(other) = other else {
            return Self {
                duration: "–".into(),
                ratio: "–".into(),
                goal: "–".into(),
                missed: false,
            };
        };
        let ratio = median(&ratios(ours, other));
        Self {
            duration: format!("{:.2}", median(&other.micros)),
            ratio: format!("{ratio:.2}"),
            goal: limit.map_or("–".into(), |limit| format!("{limit:.2}")),
            missed: limit.is_some_and(|limit| ratio > limit),
        }
    }
}

fn measure(operations: &mut [Operation]) -> Vec<Series> {
    let counts: Vec<u64> = operations.iter_mut().map(turn_length).collect();
    let mut series: Vec<Series> = operations
        .iter()
        .map(|operation| Series {
            row: operation.row,
            by: operation.by,
            micros: Vec::with_capacity(ROUNDS),
        })
        .collect();
    for _ in 0..ROUNDS {
        for ((operation, count), series) in operations.iter_mut().zip(&counts).zip(&mut series) {
            series.micros.push(per_operation(operation.run(*count), *count));
        }
    }
    series
}

/// How many operations fill one turn.
fn turn_length(operation: &mut Operation) -> u64 {
    let mut count = 1;
    while count < 1 << 16 && operation.run(count) < TURN {
        count *= 2;
    }
    count
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_operation(spent: Duration, count: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count as f64
}

fn ratios(one: &Series, other: &Series) -> Vec<f64> {
    one.micros
        .iter()
        .zip(&other.micros)
        .map(|(one, other)| one / other)
        .collect()
}

fn noise(series: &[Series]) -> f64 {
    let mut deviations = Vec::new();
    for ours in series.iter().filter(|series| series.by == By::Ours) {
        for other in series
            .iter()
            .filter(|other| other.row == ours.row && other.by != By::Ours)
        {
            let ratios = ratios(ours, other);
            let middle = median(&ratios);
            deviations.extend(ratios.iter().map(|ratio| (ratio / middle - 1.0).abs()));
        }
    }
    median(&deviations)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
