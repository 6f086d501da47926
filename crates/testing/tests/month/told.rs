//! One month: everybody comes, goes, loses devices and comes back, and all is told to everybody.

use conclave_client::views::StandingView;

use super::cast::{Cast, DAY, HOUR};
use super::ending::{agree, everybody_reads_everything, logs_are_the_servers};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn three_people_with_two_devices_each_agree_after_a_month_of_joins_removals_and_recoveries() {
    let mut cast = Cast::meets().await;
    let shares = async |cast: &Cast| {
        cast.device(ALICE, 0).shares_the_past(cast.group).await;
    };
    shares(&cast).await;

    // The first days: carol comes, from each device something is said, and alice compares bob.
    cast.passes(DAY).await;
    assert!(cast.lets_in(ALICE, 0, CAROL).await);
    cast.device(CAROL, 0).is_in(cast.group).await;
    cast.device(CAROL, 1).is_in(cast.group).await;
    for who in [ALICE, BOB, CAROL] {
        for at in 0..2 {
            cast.speaks(who, at).await.expect("a member speaks");
            cast.writes(who, at, (who + 1) % 3).await;
        }
    }
    cast.compares(ALICE, 1, BOB).await;
    let hello = cast.writes(BOB, 0, ALICE).await.expect("they know each other");
    cast.calms_down().await;
    agree(&cast, |_| Ok(())).await;

    // Day 4: what was said is edited, answered with a sign, taken back.
    cast.passes(DAY * 3).await;
    let said = cast.speaks(BOB, 1).await.expect("a member speaks");
    cast.calms_down().await;
    agree(&cast, |_| Ok(())).await;
    let bob = cast.device(BOB, 0).device();
    bob.edit_message(said, "said better").await.expect("an edit");
    bob.edit_message(hello, "hello again").await.expect("an edit");
    let carol = cast.device(CAROL, 1).device();
    carol.react(said, "👍", true).await.expect("a sign");
    assert!(cast.renames_the_group(CAROL, 1, "Old otters").await);

    // Day 8: bob loses his second device while carol is away, and gets another one.
    cast.passes(DAY * 4).await;
    cast.device(CAROL, 0).goes_offline().await;
    cast.writes(CAROL, 1, BOB).await;
    cast.is_recorded(BOB).await;
    cast.revokes(BOB, 0, 1).await;
    cast.speaks(ALICE, 1).await.expect("a member speaks");
    cast.gains_a_device(BOB).await;
    cast.device(BOB, 1).is_in(cast.group).await;
    cast.speaks(BOB, 1)
        .await
        .expect("a new device of a member speaks");
    cast.calms_down().await;
    agree(&cast, |_| Ok(())).await;

    // Day 12: carol is put out; what is said then is not for her.
    cast.passes(DAY * 4).await;
    assert!(cast.throws_out(ALICE, 0, CAROL).await);
    cast.speaks(ALICE, 0).await.expect("a member speaks");
    cast.speaks(BOB, 1).await.expect("a member speaks");
    cast.writes(CAROL, 0, ALICE).await;
    cast.calms_down().await;
    let all = agree(&cast, |all| {
        let is_out = all[CAROL].iter().all(|shown| !shown.is_member());
        is_out.then_some(()).ok_or_else(|| "carol is still in".to_owned())
    })
    .await;
    let [alice, carol] = [ALICE, CAROL].map(|who| all[who][0].group_texts());
    assert_eq!(alice[..carol.len()], carol, "carol keeps what was for her");
    assert_eq!(alice.len(), carol.len() + 2);

    // Day 15: she is let in again and reads what was said meanwhile, since the group shares its past.
    cast.passes(DAY * 3).await;
    assert!(cast.lets_in(BOB, 0, CAROL).await);
    cast.speaks(BOB, 0).await.expect("a member speaks");
    cast.calms_down().await;
    agree(&cast, everybody_is_in_and_reads_the_same).await;

    // Day 19: carol loses both devices and comes back with her words, then gets a second device.
    cast.passes(DAY * 4).await;
    cast.is_recorded(CAROL).await;
    cast.comes_back_with_words(CAROL).await;
    cast.speaks(ALICE, 0).await.expect("a member speaks");
    cast.writes(ALICE, 1, CAROL).await;
    cast.gains_a_device(CAROL).await;
    cast.device(CAROL, 1).is_in(cast.group).await;
    cast.speaks(CAROL, 1)
        .await
        .expect("a new device of a member speaks");
    cast.calms_down().await;
    agree(&cast, everybody_is_in_and_reads_the_same).await;

    // Day 23: the group gets another owner, the old one leaves and is let in again; a device begins anew in between.
    cast.passes(DAY * 4).await;
    let account = cast.folk[BOB].account;
    let hands_over = conclave_client::views::PlaceChange::Transfer { account };
    assert!(cast.changes(ALICE, 1, hands_over).await);
    assert!(
        cast.changes(ALICE, 0, conclave_client::views::PlaceChange::Leave)
            .await
    );
    cast.speaks(BOB, 0).await.expect("the owner speaks");
    cast.begins_again(BOB, 1).await;
    cast.begins_again(ALICE, 0).await;
    assert!(cast.lets_in(BOB, 0, ALICE).await);

    // The last week: one device of each is away for days, and the server begins again.
    for who in [ALICE, BOB, CAROL] {
        cast.device(who, 1).goes_offline().await;
    }
    cast.speaks(CAROL, 0).await.expect("a member speaks");
    cast.passes(DAY * 5).await;
    cast.world.server_stops().await;
    cast.speaks(BOB, 1).await.expect("a member speaks, and it waits");
    cast.world.server_starts().await;
    cast.passes(DAY + HOUR).await;
    cast.calms_down().await;
    cast.passes(HOUR).await;
    let all = agree(&cast, everybody_is_in_and_reads_the_same).await;
    for shown in &all[ALICE] {
        assert_eq!(shown.standing("bob"), StandingView::Verified, "a mark stays");
    }
    everybody_reads_everything(&cast).await;
    agree(&cast, everybody_is_in_and_reads_the_same).await;
    for device in cast.devices() {
        let warnings = device.warnings();
        assert!(
            warnings.is_empty(),
            "{} was warned of {warnings:?}",
            device.name()
        );
    }
    logs_are_the_servers(cast).await;
}

/// All three are members, and the group says the same to them.
pub(crate) fn everybody_is_in_and_reads_the_same(all: &[Vec<super::ending::Shown>]) -> Result<(), String> {
    for (name, devices) in super::cast::NAMES.iter().zip(all) {
        if !devices[0].is_member() {
            return Err(format!("{name} is not in the group"));
        }
        let (first, here) = (all[0][0].group_lines(), devices[0].group_lines());
        if first != here {
            return Err(format!("the group at alice and {name}:\n  {first:?}\n  {here:?}"));
        }
    }
    Ok(())
}
