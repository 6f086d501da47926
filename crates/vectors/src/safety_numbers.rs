//! `safety_numbers.json`: what two people compare.

use conclave_crypto::safety_numbers::SafetyNumber;
use serde::{Deserialize, Serialize};

use crate::file::{Counts, file, read};
use crate::random::Fixed;
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "safety_numbers.json";

const ABOUT: &[&str] = &[
    "The safety number of two accounts, and the code that each of both shows for scanning.",
    "A refused code is what `one` scans where it expects the code of `other`.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SafetyNumbers {
    safety_numbers: Vec<Pair>,
    refused_codes: Vec<RefusedCode>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    one: Hex,
    other: Hex,
    digits: String,
    code_of_one: Hex,
    code_of_other: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedCode {
    why: String,
    one: Hex,
    other: Hex,
    code: Hex,
    reason: String,
}

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("safety numbers");
    let mut pairs = vec![([1; 32], [2; 32]), ([2; 32], [1; 32]), ([7; 32], [7; 32])];
    pairs.extend((0..5).map(|_| (rng.array(), rng.array())));
    let safety_numbers: Vec<Pair> = pairs.into_iter().map(|(one, other)| make(one, other)).collect();
    let (one, other) = (safety_numbers[3].one.clone(), safety_numbers[3].other.clone());
    let code = &safety_numbers[3].code_of_other.0;
    let last = code.len() - 1;
    let alter = |position: usize| {
        let mut altered = code.clone();
        altered[position] ^= 1;
        altered
    };
    let refused_codes = [
        ("one's own code", safety_numbers[3].code_of_one.0.clone()),
        (
            "the code of other people",
            safety_numbers[4].code_of_other.0.clone(),
        ),
        ("another label", alter(2)),
        ("another version", alter(code.len() - 65)),
        ("another first fingerprint", alter(code.len() - 64)),
        ("another second fingerprint", alter(last)),
        ("cut", code[..last].to_vec()),
        ("extended", [&code[..], &[0]].concat()),
        ("empty", Vec::new()),
    ]
    .into_iter()
    .map(|(why, code)| {
        let reason = scan(&one, &other, &code)?.expect_err("these codes are refused");
        Ok(RefusedCode {
            why: why.into(),
            one: one.clone(),
            other: other.clone(),
            code: code.into(),
            reason,
        })
    })
    .collect::<Result<_, Refusal>>()?;
    Ok(file(
        NAME,
        ABOUT,
        SafetyNumbers {
            safety_numbers,
            refused_codes,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: SafetyNumbers = read(NAME, json)?;
    let mut counts = Counts::default();
    for vector in &vectors.safety_numbers {
        let again = make(vector.one.array()?, vector.other.array()?);
        same("the safety number", &again.digits, &vector.digits)?;
        let other_way = SafetyNumber::new(&vector.other.array()?, &vector.one.array()?);
        same(
            "the other side's safety number",
            &other_way.digits(),
            &vector.digits,
        )?;
        same("the code of one", again.code_of_one, vector.code_of_one.clone())?;
        same(
            "the code of the other",
            again.code_of_other,
            vector.code_of_other.clone(),
        )?;
        scan(&vector.one, &vector.other, &vector.code_of_other.0)?.context("the code of the other")?;
        scan(&vector.other, &vector.one, &vector.code_of_one.0)?.context("the code of one")?;
    }
    counts.add("safety number", vectors.safety_numbers.len());
    for vector in &vectors.refused_codes {
        refused(scan(&vector.one, &vector.other, &vector.code.0)?, &vector.reason).context(&vector.why)?;
    }
    counts.add("safety code refused", vectors.refused_codes.len());
    Ok(counts)
}

fn make(one: [u8; 32], other: [u8; 32]) -> Pair {
    let number = SafetyNumber::new(&one, &other);
    Pair {
        one: one.into(),
        other: other.into(),
        digits: number.digits(),
        code_of_one: number.code().into(),
        code_of_other: SafetyNumber::new(&other, &one).code().into(),
    }
}

fn scan(one: &Hex, other: &Hex, code: &[u8]) -> Result<Result<(), String>, Refusal> {
    let number = SafetyNumber::new(&one.array()?, &other.array()?);
    Ok(number.compare(code).map_err(|error| error.to_string()))
}
