//! Rooms, by what they show.

mod history;
mod kinds;
mod receiving;
mod sending;
mod statements;

use rand_chacha::ChaCha20Rng;

use super::{
    Accepted, OpenedRoomMessage, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain,
};
use crate::tests::{AD, Device, NOW, rng};
use crate::{OpenError, SenderKeyError};

const ROOM: [u8; 32] = [0x52; 32];
const EPOCH: u32 = 3;
const HEAD: [u8; 32] = [0x48; 32];

/// A device and its chain.
struct Author {
    device: Device,
    chain: SendingChain,
    rng: ChaCha20Rng,
}

impl Author {
    fn new(account: u8) -> Self {
        let mut rng = rng(account);
        let device = Device::new(account, &mut rng);
        let chain = SendingChain::begin(
            &ROOM,
            EPOCH,
            device.remote().address(),
            &device.signing,
            NOW,
            &mut rng,
        );
        Self { device, chain, rng }
    }

    /// Another chain, which takes the place of the former.
    fn rotate(&mut self, epoch: u32, now: u64) {
        let address = self.device.remote().address();
        self.chain = SendingChain::begin(&ROOM, epoch, address, &self.device.signing, now, &mut self.rng);
    }

    fn say(&mut self, text: &[u8]) -> Vec<u8> {
        let now = self.chain.created_at();
        self.chain.seal(AD, text, now, &mut self.rng).unwrap().bytes
    }

    /// Seals at any iteration, past the count of messages, too, as a later version might.
    fn say_at(&mut self, iteration: u32, text: &[u8]) -> Vec<u8> {
        let bytes = self.chain.seal_next(AD, text, &mut self.rng).unwrap().bytes;
        assert_eq!(
            SenderKeyMessage::from_bytes(&bytes).unwrap().iteration(),
            iteration
        );
        bytes
    }

    fn lose(&mut self, count: u32) {
        for _ in 0..count {
            self.chain.chain = self.chain.chain.step().unwrap().1;
        }
    }

    fn distribution(&self) -> SenderKeyDistribution {
        SenderKeyDistribution::from_bytes(&self.chain.distribution(9, &HEAD)).unwrap()
    }

    /// What another device has that was given the chain as it is now.
    fn reader(&self) -> Reader {
        let mut reader = Reader(ReceivingChains::new(&ROOM, self.device.remote().address()));
        assert_eq!(reader.accept(self), Ok(Accepted::New));
        reader
    }
}

/// The chains of one author with another device. Every refusal is checked to change nothing.
struct Reader(ReceivingChains);

impl Reader {
    fn accept(&mut self, author: &Author) -> Result<Accepted, SenderKeyError> {
        self.accept_at(author, NOW)
    }

    fn accept_at(&mut self, author: &Author, now: u64) -> Result<Accepted, SenderKeyError> {
        let before = self.0.to_bytes();
        let epoch = author.chain.statement().epoch();
        let result = self
            .0
            .accept(&author.distribution(), &author.device.remote(), epoch, now);
        if result != Ok(Accepted::New) {
            assert_eq!(
                *self.0.to_bytes(),
                *before,
                "what was not accepted changed the state"
            );
        }
        result
    }

    fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.open_at(message, NOW)
    }

    fn open_at(&mut self, message: &[u8], now: u64) -> Result<Vec<u8>, OpenError> {
        self.open_whole(message, AD, now)
            .map(|opened| opened.content.to_vec())
    }

    fn open_whole(&mut self, message: &[u8], ad: &[u8], now: u64) -> Result<OpenedRoomMessage, OpenError> {
        let before = self.0.to_bytes();
        let result = self
            .0
            .open(&SenderKeyMessage::from_bytes(message).unwrap(), ad, now);
        if result.is_err() {
            assert_eq!(*self.0.to_bytes(), *before, "a refused message changed the state");
        }
        result
    }
}
