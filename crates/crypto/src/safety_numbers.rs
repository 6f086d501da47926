//! What two people compare to know that nobody stands between them.
