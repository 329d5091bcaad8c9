//! What a restored node believes, and whom it goes on without.

use super::*;

#[tokio::test]
async fn a_receipt_that_the_node_did_not_make_is_refused() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let kept = receipts(&college.home("chamber"));
    let serving = college.start().await;
    college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    let of_sex = receipts(&college.home("chamber")).into_iter().find(|path| !kept.contains(path));
    let of_sex = of_sex.unwrap();
    let good = fs::read_to_string(&of_sex).unwrap();
    let flip = |after: &str| {
        let at = good.find(after).unwrap() + after.len() + 40;
        let digit = if &good[at..=at] == "0" { "1" } else { "0" };
        format!("{}{digit}{}", &good[..at], &good[at + 1..])
    };
    for tampered in [
        // The cells, the seal on them, the log's word, the head's seal.
        flip("\"body\": \""),
        flip("\"signature\": \""),
        flip("\\\"commitment\\\":\\\""),
        flip("\"root\": \""),
    ] {
        fs::write(&of_sex, tampered).unwrap();
        college.restore().await;
        let home = college.home("tampered");
        copy(&college.home("chamber"), &home);
        let asker = college.keeper(CHAMBER, "tampered");
        let serving = college.start().await;
        assert_eq!(reason(college.ask(&asker, &["sex"]).await), Reason::ReleaseLost);
        serving.stop().await;
        let gave_back = asker.take_notices().into_iter().next();
        assert!(
            matches!(gave_back, Some(Notice::GaveBack { recovered: 0, not_proved: 1, .. })),
            "{gave_back:?}"
        );
        assert_eq!((college.spent(), college.checked().lost_nano_rho), (before, before / 2));
    }
}

#[tokio::test]
async fn a_home_that_keeps_less_than_the_backup_knows_does_not_speak_for_its_party() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    college.restore().await;
    let serving = college.start().await;
    let another = college.keeper(CHAMBER, "another");
    let refused = college.ask(&another, &[]).await;
    let Err(Absence::Refused(refusal)) = &refused else { panic!("{refused:?}") };
    assert!(refusal.message.contains("asks later than"), "{refusal}");
    college.ask(&chamber, &[]).await.unwrap();
    college.ask(&another, &[]).await.unwrap();
    serving.stop().await;
    college.checked();
}

#[tokio::test]
async fn who_comes_too_late_is_told_and_what_it_shows_is_counted() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    // Another home of the same party, which nothing in the backup tells of.
    let another = college.keeper(CHAMBER, "another");
    let first = college.ask(&another, &["sex"]).await.unwrap();
    let by_age = college.ask(&another, &["age_band"]).await.unwrap();
    serving.stop().await;

    college.restore().await;
    let serving = college.start().await;
    assert_ne!(college.ask(&chamber, &["sex"]).await.unwrap(), first);
    let measured_twice = college.spent();
    // The one table was measured twice, which its asker is told; what was not measured again comes back.
    let found = college.ask(&another, &["sex"]).await;
    assert!(
        matches!(&found, Err(Absence::HistoryDiffers(HistoryDiffers::OtherRelease { .. }))),
        "{found:?}"
    );
    let notices = another.take_notices();
    assert!(
        matches!(notices.first(), Some(Notice::GaveBack { recovered: 1, differ: 1, .. })),
        "{notices:?}"
    );
    assert_eq!(college.ask(&another, &["age_band"]).await.unwrap(), by_age);
    assert_eq!(college.spent(), measured_twice + 2 * (measured_twice / 2), "both are counted");
    serving.stop().await;
    college.checked();
}

#[tokio::test]
async fn the_operator_goes_on_without_a_party_at_the_price_of_all_that_it_may_hold() {
    let mut college = College::with_two_askers().await;
    let (chamber, transit) = (college.chamber(), college.keeper(TRANSIT, "transit"));
    let serving = college.start().await;
    let total = college.ask(&chamber, &[]).await.unwrap();
    college.ask(&transit, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    let by_age = college.ask(&transit, &["age_band"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    college.restore().await;
    let serving = college.start().await;
    assert_eq!(reason(college.ask(&chamber, &["sex"]).await), Reason::Restored);
    serving.stop().await;

    let (store, now) = (college.store(), college.coalition.clock()());
    let chain = college.coalition.chain();
    let without = |parties: &[&str], because: &str| Without {
        parties: parties.iter().map(|party| (*party).to_owned()).collect(),
        because: because.to_owned(),
        mou_version: 1,
    };
    let party = COLLEGE.parse().unwrap();
    let gone = without(&[TRANSIT], "it has left");
    for (wrong, hint) in [
        (without(&[CHAMBER], "it has left"), "NotAwaited"),
        (without(&[], "it has left"), "StillAwaited"),
        (without(&[TRANSIT], " "), "NoReason"),
        (Without { mou_version: 2, ..gone.clone() }, "OtherVersion { here: 1, said: 2 }"),
    ] {
        let refused = resume::plan(&store, &chain, &party, &wrong, now).await.unwrap_err();
        assert!(format!("{refused:?}").starts_with(hint), "{refused:?}");
    }
    for (said, hint) in [(0, "which version is in force"), (2, "sumac mou activate")] {
        let other = Without { mou_version: said, ..gone.clone() };
        let refused = resume::plan(&store, &chain, &party, &other, now).await.unwrap_err();
        assert!(refused.hint().contains(hint), "{}", refused.hint());
    }
    let plan = resume::plan(&store, &chain, &party, &gone, now).await.unwrap();
    assert!(plan.tables.iter().any(|table| table == "enrolment, 2025-26, by age_band"));
    assert!(!plan.tables.iter().any(|table| table == "enrolment, 2025-26, by sex"), "it came back");
    assert_eq!(college.spent() + plan.lost_nano_rho, {
        resume::order(&store, &chain, &party, &gone, now).await.unwrap();
        college.spent()
    });
    let again = resume::plan(&store, &chain, &party, &gone, now).await.unwrap_err();
    assert!(matches!(again, ResumeError::NotWaiting), "{again}");
    drop(store);
    assert!(college.spent() >= before);

    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    assert_eq!(college.ask(&chamber, &[]).await.unwrap(), total);
    assert_eq!(reason(college.ask(&chamber, &["age_band"]).await), Reason::ReleaseLost);
    // Should it come back after all, so does what it holds; to look is enough.
    transit.preview(&[wanted(&college.coalition.mou, &[])]).await;
    assert_eq!(college.ask(&transit, &[]).await.unwrap(), total);
    assert_eq!(college.ask(&chamber, &["age_band"]).await.unwrap(), by_age);
    serving.stop().await;
    college.checked();
}

#[tokio::test]
async fn a_node_that_was_stopped_stays_stopped_until_it_is_restored() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    // Put back by hand, and not restored.
    copy(&college.backup, &college.ledger);
    for _ in 0..2 {
        let serving = college.start().await;
        let found = college.ask(&chamber, &["sex"]).await;
        assert!(
            matches!(&found, Err(Absence::HistoryDiffers(HistoryDiffers::SaidByNode))),
            "{found:?}"
        );
        // Nor for those who have nothing to show.
        let forgetful = college.coalition.asker(CHAMBER, PeerRole::Analyst);
        assert!(matches!(college.ask(&forgetful, &[]).await, Err(Absence::HistoryDiffers(_))));
        serving.stop().await;
    }
    let Standing::Stopped(stopped) = college.summary().standing else { panic!("it answers") };
    assert!(stopped.peer.contains(CHAMBER), "{stopped:?}");
    college.checked();

    // From the backup that it was, nothing is lost.
    college.restore().await;
    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    serving.stop().await;
    assert_eq!(college.checked().lost_nano_rho, 0);
}

#[tokio::test]
async fn a_copy_that_was_put_back_by_hand_is_believed_in_nothing_that_it_does_not_hold() {
    let mut college = College::new().await;
    let chamber = college.chamber();
    let serving = college.start().await;
    college.ask(&chamber, &[]).await.unwrap();
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    let by_sex = college.ask(&chamber, &["sex"]).await.unwrap();
    serving.stop().await;
    copy(&college.backup, &college.ledger);
    let serving = college.start().await;
    assert!(college.ask(&chamber, &["sex"]).await.is_err());
    serving.stop().await;
    // There is no backup but what was put back, which has grown since.
    college.back_up();
    college.restore().await;
    let serving = college.start().await;
    assert_eq!(college.ask(&chamber, &["sex"]).await.unwrap(), by_sex);
    // What else it may have measured in between, nobody can say.
    assert_eq!(reason(college.ask(&chamber, &["age_band"]).await), Reason::ReleaseLost);
    serving.stop().await;
    assert!(college.checked().lost_nano_rho > 0);
}
