//! Reports: what a reader reveals of one message, and how it is judged.
