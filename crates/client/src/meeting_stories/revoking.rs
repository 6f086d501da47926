//! A device takes another one out of the account, and anything happens to either of them on the way.

use conclave_protocol::frames::ChainMoved;

use super::{Device, Fate, Story, Who};
use crate::views::{AccountView, Outcome};
use crate::work::Work;
use crate::{Input, Intent};
use conclave_protocol::DeviceId;
use conclave_protocol::frames::ServerFrame;

/// The account has both devices.
fn both_are_there() -> Story {
    let mut story = Story::new(true);
    story.begins();
    story.goes_on_for(60_000);
    assert_eq!(story.ended(), "signed_in");
    story
}

impl Story {
    fn revokes(&mut self, who: Who, device: u32) -> u64 {
        let device = DeviceId(device);
        self.asks(who, Intent::RevokeDevice { device })
    }

    /// The server tells a connected device that its chain has grown.
    fn tells(&mut self, who: Who) {
        let moved = ChainMoved {
            account: self.server.account,
            head: self.server.chain().head(),
            entry: self.server.entries.last().unwrap().clone(),
        };
        self.input(who, Input::Frame(ServerFrame::ChainMoved(moved).to_bytes()));
    }

    fn knows(&mut self, who: Who) -> Option<usize> {
        let now = self.now;
        let Device { disk, rng, .. } = self.device(who);
        let own = Work::new(disk, rng, now).find_own().unwrap()?;
        Some(own.chain().unwrap().devices().count())
    }
}

#[test]
fn a_revocation_that_is_interrupted_anywhere_is_done_or_not_and_both_devices_know_which() {
    let steps = {
        let mut story = both_are_there();
        let before = (story.old.handled, story.new.handled);
        story.revokes(Who::Old, 1);
        story.tells(Who::New);
        [story.old.handled - before.0, story.new.handled - before.1]
    };
    let (mut done, mut again) = (0, 0);
    for (who, steps) in [(Who::Old, steps[0]), (Who::New, steps[1])] {
        for step in 0..steps {
            for fate in [Fate::BeforeLeaving, Fate::BeforeHearing, Fate::Unheard] {
                let what = format!("{who:?} step {step} {fate:?}");
                let mut story = both_are_there();
                let first = story.device(who).handled;
                story.fate = Some((who, first + step, fate));
                story.revokes(Who::Old, 1);
                story.tells(Who::New);
                story.goes_on_for(120_000);
                if story.devices() == 2 {
                    // It never left. Whoever asked looks at the list, which is right, and asks again.
                    assert_eq!(story.knows(Who::Old), Some(2), "{what}");
                    let ask = story.revokes(Who::Old, 1);
                    assert_eq!(story.old.outcomes.get(&ask), Some(&Outcome::Done), "{what}");
                    story.tells(Who::New);
                    again += 1;
                } else {
                    done += 1;
                }
                assert_eq!(story.devices(), 1, "{what}");
                assert_eq!(story.knows(Who::Old), Some(1), "{what}");
                assert_eq!(story.new.account(), AccountView::None, "{what}");
                assert!(story.new.disk.0.is_empty(), "{what}: nothing is left");
            }
        }
    }
    assert!(done > 0 && again > 0, "{done} done, {again} done again");
}

#[test]
fn of_two_devices_that_revoke_each_other_at_once_the_faster_one_stays() {
    for (faster, slower) in [(Who::Old, Who::New), (Who::New, Who::Old)] {
        let mut story = both_are_there();
        let number = |who| u32::from(who == Who::New);
        story.revokes(faster, number(slower));
        // The slower one has not heard of it when its person asks.
        let ask = story.revokes(slower, number(faster));
        assert_eq!(story.device(slower).account(), AccountView::None);
        let outcome = story.device(slower).outcomes.get(&ask).cloned();
        let failed =
            matches!(&outcome, Some(Outcome::Failed { failure }) if failure.code == "device_removed");
        assert!(failed, "{outcome:?}");
        assert!(story.device(slower).disk.0.is_empty());
        assert_eq!(story.knows(faster), Some(1));
        assert_eq!(story.devices(), 1);
    }
}
