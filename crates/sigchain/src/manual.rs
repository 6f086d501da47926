//! Why account chains are as they are, and which test plays each attack on them.
//!
//! An account is the hash of its first entry. Whoever has that id can check every later entry alone: each is signed
//! by a device that an earlier entry named, or by the recovery key. Server and clients run the same rules; the server
//! to keep chains orderly, clients because they believe nobody.
//!
//! The recovery key outranks devices: it alone removes the last device, and it alone is replaced by itself. A thief of
//! a device can remove the other devices, but the owner with the recovery key undoes all of it, in one entry.
//!
//! Every new key signs for itself: its owner has it, wants to be in this account and nowhere else by the same words.
//! No key stands twice in a chain, in whatever role, so a statement by a key has one speaker for ever.
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server adds a device | entries are signed by a device in the chain or the recovery key | `nobody_but_the_author_signs_an_entry` |
//! | an entry is altered | strict signatures over the label and every field, hashes over the signature too | `no_bit_of_any_kind_of_entry_can_be_changed` |
//! | entries are left out, repeated, swapped, or put into another chain | sequence, hash of the entry before, account | `any_chain_with_entries_left_out_repeated_or_swapped_is_refused_or_shorter`, `a_second_genesis_a_gap_a_fork_and_a_foreign_entry_are_refused` |
//! | another account's chain is shown | the id is the hash of the genesis | `a_chain_offered_under_another_id_is_refused` |
//! | the end is hidden, or two versions are shown | messages name the head that was seen; two signed entries are proof | `a_named_head_is_the_same_or_behind_or_ahead_or_a_fork`, `two_versions_of_a_chain_are_told_apart_at_the_place_where_they_part`, `evidence_of_a_fork_holds_against_either_version_and_survives_its_bytes` |
//! | a fork is made up to accuse somebody | evidence counts by the keys that spoke at that place only | `evidence_of_a_fork_is_believed_only_of_those_who_spoke_for_the_account_then`, `evidence_is_checked_with_the_recovery_key_of_its_time`, `entries_that_do_not_contradict_each_other_are_no_evidence` |
//! | a member lists somebody else's device as his own, or a device joins unasked | the new device signs keys and account | `a_device_is_added_with_its_own_word_only`, `no_bit_of_a_possession_can_be_changed_by_the_author_who_signs_around_it` |
//! | a revoked device comes back, or speaks on | its id and keys are never used again; authors are looked up in the state before the entry | `no_key_that_ever_stood_in_the_chain_enters_it_again`, `a_revoked_device_says_nothing_more` |
//! | a message of a revoked device is passed off as of before, or one of before is refused | which device spoke at which head is kept | `a_device_was_active_from_its_entry_to_its_revocation` |
//! | a thief of a device takes the account for good | only the recovery key replaces itself, and removes the last device | `the_recovery_key_is_replaced_by_itself_only_and_says_nothing_after`, `only_the_recovery_key_revokes_the_last_device_and_adds_the_next`, `a_rotation_may_revoke_every_device_at_once` |
//! | a thief fills the chain so that nobody can remove him | the end of it is kept for the recovery key and for revocations | `the_end_of_a_chain_is_kept_for_the_recovery_key_and_for_revocations` |
//! | a recovery key that nobody has, or that verifies anything | it signs for itself; weak keys are refused | `a_new_recovery_key_is_strong_and_gives_its_own_word`, `weak_and_empty_keys_never_enter_a_genesis`, `a_device_with_a_weak_or_empty_key_is_not_added` |
//! | the recovery key is passed off as a device | a number that no device can have, and a type | `the_number_of_the_recovery_key_is_no_device`, `the_keys_of_a_genesis_are_three_different_ones` |
//! | an old vault key, an old slot or a cut vault is shown | the chain names generation, slots, count and head, and none of them goes back | `the_vault_never_goes_back`, `as_many_records_of_the_vault_are_the_same_records`, `after_a_revocation_the_vault_wants_a_new_key` |
//! | clocks are turned back so that something expired counts again | times never go back | `time_stands_still_or_goes_on_and_never_back` |
//! | more devices than a sender can serve | sixteen active ones | `an_account_has_at_most_sixteen_devices_and_revoked_ones_do_not_count` |
//! | an ended account speaks on | nothing follows the end | `a_closed_account_has_no_device_and_takes_nothing_more` |
//! | a rule is wrong where nobody looked | random acts, judged by a second set of rules | `whatever_devices_recovery_and_strangers_say_the_chain_judges_as_its_rules_do` |
//!
//! # What is not met here
//!
//! A device that is in the account may do what devices may: name a generation or a number of records that no vault
//! reaches, or, with a server that does not check clocks, a time in the far future. That an identity key belongs to
//! the device is its signing key's word; who lists another's X25519 key gains nothing, because handshakes need it.
//! Two devices that write at once make a fork in good faith; the server keeps one entry, and the other is written
//! anew. Vault keys are not checked for being new after a revocation: [`crate::AccountChain::vault_is_stale`] says
//! that one is due.

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_that_the_manual_names_exists() {
        let sources = [
            include_str!("account/tests/bits.rs"),
            include_str!("account/tests/forks.rs"),
            include_str!("account/tests/model.rs"),
            include_str!("account/tests/questions.rs"),
            include_str!("account/tests/rules.rs"),
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
        assert!(names.len() > 15);
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "{name}");
        }
    }
}
