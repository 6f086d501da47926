#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| conclave_fuzzing::run("place_entry", input));
