//! Files: C2SP chunked encryption under a fresh key for each upload.
