//! Why places' chains are as they are, and which test plays each attack on them.
//!
//! Who reads a room follows from its place's chain and from nothing else. The server puts entries in order and refuses
//! those that the rules refuse; a client believes no entry that it did not check, and seals to nobody whom the chain
//! does not name. Each entry carries its author's key, so a community of ten thousand is verified without ten
//! thousand account chains; what that claims of a member is compared with their chain when they first matter.
//!
//! What an entry makes is named by the entry's sequence. So no two entries can make the same thing, and an act that
//! has to be signed again on a newer head never means another role, channel or invite than its author meant.
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server adds a member, a role, an invite | entries are signed by a member who may | `an_entry_signed_by_another_key_than_it_names_is_refused`, `adding_and_inviting_need_their_permissions` |
//! | an entry is altered, left out, put elsewhere | strict signatures over every field; place, sequence, hash of the entry before | `no_bit_of_an_entry_of_any_kind_can_be_changed`, `an_entry_out_of_place_is_refused_without_effect` |
//! | a key is made up for a member's device | a device keeps its key; claims are compared with the account's chain | `a_made_up_head_a_made_up_device_and_a_made_up_key_are_false_claims`, `what_is_claimed_of_an_account_waits_until_its_own_chain_confirms_it` |
//! | a revoked device speaks on | its account's head at its entry is compared; heads never go back | `a_device_is_believed_for_the_heads_at_which_it_was_active`, `a_device_is_not_newer_than_the_head_that_it_names_and_no_head_goes_back` |
//! | a revoked device reads on | its account is owed an observation, which ends the epochs | `a_lost_device_of_a_member_is_owed_an_observation`, `any_member_records_a_new_head_of_a_member_once` |
//! | a removed member reads on | the epochs of what they read end with the entry | `every_way_out_ends_the_epoch_and_closes_the_chains_that_it_names`, `an_entry_ends_the_epochs_of_the_channels_that_somebody_lost_and_of_no_other` |
//! | a removed member writes into the past | the entry closes their chains | `closed_chains_are_bounded_in_order_and_fit_an_entry` |
//! | a removed member comes back by a link of their own, or loses a mute by leaving | invites go with their maker; mutes stay | `an_invite_is_revoked_by_its_maker_or_by_a_manager_and_goes_with_its_maker`, `a_muted_member_posts_nothing_until_then_not_even_by_coming_back` |
//! | a moderator overthrows another, or the owner | nobody acts on an equal or higher rank | `nobody_acts_on_an_equal_or_higher_rank`, `a_role_is_never_raised_to_or_above_its_editor` |
//! | a moderator gives away, or takes, more than they have | nobody gives what they lack | `nobody_gives_a_role_at_or_above_their_own_or_a_permission_that_they_lack`, `roles_are_given_on_joining_only_by_those_who_may_give_them` |
//! | whoever manages channels opens a private one to themselves | only its readers manage it | `a_channel_is_managed_by_those_who_read_it_and_have_the_permission` |
//! | an invite is used by somebody without the link, once too often, or too late | a proof for one account, place and invite; counted; times never go back | `whoever_has_the_link_joins_and_nobody_else`, `an_invite_is_used_as_often_as_it_says`, `an_invite_ends_by_entry_time_and_stays_ended` |
//! | a banned account comes in another way | all ways ask | `a_banned_account_comes_in_by_no_way` |
//! | a place is left without an owner | the owner hands it over first | `the_owner_stays_until_there_is_another` |
//! | a newcomer is shown a made-up state | nothing is sealed before the audit, which fails | `a_made_up_owner_with_a_made_up_checkpoint_is_found_by_the_audit`, `no_byte_of_a_snapshot_can_be_changed` |
//! | a newcomer reads what was not for them | history follows the policy of its time | `history_for_newcomers_is_what_was_sent_under_a_policy_that_shares_it`, `whoever_gets_a_role_reads_its_channels_from_then_on` |
//! | an act that was signed again undoes another's | it is asked again | `an_act_that_would_undo_what_somebody_did_meanwhile_is_asked_again` |
//! | different people are shown different chains | heads are compared; two signed entries are proof | `heads_are_told_apart_and_two_entries_of_one_sequence_are_evidence` |
//! | the chain is filled until nobody can be removed | its end is kept for what ends something | `a_full_chain_still_takes_what_ends_something` |
//! | a chain or state is made so large that it cannot be checked | limits for all | `a_place_has_no_more_of_anything_than_its_limits_say` |
//! | a rule is wrong where nobody looked | random acts, judged by a second set of rules | `the_rules_and_a_second_simpler_set_of_them_agree` |
//!
//! # What is not met here
//!
//! A member may claim a head of another account that does not exist; a server that does not compare it lets the
//! member's devices be shut out until the claim is found false. Who manages channels may close one that they read to
//! people above them, the owner aside; a channel's readers are the channel's matter, not an act on these people.
//! A server can still hide the newest entries; every sealed message names the head that its sender saw.

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_that_the_manual_of_places_names_exists() {
        let sources = [
            include_str!("tests/channels.rs"),
            include_str!("tests/checkpoints.rs"),
            include_str!("tests/claims.rs"),
            include_str!("tests/frame.rs"),
            include_str!("tests/joining.rs"),
            include_str!("tests/leaving.rs"),
            include_str!("tests/limits.rs"),
            include_str!("tests/model.rs"),
            include_str!("tests/rebasing.rs"),
            include_str!("tests/roles.rs"),
        ]
        .concat();
        let manual: String = include_str!("manual.rs")
            .lines()
            .filter(|line| line.starts_with("//!"))
            .collect();
        let names: Vec<_> = manual
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.bytes().filter(|byte| *byte == b'_').count() > 3)
            .collect();
        assert!(names.len() > 30);
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "{name}");
        }
    }
}
