//! Three people with two devices each, through a month: everybody ends with the same.
//!
//! | module | owns |
//! |---|---|
//! | `cast` | the people, and what they do |
//! | `ending` | what each device shows at the end, and what of it has to be equal |
//! | `told` | one month, day by day |
//! | `any` | months as chance has them, with losses and restarts |
//!
//! `CONCLAVE_TEST_MONTHS` says how many months `any` tries instead of its ordinary ones; `CONCLAVE_TEST_MONTH` names one
//! to try alone.

mod any;
mod cast;
mod ending;
mod told;
