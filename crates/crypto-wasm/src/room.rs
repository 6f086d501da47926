//! One device's chain in a room, and what another device holds of it.

use conclave_crypto::sender_keys::{ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain};
use conclave_crypto::{IdentityKey, RemoteDevice, SigningKey};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::NOW;
use crate::device::ENTRY;
use crate::randomness::Randomness;

/// As long as what the engine binds to a room message: kind, envelope, target, head, the sender's previous message.
const ROOM_BOUND: [u8; 128] = [0x62; 128];
const ROOM: [u8; 32] = [0x72; 32];
const EPOCH: u32 = 1;

/// The sender's side and the receiver's. The chain is begun anew as often as the protocol asks for it.
#[wasm_bindgen]
pub struct Room {
    signing: SigningKey,
    device: RemoteDevice,
    sending: SendingChain,
    receiving: ReceivingChains,
}

#[wasm_bindgen]
impl Room {
    /// A room with a chain that was handed over.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, JsError> {
        let signing = SigningKey::generate(&mut Randomness);
        let device = RemoteDevice {
            account: [1; 32],
            device: 1,
            entry_hash: ENTRY,
            identity: IdentityKey::generate(&mut Randomness).public(),
            signing: signing.public(),
        };
        let mut room = Self {
            sending: begin(&signing, &device),
            receiving: ReceivingChains::new(&ROOM, device.address()),
            signing,
            device,
        };
        room.hand_over()?;
        Ok(room)
    }

    /// Seals a message for the room.
    pub fn seal(&mut self, text: &[u8]) -> Result<Vec<u8>, JsError> {
        if self.sending.rotation_due(EPOCH, NOW).is_some() {
            self.sending = begin(&self.signing, &self.device);
            self.hand_over()?;
        }
        Ok(self.sending.seal(&ROOM_BOUND, text, NOW, &mut Randomness)?.bytes)
    }

    /// Opens a message of the room.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Vec<u8>, JsError> {
        let message = SenderKeyMessage::from_bytes(bytes)?;
        let mut opened = self.receiving.open(&message, &ROOM_BOUND, NOW)?;
        Ok(core::mem::take(&mut *opened.content))
    }

    fn hand_over(&mut self) -> Result<(), JsError> {
        let distribution = SenderKeyDistribution::from_bytes(&self.sending.distribution(EPOCH, &ENTRY))?;
        self.receiving.accept(&distribution, &self.device, EPOCH, NOW)?;
        Ok(())
    }
}

fn begin(signing: &SigningKey, device: &RemoteDevice) -> SendingChain {
    SendingChain::begin(&ROOM, EPOCH, device.address(), signing, NOW, &mut Randomness)
}
