//! Real registrations at a real university, against figures computed elsewhere.

use std::collections::BTreeSet;

use super::*;

/// Module, registrations, learners at the module, completed registrations.
const KNOWN: [(&str, usize, usize, usize); 7] = [
    ("AAA", 748, 712, 531),
    ("BBB", 7_909, 7_692, 3_754),
    ("CCC", 4_434, 4_251, 1_678),
    ("DDD", 6_272, 5_848, 2_610),
    ("EEE", 2_934, 2_859, 1_650),
    ("FFF", 7_762, 7_397, 3_648),
    ("GGG", 2_534, 2_525, 1_514),
];

#[test]
fn reads_seven_modules_as_seven_colleges() {
    let data = std::env::var_os("SUMAC_TEST_DATA").map(PathBuf::from);
    let path = data.map(|data| data.join("oulad/studentInfo.csv")).filter(|path| path.exists());
    let Some(path) = path else {
        let why = "skipped: SUMAC_TEST_DATA does not name a directory that holds `oulad`";
        assert!(std::env::var_os("SUMAC_TEST_DATA_REQUIRED").is_none(), "{why}");
        eprintln!("{why}");
        return;
    };
    let agreement = include_bytes!("../../../../../examples/mou/oulad/mou.toml");
    let mou = Mou::read(agreement).unwrap_or_else(|problems| panic!("{problems}"));
    let mapping = include_bytes!("../../../../../examples/mappings/oulad.toml");
    let mapping = Mapping::read(mapping, &PathBuf::from("oulad.toml"), mou.schema());
    let sources = [Source::file(path, mapping.unwrap_or_else(|error| panic!("{error}")))];

    let scratch = TempDir::new().unwrap();
    let mut unknown_bands = 0;
    let mut women = 0;
    for (module, registrations, learners, completed) in KNOWN {
        let only = [format!("code_module={module}").parse().unwrap()];
        let (canonical, _) = canonical(&sources, &only, mou.schema(), scratch.path()).unwrap();
        let enrolment = &canonical.tables[&TableName::Enrolment];
        let learner = &canonical.tables[&TableName::Learner];
        let persons: BTreeSet<_> = enrolment.person.iter().collect();
        let of = |rows: &Rows, table, column| words(rows, mou.schema(), table, column);
        let statuses = of(enrolment, TableName::Enrolment, "status");
        let found = (
            enrolment.person.len(),
            persons.len(),
            learner.person.len(),
            statuses.iter().filter(|status| *status == "completed").count(),
        );
        assert_eq!(found, (registrations, learners, learners, completed), "{module}");
        let bands = of(enrolment, TableName::Enrolment, "imd_band");
        unknown_bands += bands.iter().filter(|band| *band == "unknown").count();
        let sexes = of(learner, TableName::Learner, "sex");
        women += sexes.iter().filter(|sex| *sex == "F").count();
    }
    assert_eq!((unknown_bands, women), (1_111, 14_199));
}
