//! `conclave-client`: what was sealed by a stranger's device, or by our own of another version.

use conclave_client::fuzzing;

/// Law: a content that is read, and that this version knows, is written to bytes that read as the same.
pub(crate) fn client_content(input: &[u8]) {
    assert!(fuzzing::content_survives(input), "a content changed on its way");
}

/// Law: a control payload that is read is written to bytes that read as the same.
pub(crate) fn client_control(input: &[u8]) {
    assert!(
        fuzzing::control_survives(input),
        "a control payload changed on its way"
    );
}
