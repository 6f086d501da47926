//! The attacks met here.
