//! The other end of a conversation with an implementation that knows the document alone.
//!
//! One line of JSON asks, one answers. The peer has one device of its own for each conversation, fresh; it trusts what
//! it is asked to do, and nothing else: bundles, chains, slots and messages are all checked. A refusal is an answer,
//! with the words of the error; it must have changed nothing.

use std::collections::BTreeMap;

use conclave_crypto::attachments::{AttachmentReference, open_attachment, seal_attachment};
use conclave_crypto::franking::FrankingProof;
use conclave_crypto::safety_numbers::SafetyNumber;
use conclave_crypto::sender_keys::{ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain};
use conclave_crypto::vault::{SlotSecret, VaultKey, VaultLog, VaultRecord, VaultSlot, WrappedVaultKey};
use conclave_crypto::{
    ContentKey, DeviceAddress, IdentityKey, IdentityPublicKey, PrekeyKind, PrekeySecret, RecoveryKey,
    RemoteDevice, Sessions, SignedPrekey, SigningKey, VerifyingKey, message_hash, open_content, seal_content,
};
use conclave_protocol::{AccountId, DeviceId, Timestamp};
use conclave_sigchain::{AccountChain, AccountEntry, DeviceKeys};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::device::{End, NOW, PurposeName};
use crate::refusal::Context;
use crate::{Hex, Refusal};

/// The state of all conversations.
#[derive(Default)]
pub struct Peer {
    conversations: BTreeMap<u32, Conversation>,
}

/// Our device, what it knows of the other, and what they share.
struct Conversation {
    own: End,
    signed: SignedPrekey,
    secret: PrekeySecret,
    other: Option<RemoteDevice>,
    sending: Option<SendingChain>,
    receiving: Option<ReceivingChains>,
    vault_key: VaultKey,
    vault: VaultLog,
}

#[derive(Debug, Deserialize)]
struct Request {
    conversation: u32,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum What {
    /// Makes our device; answers with its chain entry and a bundle.
    Device {
        last_resort: bool,
    },
    /// Tells the other device, by its account's chain.
    Meet {
        entry: Hex,
    },
    /// Begins a session from the other's bundle.
    Begin {
        bundle: Hex,
    },
    Seal {
        purpose: PurposeName,
        bound: Hex,
        plaintext: Hex,
    },
    Open {
        purpose: PurposeName,
        bound: Hex,
        message: Hex,
    },
    SealContent {
        key: Hex,
        associated_data: Hex,
        content: Hex,
    },
    OpenContent {
        key: Hex,
        associated_data: Hex,
        sealed: Hex,
    },
    /// Begins a chain of ours in a room; answers with a distribution.
    BeginChain {
        room: Hex,
        epoch: u32,
    },
    AcceptChain {
        room: Hex,
        epoch: u32,
        distribution: Hex,
    },
    SealRoom {
        bound: Hex,
        content: Hex,
    },
    OpenRoom {
        bound: Hex,
        message: Hex,
    },
    SealFile {
        file: Hex,
    },
    OpenFile {
        reference: Hex,
        sealed: Hex,
    },
    /// Opens a vault key that the other device wrapped to a slot that it made from this recovery key.
    Unwrap {
        slot: Hex,
        wrapped_key: Hex,
        recovery_key: Hex,
    },
    /// Wraps our vault key to a slot that we make from this recovery key.
    Wrap {
        recovery_key: Hex,
    },
    SealRecord {
        name: String,
        content: Hex,
    },
    /// Opens the first record of another vault.
    OpenRecord {
        vault_key: Hex,
        name: String,
        record: Hex,
    },
    SafetyNumber {},
    ScanCode {
        code: Hex,
    },
    JudgeDirect {
        proof: Hex,
        tag: Hex,
        body: Hex,
        associated_data: Hex,
    },
}

#[derive(Debug, Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(flatten)]
    values: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Value {
    Bytes(Hex),
    Text(String),
}

/// What is refused to the other side, as opposed to a request that makes no sense.
type Refused<T> = Result<T, String>;

impl Peer {
    /// Answers one line. An error is one of the program that asks.
    pub fn answer(&mut self, line: &str, rng: &mut impl CryptoRng) -> Result<String, Refusal> {
        let request: Request = serde_json::from_str(line).context("a request")?;
        if let What::Device { last_resort } = request.what {
            let (conversation, values) = Conversation::begin(last_resort, rng)?;
            self.conversations.insert(request.conversation, conversation);
            return show(&Answer {
                refused: None,
                values,
            });
        }
        let conversation = self
            .conversations
            .get_mut(&request.conversation)
            .ok_or_else(|| Refusal::new("a request for no conversation"))?;
        let before = conversation.state();
        let answer = match conversation.answer(request.what, rng)? {
            Ok(values) => Answer {
                refused: None,
                values,
            },
            Err(_) if conversation.state() != before => {
                return Err(Refusal::new("what was refused changed the state"));
            }
            Err(reason) => Answer {
                refused: Some(reason),
                values: BTreeMap::new(),
            },
        };
        show(&answer)
    }
}

fn show(answer: &Answer) -> Result<String, Refusal> {
    serde_json::to_string(answer).context("an answer")
}

impl Conversation {
    fn begin(
        last_resort: bool,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, BTreeMap<&'static str, Value>), Refusal> {
        let (signing, identity) = (SigningKey::generate(rng), IdentityKey::generate(rng));
        let keys = DeviceKeys {
            signing: signing.public().to_bytes(),
            identity: identity.public().to_bytes(),
        };
        let recovery = RecoveryKey::generate(rng).signing_key().public().to_bytes();
        let mut entry = AccountEntry::genesis(keys, recovery, Timestamp(NOW));
        entry.signature = signing.sign(&entry.signed_bytes());
        let kind = if last_resort {
            PrekeyKind::LastResort
        } else {
            PrekeyKind::OneTime
        };
        let signed = SignedPrekey::generate(rng.next_u32(), NOW, rng);
        let secret = PrekeySecret::generate(kind, rng.next_u32(), NOW, rng);
        let account = entry.hash().0;
        let own = End {
            account,
            device: 0,
            entry_hash: account,
            signing,
            identity,
            sessions: Sessions::default(),
        };
        let bundle = own.bundle(&signed, &secret, NOW + 1).to_bytes();
        let values = values([("entry", entry.to_bytes()), ("bundle", bundle)]);
        let conversation = Self {
            own,
            signed,
            secret,
            other: None,
            sending: None,
            receiving: None,
            vault_key: VaultKey::generate(rng),
            vault: VaultLog::new(account),
        };
        Ok((conversation, values))
    }

    /// All that must not change when something is refused.
    fn state(&self) -> (Hex, Option<Hex>, u64) {
        let receiving = self
            .receiving
            .as_ref()
            .map(|chains| chains.to_bytes().as_slice().into());
        (self.own.state(), receiving, self.vault.head().count)
    }

    fn other(&self) -> Result<RemoteDevice, Refusal> {
        self.other
            .ok_or_else(|| Refusal::new("nobody is at the other end yet"))
    }

    fn address(&self) -> DeviceAddress {
        self.own.remote().address()
    }

    fn answer(
        &mut self,
        what: What,
        rng: &mut impl CryptoRng,
    ) -> Result<Refused<BTreeMap<&'static str, Value>>, Refusal> {
        Ok(match what {
            What::Device { .. } => return Err(Refusal::new("the device is there already")),
            What::Meet { entry } => self.meet(&entry.0).map(|()| values([])),
            What::Begin { bundle } => self
                .own
                .begin(&self.other()?, &bundle.0, rng)
                .map(|()| values([]))
                .map_err(words),
            What::Seal {
                purpose,
                bound,
                plaintext,
            } => self
                .own
                .seal(purpose.into(), &bound.0, &plaintext.0, rng)
                .map(|message| values([("message", message)]))
                .map_err(words),
            What::Open {
                purpose,
                bound,
                message,
            } => {
                let other = self.other()?;
                let prekeys = Some((&self.signed, &self.secret));
                self.own
                    .open(&other, prekeys, purpose.into(), &bound.0, &message.0)
                    .map(|plaintext| values([("plaintext", plaintext)]))
            }
            What::SealContent {
                key,
                associated_data,
                content,
            } => {
                let key = ContentKey::from_bytes(&key.array()?);
                seal_content(&key, &associated_data.0, &content.0)
                    .map(|sealed| {
                        let hash = message_hash(&sealed, &associated_data.0).to_vec();
                        values([("sealed", sealed), ("message_hash", hash)])
                    })
                    .map_err(words)
            }
            What::OpenContent {
                key,
                associated_data,
                sealed,
            } => {
                let key = ContentKey::from_bytes(&key.array()?);
                open_content(&key, &associated_data.0, &sealed.0)
                    .map(|content| values([("content", content.to_vec())]))
                    .map_err(words)
            }
            What::BeginChain { room, epoch } => {
                let chain =
                    SendingChain::begin(&room.array()?, epoch, self.address(), &self.own.signing, NOW, rng);
                let distribution = chain.distribution(1, &[1; 32]).to_vec();
                self.sending = Some(chain);
                Ok(values([("distribution", distribution)]))
            }
            What::AcceptChain {
                room,
                epoch,
                distribution,
            } => self.accept_chain(&room.array()?, epoch, &distribution.0)?,
            What::SealRoom { bound, content } => self
                .sending
                .as_mut()
                .ok_or_else(|| Refusal::new("no chain was begun"))?
                .seal(&bound.0, &content.0, NOW, rng)
                .map(|message| {
                    values([
                        ("message", message.bytes),
                        ("message_hash", message.hash.to_vec()),
                    ])
                })
                .map_err(words),
            What::OpenRoom { bound, message } => self.open_room(&bound.0, &message.0)?,
            What::SealFile { file } => seal_attachment(&file.0, rng)
                .map(|(reference, sealed)| {
                    values([("reference", reference.to_bytes().to_vec()), ("sealed", sealed)])
                })
                .map_err(words),
            What::OpenFile { reference, sealed } => AttachmentReference::from_bytes(&reference.array()?)
                .and_then(|reference| open_attachment(&reference, &sealed.0))
                .map(|file| values([("file", file.to_vec())]))
                .map_err(words),
            What::Unwrap {
                slot,
                wrapped_key,
                recovery_key,
            } => {
                let secret = SlotSecret::from_recovery_key(&RecoveryKey::from_bytes(&recovery_key.array()?));
                let other = self.other()?;
                VaultSlot::from_bytes(&slot.0)
                    .and_then(|slot| slot.verify(&other))
                    .and_then(|slot| {
                        let wrapped = WrappedVaultKey::from_bytes(&wrapped_key.0)?.verify(&other)?;
                        wrapped.open(&slot, &secret)
                    })
                    .map(|key| values([("vault_key", key.as_bytes().to_vec())]))
                    .map_err(words)
            }
            What::Wrap { recovery_key } => {
                let secret = SlotSecret::from_recovery_key(&RecoveryKey::from_bytes(&recovery_key.array()?));
                let (address, signing) = (self.address(), &self.own.signing);
                let slot = VaultSlot::sign(address, signing, &secret, NOW);
                slot.verify(&self.own.remote())
                    .and_then(|verified| {
                        WrappedVaultKey::wrap(&self.vault_key, &verified, address, signing, rng)
                    })
                    .map(|wrapped| {
                        let vault_key = self.vault_key.as_bytes().to_vec();
                        values([
                            ("slot", slot.to_bytes()),
                            ("wrapped_key", wrapped.to_bytes()),
                            ("vault_key", vault_key),
                        ])
                    })
                    .map_err(words)
            }
            What::SealRecord { name, content } => self.seal_record(&name, &content.0, rng),
            What::OpenRecord {
                vault_key,
                name,
                record,
            } => {
                let key = VaultKey::from_parts(0, &vault_key.array()?);
                let account = self.other()?.account;
                key.record_name(name.as_bytes())
                    .and_then(|name| key.open_record(&account, &name, &VaultRecord::from_bytes(&record.0)?))
                    .map(|content| values([("content", content.to_vec())]))
                    .map_err(words)
            }
            What::SafetyNumber {} => {
                let number = SafetyNumber::new(&self.own.account, &self.other()?.account);
                let mut values = values([("code", number.code())]);
                values.insert("digits", Value::Text(number.digits()));
                Ok(values)
            }
            What::ScanCode { code } => SafetyNumber::new(&self.own.account, &self.other()?.account)
                .compare(&code.0)
                .map(|()| values([]))
                .map_err(words),
            What::JudgeDirect {
                proof,
                tag,
                body,
                associated_data,
            } => {
                let tag = tag.array()?;
                FrankingProof::from_bytes(&proof.0)
                    .and_then(|proof| proof.judge_direct(&tag, &body.0, &associated_data.0))
                    .map(|content| values([("content", content.to_vec())]))
                    .map_err(words)
            }
        })
    }

    /// The other device, from its account's verified chain.
    fn meet(&mut self, entry: &[u8]) -> Refused<()> {
        let account = AccountEntry::from_bytes(entry).map_err(words)?.hash().0;
        let chain = AccountChain::verify(AccountId(account), [entry]).map_err(words)?;
        let device = chain.device(DeviceId(0)).ok_or("no device")?;
        self.other = Some(RemoteDevice {
            account,
            device: 0,
            entry_hash: device.entry.0,
            identity: IdentityPublicKey::from_bytes(&device.keys.identity).map_err(words)?,
            signing: VerifyingKey::from_bytes(&device.keys.signing).map_err(words)?,
        });
        Ok(())
    }

    fn accept_chain(
        &mut self,
        room: &[u8; 32],
        epoch: u32,
        distribution: &[u8],
    ) -> Result<Refused<BTreeMap<&'static str, Value>>, Refusal> {
        let other = self.other()?;
        let distribution = match SenderKeyDistribution::from_bytes(distribution) {
            Ok(distribution) => distribution,
            Err(error) => return Ok(Err(words(error))),
        };
        let accepted = match &mut self.receiving {
            Some(chains) if chains.room() == room => chains.accept(&distribution, &other, epoch, NOW),
            _ => {
                let mut chains = ReceivingChains::new(room, other.address());
                let accepted = chains.accept(&distribution, &other, epoch, NOW);
                if accepted.is_ok() {
                    self.receiving = Some(chains);
                }
                accepted
            }
        };
        Ok(accepted.map(|_| values([])).map_err(words))
    }

    fn open_room(
        &mut self,
        bound: &[u8],
        message: &[u8],
    ) -> Result<Refused<BTreeMap<&'static str, Value>>, Refusal> {
        let chains = self
            .receiving
            .as_mut()
            .ok_or_else(|| Refusal::new("no chain was accepted"))?;
        let message = match SenderKeyMessage::from_bytes(message) {
            Ok(message) => message,
            Err(error) => return Ok(Err(words(error))),
        };
        Ok(chains
            .open(&message, bound, NOW)
            .map(|opened| {
                let proof = FrankingProof::room(&opened.opening).to_bytes().to_vec();
                values([
                    ("content", opened.content.to_vec()),
                    ("message_hash", opened.hash.to_vec()),
                    ("proof", proof),
                ])
            })
            .map_err(words))
    }

    fn seal_record(
        &mut self,
        name: &str,
        content: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Refused<BTreeMap<&'static str, Value>> {
        let name = self.vault_key.record_name(name.as_bytes()).map_err(words)?;
        let record = self
            .vault_key
            .seal_record(&self.vault, &name, content, rng)
            .map_err(words)?;
        self.vault.append(&record).map_err(words)?;
        Ok(values([("record", record.to_bytes())]))
    }
}

fn values<const N: usize>(values: [(&'static str, Vec<u8>); N]) -> BTreeMap<&'static str, Value> {
    values
        .into_iter()
        .map(|(name, bytes)| (name, Value::Bytes(Hex(bytes))))
        .collect()
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
