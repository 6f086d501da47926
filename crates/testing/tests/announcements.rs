//! What the server says to everybody, between real people and a server that lies.

use conclave_client::views::AnnouncementsView;
use conclave_protocol::ServerKey;
use conclave_protocol::announcements::{Announcement, Statement};
use conclave_protocol::frames::ServerFrame;
use conclave_testing::{Person, World};

async fn said_to(person: &Person) -> AnnouncementsView {
    person.device().announcements().await.expect("announcements")
}

/// Waits until a person is shown exactly these words.
async fn is_shown(person: &Person, wanted: &[&str]) {
    person
        .waits("what the server says", async || {
            let view = said_to(person).await;
            let texts: Vec<&str> = view.announcements.iter().map(|one| one.text.as_str()).collect();
            (texts == wanted).then_some(()).ok_or(format!("{view:?}"))
        })
        .await;
}

async fn announces(administrator: &Person, text: &str) -> String {
    let announced = administrator.device().announce("notice", text, None).await;
    announced.expect("an announcement")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_reaches_everybody_and_goes_when_it_is_taken_back() {
    let world = World::begin().await;
    let (alice, bob) = (world.registers("alice").await, world.registers("bob").await);
    let id = announces(&alice, "We are away at nine.").await;
    is_shown(&bob, &["We are away at nine."]).await;
    is_shown(&alice, &["We are away at nine."]).await;
    bob.goes_offline().await;
    let other = announces(&alice, "And back at ten.").await;
    bob.comes_back().await;
    is_shown(&bob, &["And back at ten.", "We are away at nine."]).await;
    alice
        .device()
        .withdraw_announcement(&id)
        .await
        .expect("withdrawn");
    is_shown(&bob, &["And back at ten."]).await;
    // Put away on one device it is put away on all, and nobody else's is.
    let desk = bob.adds_a_device("desk").await;
    is_shown(&desk, &["And back at ten."]).await;
    bob.device()
        .put_away_announcement(&other)
        .await
        .expect("put away");
    is_shown(&bob, &[]).await;
    is_shown(&desk, &[]).await;
    is_shown(&alice, &["And back at ten."]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_the_servers_key_did_not_sign_are_never_shown() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob) = (world.registers("alice").await, world.registers("bob").await);
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Announcements(mut list) => {
            for signed in &mut list {
                if let Ok(Statement::Announcement(said)) = Statement::from_bytes(signed.statement.as_slice())
                {
                    let forged = Announcement {
                        text: "Send me your recovery key.".to_owned(),
                        ..said
                    };
                    signed.statement = Statement::Announcement(forged).to_bytes().into();
                }
            }
            vec![ServerFrame::Announcements(list)]
        }
        frame => vec![frame],
    });
    announces(&alice, "hello").await;
    alice.sends("over").to(&bob).await;
    bob.sees(&["over"]).from(&alice).await;
    assert_eq!(said_to(&bob).await, AnnouncementsView::default());
    hostile.behaves();
    bob.goes_offline().await;
    bob.comes_back().await;
    is_shown(&bob, &["hello"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_server_is_told_and_says_nothing_until_it_is_accepted() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob) = (world.registers("alice").await, world.registers("bob").await);
    announces(&alice, "hello").await;
    is_shown(&bob, &["hello"]).await;
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Welcome(mut welcome) => {
            welcome.server_key = Some(ServerKey([9; 32]));
            vec![ServerFrame::Welcome(welcome)]
        }
        frame => vec![frame],
    });
    bob.goes_offline().await;
    bob.comes_back().await;
    bob.waits("the warning", async || {
        let view = said_to(&bob).await;
        view.key_changed.then_some(()).ok_or(format!("{view:?}"))
    })
    .await;
    hostile.behaves();
    bob.goes_offline().await;
    bob.comes_back().await;
    bob.waits("the end of the warning", async || {
        let view = said_to(&bob).await;
        (!view.key_changed).then_some(()).ok_or(format!("{view:?}"))
    })
    .await;
    is_shown(&bob, &["hello"]).await;
}
