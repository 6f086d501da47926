//! The forms of contents, pinned.
