//! Linking: a new device and a device of the account agree on a key through a server that learns and alters nothing.
//!
//! | file | owns |
//! |---|---|
//! | `keys` | the public keys of the new device, which the account will name |
//! | `secrets` | seeds, the scanned secret, and the keys of a link |
//! | `messages` | what travels: commitment, answer, reveal, grant, and what comes behind them |
//! | `code` | what the new device shows for scanning |
//! | `digits` | six digits that a person carries over |
//! | `transcript` | all that both sides must have seen alike, and the keys that follow from it |
//! | `new_device` | the states of the new device: [`LinkOffer`], [`AwaitingGrant`] |
//! | `old_device` | the states of the account's device: [`LinkAnswer`], [`UnconfirmedLink`], [`ConfirmedLink`] |
//! | `channel` | sealed messages between the two, once they agree |
//! | `storage` | the stored form of each state |
//!
//! ```text
//! new device                                  device of the account
//! LinkOffer      -- CommitmentMessage -->     LinkAnswer        (or: scanned, a LinkCode)
//!                <-- AnswerMessage ------
//! AwaitingGrant  -- RevealMessage ------>     UnconfirmedLink   (or at once: ConfirmedLink)
//!                                             ConfirmedLink     (the digits were typed in)
//! LinkChannel    <-- GrantMessage -------     LinkChannel
//! ```
//!
//! Each step uses up its state, and one that fails ends the link. **Before a step's message is sent, its new state
//! takes the old one's place in the store**, and before digits are judged the stored state is deleted: a state that is
//! used twice would let the server try twice. What the payloads say is the caller's; who the account is, too, since the
//! new device does not know it before the grant: the account's chain has to bind the keys that were linked.

mod channel;
mod code;
mod digits;
mod keys;
mod messages;
mod new_device;
mod old_device;
mod secrets;
mod storage;
#[cfg(test)]
mod tests;
mod transcript;

pub use channel::LinkChannel;
pub use code::LinkCode;
pub use digits::LinkDigits;
pub use keys::NewDeviceKeys;
pub use messages::{AnswerMessage, CommitmentMessage, GrantMessage, LinkMessage, RevealMessage};
pub use new_device::{AwaitingGrant, LinkOffer};
pub use old_device::{ConfirmedLink, LinkAnswer, RevealedLink, UnconfirmedLink};
#[cfg(test)]
pub(crate) use secrets::{LinkKey, LinkSecret, LinkSeed};
pub use transcript::LinkWay;
