//! A node whose disk is lost a second time before it has answered again.

use super::*;

#[tokio::test]
async fn a_node_that_is_lost_again_while_it_waits_accounts_for_its_first_loss_too() {
    let mut college = College::with_two_askers().await;
    let (chamber, transit) = (college.chamber(), college.keeper(TRANSIT, "transit"));
    let serving = college.start().await;
    serving.stop().await;
    college.back_up();
    let serving = college.start().await;
    college.ask(&transit, &["sex"]).await.unwrap();
    serving.stop().await;
    let before = college.spent();
    fs::remove_dir_all(college.home("transit").join("receipts")).unwrap();

    // The second backup has more records than the head that was lost with the first disk.
    for _ in 0..2 {
        college.restore().await;
        let serving = college.start().await;
        assert_eq!(reason(college.ask(&chamber, &["sex"]).await), Reason::Restored);
        serving.stop().await;
        college.back_up();
    }
    let serving = college.start().await;
    assert_eq!(reason(college.ask(&transit, &["sex"]).await), Reason::ReleaseLost);
    serving.stop().await;
    assert_eq!((college.spent(), college.checked().lost_nano_rho), (before, before));
}
