use conclave_db::{Append, Appended, NewDistribution};
use conclave_protocol::DeviceAddress;
use conclave_protocol::frames::Item;
use conclave_protocol::presence::{Availability, Choices, LastSeen};

use crate::support::Stage;
use crate::support::people::{NOW, account, hash, id, join};

on_both_engines! {
    what_was_never_chosen_is_as_usual_and_the_newest_choice_stands
    who_gives_no_receipts_sends_none_and_gets_none
}

async fn what_was_never_chosen_is_as_usual_and_the_newest_choice_stands(stage: Stage) {
    join(&stage, [1, 2]).await;
    assert_eq!(stage.find_choices(account(1)).await.unwrap(), Choices::default());
    let hidden = Choices {
        availability: Availability::Invisible,
        last_seen: LastSeen::Nobody,
        receipts: false,
        typing: false,
    };
    let quiet = Choices {
        availability: Availability::DoNotDisturb,
        last_seen: LastSeen::Approximate,
        ..Choices::default()
    };
    let open = Choices {
        last_seen: LastSeen::Everyone,
        ..Choices::default()
    };
    for choices in [hidden, quiet, open, Choices::default()] {
        stage.put_choices(account(1), choices).await.unwrap();
        assert_eq!(stage.find_choices(account(1)).await.unwrap(), choices);
    }
    assert_eq!(stage.find_choices(account(2)).await.unwrap(), Choices::default());
}

async fn who_gives_no_receipts_sends_none_and_gets_none(stage: Stage) {
    let [mia, noah, ben] = join(&stage, [1, 2, 3]).await;
    let off = Choices {
        receipts: false,
        ..Choices::default()
    };
    stage.put_choices(account(2), off).await.unwrap();
    let told = |sender: DeviceAddress, to: Vec<DeviceAddress>, number, receipts| {
        Append::Distribution(NewDistribution {
            id: id(sender, number),
            sender,
            messages: to.into_iter().map(|to| (to, vec![1])).collect(),
            receipts,
            digest: hash(number),
        })
    };
    let batch = vec![
        told(noah, vec![mia], 1, true),
        told(mia, vec![noah, ben], 2, true),
        // Everything else goes on as it was.
        told(noah, vec![mia], 3, false),
        told(mia, vec![noah], 4, false),
    ];
    let expected = [
        Appended::ReceiptsOff,
        Appended::Distribution,
        Appended::Distribution,
        Appended::Distribution,
    ];
    assert_eq!(stage.append(batch, NOW).await.unwrap(), expected);
    let mut found = Vec::new();
    for device in [mia, noah, ben] {
        let items = stage.list_mailbox(device, 0, 10, 1 << 20).await.unwrap();
        found.push(items.into_iter().map(|item| item.item).collect::<Vec<_>>());
    }
    assert_eq!(
        found,
        [
            vec![Item::Control(noah)],
            vec![Item::Control(mia)],
            vec![Item::Receipt(mia)]
        ]
    );
    // What was stored stays an answer, whatever was chosen since.
    stage.put_choices(account(1), off).await.unwrap();
    let again = vec![told(mia, vec![noah, ben], 2, true)];
    assert_eq!(stage.append(again, NOW).await.unwrap(), [Appended::Distribution]);
}
