//! `sumac status` at the backbone: what the nodes say of themselves.

use serde_json::{Value, json};

use crate::command::{CHAMBER, COLLEGE, Site};

#[test]
fn targets_travel_from_the_node_to_the_backbones_status() {
    let target = "target = { from = 300, to = 500.5, by = 2099-06-30 }\nmargin      = 100";
    let site = Site::under(|text| text.replace("margin      = 100", target));
    let serving = site.serve();
    let said = site.run(CHAMBER, &["status"]).well().out;
    assert!(
        said.contains("enrolment  from 300 learners to 500.5 learners by 2099-06-30"),
        "{said}"
    );
    let said = site.run(CHAMBER, &["status", "--format", "json"]).well().out;
    let value: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value["nodes"][0]["party"], COLLEGE);
    let expected = json!([{
        "kpi": "enrolment",
        "from_millionths": 300_000_000,
        "to_millionths": 500_500_000,
        "by": "2099-06-30",
        "max_gap_points_millionths": null,
    }]);
    assert_eq!(value["nodes"][0]["targets"], expected);
    serving.stop();

    let site = Site::new();
    let serving = site.serve();
    let said = site.run(CHAMBER, &["status"]).well().out;
    assert!(!said.contains("TARGET"), "{said}");
    serving.stop();
}
