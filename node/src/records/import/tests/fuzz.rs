//! What no file and no mapping can do: make an import panic, or fail without naming a place. Bounded and seeded; what
//! once went wrong is kept in `REGRESSIONS`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::records::mapping::BuiltIn;

const RUNS: u64 = 500;

/// Pieces that exports are made of, and that they are broken with.
const PIECES: [&str; 30] = [
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "\"\"",
    "'",
    "\u{feff}",
    "\0",
    "\u{fffd}",
    "é",
    "\u{a0}",
    "ID",
    "GENDER",
    "RACE",
    "START",
    "CREDITS",
    "COHORT",
    "s1",
    "F",
    "7",
    "09/01/2025",
    "12.5",
    "2025-26",
    "99999999999999999999999999999",
    "-",
    "sep=;",
];

/// Files that once made an import panic. None so far.
const REGRESSIONS: [&[u8]; 0] = [];

fn pick<'a, T: ?Sized>(rng: &mut ChaCha8Rng, from: &[&'a T]) -> &'a T {
    from[rng.next_u32() as usize % from.len()]
}

/// Cuts, repeats, replaces and inserts pieces and bytes.
fn broken(text: &str, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..rng.next_u32() % 4 {
        let at = rng.next_u32() as usize % (bytes.len() + 1);
        let end = (at + rng.next_u32() as usize % 5).min(bytes.len());
        let piece = match rng.next_u32() % 5 {
            0 => Vec::new(),
            1 => bytes[at..end].repeat(3),
            2 => vec![rng.next_u32().to_le_bytes()[0]],
            _ => pick(rng, &PIECES).as_bytes().to_vec(),
        };
        bytes.splice(at..end, piece);
    }
    bytes
}

#[test]
fn no_file_makes_an_import_panic_or_fail_without_a_place() {
    let good = rows(
        "s1,F,7,09/01/2025,12.5,2025-26\n\"s2\",M,1,\"01/10/2026\",,2025\ns3,F,2,1/2/2025,3,2024\n",
    );
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_124);
    let mut files = Files::one(MAPPING, &good);
    let (mut read, mut refused) = (0, 0);
    let regressions = REGRESSIONS.iter().map(|bytes| bytes.to_vec());
    let mutants = (0..RUNS).map(|_| broken(&good, &mut rng)).collect::<Vec<_>>();
    for bytes in regressions.chain(mutants) {
        fs::write(&files.sources[0].path, &bytes).unwrap();
        files.only.clear();
        let result = catch_unwind(AssertUnwindSafe(|| files.read()));
        match result.unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&bytes))) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                for line in text.lines().skip(1) {
                    let placed =
                        line.contains("students.csv`") || line.starts_with("stopped after");
                    assert!(placed, "{text}");
                }
                assert!(text.lines().count() > 1, "{text}");
            }
        }
    }
    assert!(read > RUNS / 20 && refused > RUNS / 4, "{read} read, {refused} refused");
}

#[test]
fn no_mapping_makes_reading_it_panic_or_fail_without_a_line() {
    let examples = [
        MAPPING,
        BuiltIn::named("pdp").unwrap().text,
        include_str!("../../../../../examples/mappings/banner-enrolment.toml"),
        include_str!("../../../../../examples/mappings/peoplesoft-terms.toml"),
        include_str!("../../../../../examples/mappings/workday-hires.toml"),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(11_24);
    let mut refused = 0;
    for _ in 0..RUNS {
        let bytes = broken(pick(&mut rng, &examples), &mut rng);
        let path = PathBuf::from("m.toml");
        let result = catch_unwind(|| Mapping::read(&bytes, &path, schema()));
        let result = result.unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&bytes)));
        if let Err(error) = result {
            refused += 1;
            let text = error.to_string();
            assert!(text.lines().skip(1).all(|line| line.starts_with("line ")), "{text}");
        }
    }
    assert!(refused > RUNS / 4, "{refused}");
}
