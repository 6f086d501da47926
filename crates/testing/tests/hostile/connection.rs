//! What the server says about a connection and a device.

use conclave_client::views::DeliveryView;
use conclave_protocol::EnvelopeId;
use conclave_protocol::frames::ServerFrame;
use conclave_testing::World;

use super::two_who_met;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_told_that_it_is_a_restored_copy_says_so_and_chats_on_with_new_keys() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Welcome(mut welcome) => {
            welcome.last_accepted = Some(EnvelopeId([0xEE; 16]));
            vec![ServerFrame::Welcome(welcome)]
        }
        frame => vec![frame],
    });
    alice.goes_offline().await;
    alice.comes_back().await;
    alice.is_warned("restored").await;
    hostile.behaves();
    alice.goes_offline().await;
    alice.comes_back().await;
    alice.sends("still here").to(&bob).await;
    bob.waits("the message", async || {
        let timeline = bob.timeline_with(&alice).await;
        if timeline.iter().any(|row| row.body == super::text("still here")) {
            Ok(())
        } else {
            Err(format!("{timeline:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_nothing_is_not_shown_as_having_taken_it() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    hostile.takes(|_, frame| match frame {
        conclave_protocol::frames::ClientFrame::Send(_) => Vec::new(),
        frame => vec![frame],
    });
    let waiting = alice.sends("are you there?").to(&bob).await;
    alice.sees_delivery(&bob, waiting, &DeliveryView::Queued).await;
    alice.goes_offline().await;
    hostile.behaves();
    alice.comes_back().await;
    bob.sees(&["hello", "are you there?"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_make_no_sense_disturb_nothing() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let device = conclave_protocol::DeviceAddress {
        account: alice.account().await,
        device: conclave_protocol::DeviceId(0),
    };
    let nonsense = [
        ServerFrame::Drained,
        ServerFrame::Pong(99),
        ServerFrame::PrekeysLow(0),
        ServerFrame::Accepted(conclave_protocol::frames::Accepted {
            id: EnvelopeId([1; 16]),
            sequence: u64::MAX,
            time: conclave_protocol::Timestamp(u64::MAX),
        }),
        ServerFrame::Distributed(conclave_protocol::frames::Distributed {
            id: EnvelopeId([1; 16]),
        }),
        ServerFrame::Refused(conclave_protocol::frames::Refused {
            id: EnvelopeId([1; 16]),
            code: conclave_protocol::ErrorCode::Forbidden,
            retry_after: Some(u32::MAX),
        }),
    ];
    for frame in nonsense {
        hostile.says(device, frame).await;
    }
    alice.sends("unimpressed").to(&bob).await;
    bob.sees(&["hello", "unimpressed"]).from(&alice).await;
}
