//! Opens a message: by its device's chain as that goes on, or by a seed.

use conclave_crypto::OpenError;
use conclave_crypto::sender_keys::{OpenedRoomMessage, SenderKeyMessage, SenderKeySeed};
use conclave_protocol::Hash;
use conclave_protocol::frames::RoomMessage;

use super::Spot;
use super::context::PostContext;
use super::judging::{Author, Judged};
use super::records::{Said, Speaker, Waiting, note_said};
use super::roll::End;
use crate::content::{ChainId, Content};
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// What came of opening a message.
pub(super) enum Opened {
    Yes(Box<Content>, Hash),
    /// Its key is not here.
    KeyMissing(ChainId),
    /// No key that its device made opens it, or it is bound to something else than it is shown with.
    NotGenuine,
    /// A removal ended its chain before it.
    Ended,
}

impl Engine {
    /// Opens a message of somebody who may have sent it, and notes what follows for its device.
    pub(super) fn open_post(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        message: &RoomMessage,
        author: &Author,
        speaker: &mut Speaker,
    ) -> Result<Opened, ReadError> {
        let Ok(sealed) = SenderKeyMessage::from_bytes(message.body.as_slice()) else {
            return Ok(Opened::NotGenuine);
        };
        let chain = ChainId(sealed.chain_id());
        let context = spot
            .chain
            .hash_at(message.head)
            .and_then(|hash| PostContext::of(message, hash));
        let Some(context) = context else {
            return Ok(Opened::NotGenuine);
        };
        let context = context.to_bytes();
        let last = match author.end_of(spot, chain, message.epoch) {
            End::AtOnce => return Ok(Opened::Ended),
            End::Behind(iteration) if sealed.iteration() > iteration => return Ok(Opened::Ended),
            End::Behind(iteration) => Some(iteration),
            End::Open => None,
        };
        let live = open_live(work, speaker, &sealed, chain, last, &context)?;
        let opened = match live {
            Ok(opened) => Ok(opened),
            Err(refusal) => match open_by_seed(work, spot, message, author, &sealed, last, &context)? {
                Some(by_seed) => by_seed,
                None => Err(refusal),
            },
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(OpenError::ChainClosed) => return Ok(Opened::Ended),
            Err(OpenError::UnknownChain | OpenError::KeyGone | OpenError::TooFarAhead) => {
                return Ok(Opened::KeyMissing(chain));
            }
            Err(_) => return Ok(Opened::NotGenuine),
        };
        let Ok(content) = Content::from_bytes(&opened.content) else {
            return Ok(Opened::NotGenuine);
        };
        if message.sender.account != work.own()?.account {
            let key = opened.opening.as_bytes();
            work.keep_opening((spot.room, message.sequence), message.id, key, Some(chain));
        }
        let said = Said {
            chain,
            epoch: message.epoch,
            iteration: opened.iteration,
            hash: Hash(opened.hash),
        };
        note_said(&mut speaker.said, said);
        if let Some(mut seed) = work.seed(spot.room, chain)?
            && seed.mark(message.head, opened.iteration)
        {
            work.put_seed(spot.room, chain, &seed);
        }
        Ok(Opened::Yes(Box::new(content), Hash(opened.hash)))
    }
}

impl Engine {
    /// True where the seed that is here opens a message that waits.
    pub(super) fn is_opened_by_seed(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        waiting: &Waiting,
    ) -> Result<bool, ReadError> {
        let message = &waiting.message;
        let Judged::May(author) = self.judge(work, spot, message)? else {
            return Ok(false);
        };
        let context = spot
            .chain
            .hash_at(message.head)
            .and_then(|hash| PostContext::of(message, hash));
        let (Some(context), Ok(sealed)) = (context, SenderKeyMessage::from_bytes(message.body.as_slice()))
        else {
            return Ok(false);
        };
        let opened = open_by_seed(work, spot, message, &author, &sealed, None, &context.to_bytes())?;
        Ok(opened.is_some_and(|opened| opened.is_ok()))
    }
}

fn open_live(
    work: &Work<'_>,
    speaker: &mut Speaker,
    sealed: &SenderKeyMessage<'_>,
    chain: ChainId,
    last: Option<u32>,
    context: &[u8],
) -> Result<Result<OpenedRoomMessage, OpenError>, ReadError> {
    let now = work.now.0;
    let Some(mut chains) = speaker.chains()? else {
        return Ok(Err(OpenError::UnknownChain));
    };
    if last.is_some() {
        chains.close(&chain.0, last);
    }
    let opened = chains.open(sealed, context, now);
    if opened.is_ok() {
        speaker.set_chains(&chains);
    }
    Ok(opened)
}

/// None where there is no seed of the chain.
fn open_by_seed(
    work: &mut Work<'_>,
    spot: &Spot,
    message: &RoomMessage,
    author: &Author,
    sealed: &SenderKeyMessage<'_>,
    last: Option<u32>,
    context: &[u8],
) -> Result<Option<Result<OpenedRoomMessage, OpenError>>, ReadError> {
    let chain = ChainId(sealed.chain_id());
    let Some(seed) = work.seed(spot.room, chain)? else {
        return Ok(None);
    };
    let verified = SenderKeySeed::from_bytes(&seed.bytes.0)
        .ok()
        .and_then(|seed| seed.verify(&author.remote, &spot.room.0, message.epoch).ok());
    let Some(mut history) = verified else {
        // Of another device, room or epoch than the message says of itself: it is no key of it.
        return Ok(None);
    };
    if last.is_some() {
        history.close(last);
    }
    let opened = history.open(sealed, context);
    if matches!(opened, Err(OpenError::NotAuthentic | OpenError::Padding(_)))
        && history.statement().is_signed(sealed, context)
    {
        // The message is genuine, and the key is not its chain's.
        work.forget_seed(spot.room, chain);
        return Ok(None);
    }
    Ok(Some(opened))
}
