//! The attacks that this crate meets, what meets each, and the test that shows it.
//!
//! # First contact
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server exchanges a prekey, leaves out the one-time key, or mixes two entries | one signature over the whole entry, ids included | `a_bundle_opens_only_for_its_owner_and_unaltered` |
//! | somebody sends keys that fix the agreed secret | canonical points of large order only; every agreement checked | `bundles_with_zero_or_small_order_keys_are_refused_even_when_signed`, `every_listed_point_of_small_order_is_one_and_is_refused` |
//! | a device makes others believe that they talk to it while they talk to somebody else (unknown key share) | accounts, devices, chain entries and identity keys in the transcript | `a_handshake_binds_accounts_devices_entries_and_identities` |
//! | the header is altered on its way, or its ciphertext re-encapsulated to another KEM key | every key, id and the ciphertext in the transcript, whose hash is bound into each message | `a_flipped_bit_anywhere_in_the_first_message_is_refused`, `a_repeated_header_that_was_altered_opens_nothing` |
//! | a first message is delivered again | the session knows its handshake; the one-time secret is gone. Where neither holds (a last-resort key, and sessions that were lost) the caller refuses the ephemerals that it remembers, which is the engine's to test | `a_replayed_first_message_opens_nothing` |
//! | traffic is kept until a quantum computer exists | an ML-KEM-768 share in every handshake | `the_root_key_follows_from_the_kem_share_too`, `libcrux_and_rustcrypto_expand_encapsulate_and_decapsulate_alike`, `libcrux_and_rustcrypto_judge_public_keys_alike` |
//!
//! # Messages
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | a message is altered, or put into another context | header, purpose, transcript and the caller's data are associated data | `other_associated_data_and_every_flipped_bit_are_refused_without_a_trace` |
//! | a control payload is passed off as a message key, or the reverse | the purpose is a byte, a label and an argument | `every_wrong_combination_of_purposes_is_refused` |
//! | a forged message spoils the state (as in careless ratchets that advance first) | keys are computed aside and put in place after the seal opened | `whatever_the_mailbox_does_each_message_opens_once_and_both_settle`; every refusal in the tests compares the state |
//! | a forged counter makes the device compute or store without end | limits per jump and per session, oldest out first, 30 days | `a_jump_over_the_limit_is_refused_and_one_at_the_limit_opens`, `skipped_keys_are_bounded_in_number_oldest_first_and_in_time` |
//! | messages are repeated, reordered or reflected | keys are used once and live in one direction | `messages_open_in_any_order_and_once`, `a_message_reflected_to_its_sender_is_refused` |
//! | an old chain stays usable for forging into the past | the previous counter closes it; its key is deleted | `the_old_chain_ends_where_the_previous_counter_says` |
//! | the state is stolen | keys are deleted after use; each turn brings a new secret | `a_stolen_state_opens_no_earlier_message_and_none_after_a_round_trip` |
//! | a restored disk image makes a device seal twice with one counter | 16 random bytes in each key's expansion | `a_repeated_counter_gives_another_key` |
//! | one ciphertext opens to two texts for two readers | a key commitment; the message hash travels with the key | `a_seal_opens_under_the_key_that_it_commits_to_only`, `the_message_hash_tells_body_and_associated_data_apart` |
//! | our ratchet differs from the Double Ratchet where nobody looked | the same code with Olm's labels talks with another implementation | `with_olms_labels_the_ratchet_and_vodozemac_read_each_other_whoever_begins` |
//! | a state that was saved and loaded goes on in another way | one exact stored form | `a_state_saved_and_loaded_at_each_step_equals_one_that_never_was` |
//! | a secret shows in a log or stays in memory | secrets are types that show nothing and are cleared; a new one must be listed | `whoever_holds_bytes_is_listed_as_secret_or_open`, `secret_types_are_redacted_cleared_and_never_compared_or_copied` |
//! | the length tells what was written | padding to few lengths | `padded_lengths_are_those_of_padme_over_the_floor` |
//!
//! # Sessions
//!
//! Both sides may begin at once, lose their state, or begin again. [`crate::Sessions`] settles so:
//!
//! 1. A session that the peer begins becomes active, because a peer begins anew when it lost the old one. The
//!    exception: ours is not answered yet and has the smaller initiator. Then both began at once, and ours is the
//!    one that the peer will come to.
//! 2. A message that opens on an inactive session makes it active when its initiator is the smaller of the two, or
//!    when the peer began both (it alone knows which is its latest).
//! 3. Otherwise the active one stays. All of them open what arrives, those that were replaced for 30 days.
//!
//! `when_both_begin_at_once_both_first_messages_open_and_both_settle_on_one` and, for late first messages,
//! `both_settle_on_one_session_even_when_its_first_message_comes_late` show it;
//! `whatever_the_mailbox_does_each_message_opens_once_and_both_settle` searches for exceptions. One case is left to
//! the caller: the peer cannot open our unanswered session and says so on its own; then
//! [`crate::Sessions::abandon_unanswered`].
//!
//! A replaced session makes no further round trip, so the state of one that was stolen does not heal: for its 30 days a
//! thief with the server's help can write on it, and lead the peer back to it.
//! `a_replaced_session_ends_after_thirty_days_and_so_does_what_a_thief_of_it_can_write` shows the end of it.
//!
//! # Rooms
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | a member, who has the chain key like every reader, writes in another's name | each message is signed by a key that only its device has | `a_member_who_has_the_chain_key_cannot_write_in_its_name` |
//! | who hands on the past writes into it | the device's signed statement travels with every seed and names the signature key | `who_holds_a_seed_cannot_forge_the_past`, `a_seed_is_believed_for_its_author_room_and_epoch_only` |
//! | a statement is altered, or names a key that fits many signatures | strict signature over all of it; weak keys refused though signed | `every_flipped_bit_of_a_statement_is_refused`, `a_signed_statement_with_a_weak_signature_key_is_refused` |
//! | somebody hands out a chain for another device, room or epoch | taken from the very device that the statement names, for the expected room and epoch | `only_the_device_itself_hands_out_its_chain` |
//! | a chain is set back so that old messages open again, or its id gets another key | a known chain stays as it is | `a_known_chain_is_never_set_back`, `a_chain_id_never_gets_another_statement` |
//! | a message is altered, or shown in another room, epoch, device or place | all of it and the caller's data are in the hash that is signed, and in the seal | `other_associated_data_and_every_flipped_bit_of_a_room_message_are_refused_without_a_trace`, `a_room_message_opens_in_its_own_room_epoch_and_device_only` |
//! | a message of one kind is passed off as another | a type byte, a label, and types that do not mix | `every_kind_of_message_opens_through_its_own_channel_and_no_other`, `a_room_message_renamed_to_a_pairwise_one_and_the_reverse_opens_nowhere`, `distributions_and_seeds_parse_exactly_and_never_as_each_other` |
//! | messages are lost, repeated, reordered, or come late on an old chain | keys are used once; overtaken ones and replaced chains are kept for a while | `whatever_the_server_does_each_room_message_opens_once_for_each_reader`, `room_messages_open_in_any_order_and_once`, `messages_on_replaced_chains_open_for_seven_days` |
//! | a forged counter makes the device compute or store without end | the signature is checked before anything is derived; limits per jump and chain | `a_jump_over_the_limit_of_a_chain_is_refused_and_one_at_the_limit_opens`, `skipped_keys_of_a_chain_are_bounded_in_number_oldest_first_and_in_time` |
//! | the state is stolen, or a newcomer looks back | a chain goes forward only; used keys are gone | `a_stolen_chain_opens_no_earlier_message`, `a_newcomer_reads_from_its_distribution_on_and_nothing_before` |
//! | a chain key that leaked, or that a removed member has, reads on | a new chain with nothing of the old at each epoch, after 500 messages and 7 days | `a_new_chain_shares_nothing_with_the_one_before`, `a_chain_seals_as_many_messages_as_it_may_and_not_one_more`, `a_chain_is_spent_when_it_is_old_or_the_clock_stands_far_before_its_beginning` |
//! | a removed device writes into the past with the server's help | its chain is closed at the last message accepted, for those who read live and for those who read the past | `a_closed_chain_opens_what_lies_before_its_end_and_nothing_beyond`, `a_removed_device_writes_nothing_into_the_past_that_newcomers_read` |
//! | a restored disk image makes a device seal twice with one counter | 16 random bytes in each key's expansion | `a_chain_restored_from_an_image_seals_under_another_key` |
//! | a report lies, or opens more than the one message | the seal commits to its key, the signature names its author; a message key opens one message | `a_reported_message_opens_with_its_own_key_and_opens_no_other` |
//!
//! A chain gives no secrecy after a theft until it is replaced: its key opens all its later messages, 500 and 7 days
//! at most. Within that, members read with keys that all of them hold; only signatures tell them apart, so a room's
//! message can be shown to others as its author's, unlike a direct one.
//!
//! # Files
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | a file is cut, extended, or its chunks are swapped, repeated or altered | each chunk is sealed for its place; the last is short | `a_cut_swapped_spliced_flipped_or_extended_ciphertext_is_refused`, `every_published_case_with_aes_128_gcm_is_judged_as_published`, `every_published_case_with_aes_256_gcm_is_judged_as_published` |
//! | a chunk of another file is put in, or the same ciphertext is shown for another purpose | a key of its own for each file; the commitment covers key, salt and purpose | `another_key_another_context_and_every_flipped_byte_are_refused` |
//! | whoever has the key (every reader) puts another file in its place | the hash of the ciphertext is in the message; who reads to the end compares it | `another_ciphertext_under_the_same_key_is_not_the_file` |
//! | a seek lands on other bytes than reading through | chunks are opened by one function, whatever the order | `a_file_of_any_length_comes_back_whole_and_in_any_order` |
//! | a reference makes the device reserve or load without end | lengths that fit each other and the limit, checked when it is read | `what_is_over_the_limits_is_refused_before_anything_is_reserved`, `a_reference_comes_back_from_its_bytes_and_contradictions_do_not` |
//! | the length tells which file it is | filling to few lengths | `files_are_filled_to_few_lengths` |
//! | the filling carries something past the reader | only zeros are accepted | `filling_that_is_not_zero_is_refused` |
//!
//! Chunks that were read one by one were sealed by somebody who has the key. That they are the file that was sent, and
//! all of it, is known at the end only ([`crate::attachments::AttachmentReader::finish`]).
//!
//! # Vault
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server plants a slot or a vault key of its own | both are signed by a device and verified against the account's chain before anything is done with them | `a_slot_is_believed_only_of_its_device_and_unaltered`, `nobody_else_plants_a_vault_key_and_no_byte_of_one_is_altered` |
//! | a wrapped key is passed off as another slot's | the slot's hash is bound, and the secret must be that slot's | `a_wrapped_key_opens_with_the_slot_that_it_names_only`, `the_same_bytes_open_no_slot_of_another_kind` |
//! | traffic is kept until a quantum computer exists | X25519 and ML-KEM-768 together (X-Wing) | `x_wing_gives_what_its_draft_publishes`, `x_wing_agrees_with_another_implementation_both_ways` |
//! | a key that fixes the shared secret | canonical points of large order only | `x_wing_refuses_points_that_fix_the_secret` |
//! | records are left out, swapped, repeated or altered | sequence, hash of the record before, and heads that the account chain names | `any_log_with_one_alteration_is_refused`, `a_rollback_a_cut_a_swap_and_foreign_records_each_have_their_error` |
//! | a record is shown under another name, account or generation, or in another place | all of it is bound in the seal | `every_byte_of_a_record_is_bound`, `records_come_back_in_order_and_open_under_their_key_and_name_only` |
//! | the server adds records of its own | what does not open is not taken | `a_record_that_does_not_open_is_not_taken` |
//! | a revoked device, which has the old key, goes on writing with it | generations never decrease, and each head of the account chain says the least behind it | `a_key_that_was_replaced_seals_nothing_behind_the_head_of_its_revocation`, `a_replaced_generation_and_an_older_version_are_not_taken_back` |
//! | the same, where the newest records are read first | each record that opens vouches for the hash of the one before it; heads and generations are checked on the way down | `a_vault_is_read_from_its_end_with_the_checks_of_reading_it_from_its_beginning`, `behind_the_head_of_a_revocation_a_tail_takes_no_record_of_the_replaced_key`, `a_record_is_passed_unopened_only_where_a_newer_one_vouches_for_it` |
//! | names tell what is kept | names are keyed, contents padded | `names_are_keyed_by_the_first_generation_only`, `records_are_padded_and_bounded` |
//!
//! The server sees how many records there are, which of them share a name, and when they come. A revoked device that
//! kept a slot's secret, not only a vault key, opens new generations as well: then the slot has to be replaced. Which
//! slots and wrapped keys are the current ones is not said by their signatures: the account chain has to name them, or
//! the server shows an old slot whose secret leaked, and a revoked device's slots would count for ever or not at all.
//!
//! # Linking
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server stands between a new device and the account | six digits over all that both showed, or a scanned secret in every key | `whoever_stands_between_two_devices_shows_them_different_digits`, `each_message_that_is_replaced_by_one_of_another_link_is_noticed` |
//! | it chooses its share so that the digits fit | the new device commits before it sees the other's share, shows its nonce once, and the digits leave out the ciphertext, which comes last | `nothing_else_is_revealed_than_was_committed_to`, `digits_follow_from_all_that_was_shown_but_the_ciphertext` |
//! | digits are guessed | one in a million, with one try for each link | `digits_are_as_likely_as_each_other`, `a_wrong_code_ends_the_link` |
//! | the server answers a scanned code, or reveals in the new device's place | commitment and secret come from the screen | `without_the_scanned_secret_nothing_opens_and_nobody_takes_the_new_devices_place` |
//! | a link for scanning is turned into one by digits | the way is part of what both must have seen alike | `a_link_that_is_offered_for_scanning_does_not_go_on_by_digits` |
//! | other keys are added to the account than the new device's | they are committed to, and part of the digits | `nothing_else_is_revealed_than_was_committed_to` |
//! | messages are altered, cut, repeated, reordered, or sent back | every byte is bound, each direction has its key, each message its number | `no_byte_of_any_message_is_altered_unnoticed`, `every_bit_of_a_sealed_message_is_bound_and_a_refused_one_changes_nothing`, `a_message_is_opened_once_in_its_order_and_by_the_other_device_only`, `a_message_is_none_of_another_kind_and_comes_back_from_its_bytes_only` |
//! | keys that fix the shared secret | canonical points of large order only, in keys and ciphertexts | `weak_keys_are_refused_in_every_message` |
//! | a restart or a restored copy repeats a key | stored states go on exactly; random bytes in each key | `a_link_that_is_stored_at_each_step_goes_like_one_that_never_is`, `a_restored_end_that_repeats_a_number_repeats_no_key` |
//! | traffic is kept until a quantum computer exists | X-Wing in both directions | `x_wing_gives_what_its_draft_publishes` |
//!
//! The guess at the digits is the server's alone, and people see each one: it fails on a screen before them. That holds
//! where a device answers only when its person asks for it, once for each time. Digits are judged on the account's
//! device: the new one knows that it was linked to the right account when that device says so, and not before. Whoever
//! sees a code for scanning can link the device that shows it, to another account.
//!
//! # Verification
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | the server stands between two people | numbers and codes over both account ids | `whoever_stands_between_two_people_shows_them_different_numbers` |
//! | accounts are searched until their digits look alike | 5,200 rounds of SHA-512 as in libsignal | `the_function_is_the_one_that_libsignal_publishes_answers_for` |
//! | a code is altered, of another version, or one's own | halves in the order of who shows them, compared in constant time | `an_altered_cut_or_foreign_code_is_refused_for_its_reason`, `both_sides_see_the_same_number_and_scan_each_other` |
//!
//! # Reports
//!
//! | attack | met by | shown by |
//! |---|---|---|
//! | a reporter shows another body, place or text than was sent | the tag covers body and associated data, the seal commits to its key | `a_report_of_another_message_key_or_place_proves_nothing` |
//! | a reporter accuses somebody else | a room message is signed by its author's chain, whose statement is verified | `a_report_against_somebody_who_did_not_write_proves_nothing` |
//! | a report opens more than one message | a message key opens no other message of its chain, but one that a restored copy of the author's device sealed under the same number | `a_report_of_a_room_message_proves_what_its_author_signed` |
//!
//! A report of a direct message proves what stood in it to whoever kept the tag; that the account wrote it rests on
//! the server's record of who sent it.
//!
//! # What is not met here
//!
//! Secrets are cleared on drop, but the compiler may leave copies on the stack, and ML-KEM's library clears none of
//! its own intermediate values. Headers are open: the server
//! sees ratchet keys and counters. Whoever holds an active session's state can read until the next round trip. Whether a device belongs to an account is decided by account chains;
//! this crate believes what [`crate::RemoteDevice`] says.

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_that_the_manual_names_exists() {
        let sources = [
            include_str!("attachments/tests.rs"),
            include_str!("franking.rs"),
            include_str!("handshake/tests.rs"),
            include_str!("keys/x25519.rs"),
            include_str!("linking/tests.rs"),
            include_str!("message/content.rs"),
            include_str!("padding.rs"),
            include_str!("ratchet/tests.rs"),
            include_str!("ratchet/tests/olm.rs"),
            include_str!("sender_keys/model.rs"),
            include_str!("sender_keys/tests/history.rs"),
            include_str!("sender_keys/tests/kinds.rs"),
            include_str!("sender_keys/tests/receiving.rs"),
            include_str!("sender_keys/tests/sending.rs"),
            include_str!("sender_keys/tests/statements.rs"),
            include_str!("safety_numbers.rs"),
            include_str!("session/model.rs"),
            include_str!("prekeys/tests.rs"),
            include_str!("session/tests/keeping.rs"),
            include_str!("session/tests/opening.rs"),
            include_str!("session/tests/settling.rs"),
            include_str!("tests/differential/ml_kem.rs"),
            include_str!("tests/formats.rs"),
            include_str!("tests/redaction.rs"),
            include_str!("vault/tests.rs"),
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
