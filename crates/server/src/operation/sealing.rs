//! The seal around a backup: a key stretched from a passphrase by Argon2id, and STREAM with ChaCha20-Poly1305 in
//! chunks, so that a file of any size is sealed and opened with the memory of one chunk.
//!
//! ```text
//! magic (16) | Argon2id: KiB, passes, lanes (u32 each) | salt (16) | nonce (7) | chunks of 64 KiB + 16
//! ```
//!
//! Numbers are big-endian. The whole head is bound to every chunk. The last chunk is marked by its nonce, so that a
//! file that was cut does not open.

use std::io::{self, BufRead, BufReader, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{ChaCha20Poly1305, Key};
use zeroize::Zeroizing;

const MAGIC: &[u8; 16] = b"conclave-backup1";
/// Bytes sealed together.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const SALT: usize = 16;
const NONCE: usize = 7;
const HEAD: usize = MAGIC.len() + 12 + SALT + NONCE;
/// Fewer characters can be guessed, whatever stretches them.
const PASSPHRASE_MIN: usize = 12;
/// As stretched for new backups: what a client does for a password.
const STRETCH: Stretch = Stretch {
    kib: 64 * 1024,
    passes: 3,
    lanes: 1,
};
/// The most that a file may ask for, or opening one would be a way to use up the machine.
const STRETCH_MAX: Stretch = Stretch {
    kib: 1024 * 1024,
    passes: 16,
    lanes: 16,
};

/// What opens a backup. Never printed.
pub(super) struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase; a line's end behind it is not part of it.
    pub(super) fn new(text: Zeroizing<String>) -> Result<Self, &'static str> {
        let trimmed = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        if trimmed.chars().count() < PASSPHRASE_MIN {
            return Err(
                "the backup's passphrase has to have 12 characters at least; five random words are good",
            );
        }
        Ok(Self(trimmed))
    }
}

#[derive(Clone, Copy)]
struct Stretch {
    kib: u32,
    passes: u32,
    lanes: u32,
}

impl Stretch {
    fn key(self, passphrase: &Passphrase, salt: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
        let most = STRETCH_MAX;
        if self.kib > most.kib || self.passes > most.passes || self.lanes > most.lanes {
            return Err(damaged("its head asks for more work than any backup does"));
        }
        let params = Params::new(self.kib, self.passes, self.lanes, Some(32));
        let params = params.map_err(|_| damaged("its head is not that of a backup"))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), salt, &mut *key)
            .map_err(|_| io::Error::other("the passphrase cannot be stretched"))?;
        Ok(key)
    }
}

/// Seals what is written to it. Without [`Sealing::finish`] the file does not open.
pub(super) struct Sealing<W: Write> {
    inner: W,
    stream: EncryptorBE32<ChaCha20Poly1305>,
    head: [u8; HEAD],
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealing<W> {
    /// Writes the head. `random` is fresh and used for this file alone.
    pub(super) fn begin(inner: W, passphrase: &Passphrase, random: [u8; SALT + NONCE]) -> io::Result<Self> {
        Self::begin_with(inner, passphrase, random, STRETCH)
    }

    fn begin_with(
        mut inner: W,
        passphrase: &Passphrase,
        random: [u8; SALT + NONCE],
        stretch: Stretch,
    ) -> io::Result<Self> {
        let mut head = [0; HEAD];
        let mut rest = head.as_mut_slice();
        rest.write_all(MAGIC)?;
        for number in [stretch.kib, stretch.passes, stretch.lanes] {
            rest.write_all(&number.to_be_bytes())?;
        }
        rest.write_all(&random)?;
        inner.write_all(&head)?;
        let (salt, nonce) = random.split_at(SALT);
        let key = stretch.key(passphrase, salt)?;
        Ok(Self {
            inner,
            stream: EncryptorBE32::new(&Key::from(*key), &nonce_of(nonce)?),
            head,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK + TAG)),
        })
    }

    /// Writes the last chunk and gives back what is below.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.stream
            .encrypt_last_in_place(&self.head, &mut *self.chunk)
            .map_err(|_| io::Error::other("the last part cannot be sealed"))?;
        self.inner.write_all(&self.chunk)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is sealed when something follows it, because the last one is sealed otherwise.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.stream
                .encrypt_next_in_place(&self.head, &mut *self.chunk)
                .map_err(|_| io::Error::other("the backup is too large to be sealed"))?;
            self.inner.write_all(&self.chunk)?;
            self.chunk.clear();
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Opens what was sealed. What it reads was written by whoever knew the passphrase; it ends with an error when the
/// file was changed or cut.
pub(super) struct Opening<R: Read> {
    inner: BufReader<R>,
    /// None behind the last chunk.
    stream: Option<DecryptorBE32<ChaCha20Poly1305>>,
    head: [u8; HEAD],
    chunk: Zeroizing<Vec<u8>>,
    read: usize,
}

impl<R: Read> Opening<R> {
    pub(super) fn begin(inner: R, passphrase: &Passphrase) -> io::Result<Self> {
        let mut inner = BufReader::with_capacity(CHUNK, inner);
        let mut head = [0; HEAD];
        inner
            .read_exact(&mut head)
            .map_err(|_| damaged("it is too short"))?;
        let (magic, rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged("it does not begin as a backup does"));
        }
        let (numbers, random) = rest.split_at(12);
        let number = |at: usize| {
            let bytes = numbers[at..at + 4].try_into().unwrap_or_default();
            u32::from_be_bytes(bytes)
        };
        let stretch = Stretch {
            kib: number(0),
            passes: number(4),
            lanes: number(8),
        };
        let (salt, nonce) = random.split_at(SALT);
        let key = stretch.key(passphrase, salt)?;
        Ok(Self {
            inner,
            stream: Some(DecryptorBE32::new(&Key::from(*key), &nonce_of(nonce)?)),
            head,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK + TAG)),
            read: 0,
        })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Ok(());
        };
        self.chunk.clear();
        self.read = 0;
        let whole = u64::try_from(CHUNK + TAG).unwrap_or(u64::MAX);
        self.inner.by_ref().take(whole).read_to_end(&mut self.chunk)?;
        let is_last = self.inner.fill_buf()?.is_empty();
        let opened = if is_last {
            stream.decrypt_last_in_place(&self.head, &mut *self.chunk)
        } else {
            let opened = stream.decrypt_next_in_place(&self.head, &mut *self.chunk);
            self.stream = Some(stream);
            opened
        };
        opened.map_err(|_| {
            // Nothing that was not opened is ever handed out.
            self.chunk.clear();
            self.stream = None;
            damaged("the passphrase is another one, or the file was changed or cut after it was written")
        })
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.read == self.chunk.len() && self.stream.is_some() {
            self.next_chunk()?;
        }
        let rest = &self.chunk[self.read..];
        let taken = rest.len().min(bytes.len());
        bytes[..taken].copy_from_slice(&rest[..taken]);
        self.read += taken;
        Ok(taken)
    }
}

fn nonce_of(bytes: &[u8]) -> io::Result<Nonce<ChaCha20Poly1305, StreamBE32<ChaCha20Poly1305>>> {
    let bytes: [u8; NONCE] = bytes.try_into().map_err(|_| damaged("its head is too short"))?;
    Ok(bytes.into())
}

pub(super) fn damaged(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("this backup cannot be opened: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Stretch = Stretch {
        kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn seal(bytes: &[u8]) -> Vec<u8> {
        let passphrase = passphrase("correct horse battery");
        let mut sealing = Sealing::begin_with(Vec::new(), &passphrase, [5; SALT + NONCE], FAST).unwrap();
        sealing.write_all(bytes).unwrap();
        sealing.finish().unwrap()
    }

    fn open(sealed: &[u8], with: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Opening::begin(sealed, &passphrase(with))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn what_was_sealed_opens_at_every_length_around_a_chunk() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let sealed = seal(&bytes);
            assert_eq!(
                open(&sealed, "correct horse battery\n").unwrap(),
                bytes,
                "{length}"
            );
            assert!(open(&sealed, "correct horse batterY").is_err(), "{length}");
        }
    }

    #[test]
    fn a_file_that_was_changed_cut_or_lengthened_does_not_open() {
        let sealed = seal(&vec![7; CHUNK * 2 + 100]);
        for at in [0, 17, 30, 44, HEAD, HEAD + CHUNK, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&changed, "correct horse battery").is_err(), "{at}");
        }
        for length in [
            0,
            10,
            HEAD,
            HEAD + CHUNK + TAG,
            HEAD + 2 * (CHUNK + TAG),
            sealed.len() - 1,
        ] {
            assert!(
                open(&sealed[..length], "correct horse battery").is_err(),
                "{length}"
            );
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(open(&longer, "correct horse battery").is_err());
        // Two chunks in the other order.
        let (one, two) = (HEAD + CHUNK + TAG, HEAD + 2 * (CHUNK + TAG));
        let swapped = [
            &sealed[..HEAD],
            &sealed[one..two],
            &sealed[HEAD..one],
            &sealed[two..],
        ]
        .concat();
        assert!(open(&swapped, "correct horse battery").is_err());
    }

    #[test]
    fn a_head_that_asks_for_too_much_work_is_refused_before_it_is_done() {
        let mut sealed = seal(b"x");
        sealed[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(open(&sealed, "correct horse battery").is_err());
    }

    #[test]
    fn a_passphrase_that_can_be_guessed_is_refused() {
        assert!(Passphrase::new(Zeroizing::new("hunter2".to_owned())).is_err());
    }
}
