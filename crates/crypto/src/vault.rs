//! The vault: slots, wrapped keys, and records chained by hash.
