//! Each device's durable queue of pairwise messages, emptied by acknowledging.

use conclave_protocol::frames::{Class, DirectMessage, Heads, Item, Side};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, RoomId, Timestamp};
use futures_util::TryStreamExt;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{ACKNOWLEDGE, DELETE_ACKNOWLEDGED, FIND_DEVICE_STATE, LIST_MAILBOX};
use crate::{Db, DbError, DeviceState, MailboxItem};

type MailboxRow = (
    Column<u64>,
    Column<EnvelopeId>,
    Column<AccountId>,
    Column<DeviceId>,
    Vec<u8>,
    bool,
    Option<Column<RoomId>>,
    Option<Column<u64>>,
    Option<Column<AccountId>>,
    Option<Column<Timestamp>>,
    Option<Column<Class>>,
    Option<Column<u32>>,
    Option<Column<u32>>,
    Option<Column<EnvelopeId>>,
    Option<Vec<u8>>,
);

type StateRow = (Option<Column<EnvelopeId>>, Column<u64>, Column<u32>);

impl Db {
    /// The messages that wait for a device behind a mailbox sequence, in order: at most `limit`, and no more
    /// than `byte_limit` bytes of pairwise messages and bodies together, but at least one.
    pub async fn list_mailbox(
        &self,
        device: DeviceAddress,
        after: u64,
        limit: u32,
        byte_limit: usize,
    ) -> Result<Vec<MailboxItem>, DbError> {
        let statement = LIST_MAILBOX.on(self.engine());
        let mut items = Vec::new();
        let mut bytes = 0_usize;
        on_engine!(
            self,
            read | connection | {
                let mut rows = sqlx::query_as::<_, MailboxRow>(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .bind(Column(after))
                    .bind(Column(limit))
                    .fetch(&mut *connection);
                // Counted here and not by the engine: sums over a window made the usual page, which is nowhere
                // near its limit of bytes, three times as slow.
                while let Some(row) = rows.try_next().await? {
                    let item = mailbox_item(row)?;
                    bytes = bytes.saturating_add(size(&item));
                    if bytes > byte_limit && !items.is_empty() {
                        break;
                    }
                    items.push(item);
                }
            }
        );
        Ok(items)
    }

    /// Deletes what a device has stored on its side, up to a sequence, and records how far it is. A sequence
    /// that no message of the mailbox had yet changes nothing. Answers how many messages were deleted.
    pub async fn acknowledge(&self, device: DeviceAddress, up_to: u64) -> Result<u64, DbError> {
        self.acknowledge_all(&[(device, up_to)]).await
    }

    /// As [`Self::acknowledge`], for many devices in one commit.
    pub async fn acknowledge_all(&self, batch: &[(DeviceAddress, u64)]) -> Result<u64, DbError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let engine = self.engine();
        // In the order in which `append` locks devices.
        let mut batch = batch.to_vec();
        batch.sort_unstable();
        let deleted = on_engine!(
            self,
            transaction | transaction | {
                let mut deleted = 0;
                for (device, up_to) in &batch {
                    let recorded = sqlx::query(ACKNOWLEDGE.on(engine))
                        .bind(Column(device.account))
                        .bind(Column(device.device))
                        .bind(Column(*up_to))
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected();
                    if recorded == 1 {
                        deleted += sqlx::query(DELETE_ACKNOWLEDGED.on(engine))
                            .bind(Column(device.account))
                            .bind(Column(device.device))
                            .bind(Column(*up_to))
                            .execute(&mut *transaction)
                            .await?
                            .rows_affected();
                    }
                }
                deleted
            }
        );
        Ok(deleted)
    }

    /// What a connecting device has to know about itself; of a device that nobody knows, nothing.
    pub async fn device_state(&self, device: DeviceAddress) -> Result<DeviceState, DbError> {
        let statement = FIND_DEVICE_STATE.on(self.engine());
        let row: Option<StateRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map_or(
            DeviceState {
                last_accepted: None,
                acknowledged: 0,
                one_time_prekeys: 0,
            },
            |(last_accepted, acknowledged, one_time_prekeys)| DeviceState {
                last_accepted: last_accepted.map(|id| id.0),
                acknowledged: acknowledged.0,
                one_time_prekeys: one_time_prekeys.0,
            },
        ))
    }
}

/// What counts against a page's limit of bytes.
fn size(item: &MailboxItem) -> usize {
    let body = match &item.item {
        Item::Message(message) => message.body.as_slice().len(),
        Item::Control(_) | Item::Receipt(_) => 0,
    };
    item.pairwise.as_slice().len().saturating_add(body)
}

fn mailbox_item(row: MailboxRow) -> Result<MailboxItem, DbError> {
    let (
        mailbox,
        id,
        account,
        device,
        pairwise,
        receipt,
        room,
        sequence,
        low,
        time,
        class,
        head_low,
        head_high,
        target,
        body,
    ) = row;
    let sender = DeviceAddress {
        account: account.0,
        device: device.0,
    };
    let item = match room {
        None if receipt => Item::Receipt(sender),
        None => Item::Control(sender),
        Some(room) => {
            // Invariant: these columns of an envelope and its room are never null, so that only an envelope
            // without its room could be half.
            let parts = (sequence, low, time, class, head_low, head_high, body);
            let (
                Some(sequence),
                Some(low),
                Some(time),
                Some(class),
                Some(head_low),
                Some(head_high),
                Some(body),
            ) = parts
            else {
                return Err(DbError::Internal("an envelope without its room".to_owned()));
            };
            Item::Message(DirectMessage {
                room: room.0,
                sequence: sequence.0,
                side: if sender.account == low.0 {
                    Side::Low
                } else {
                    Side::High
                },
                device: sender.device,
                time: time.0,
                class: class.0,
                heads: Heads {
                    low: head_low.0,
                    high: head_high.0,
                },
                target: target.map(|id| id.0),
                body: Bytes(body),
            })
        }
    };
    Ok(MailboxItem {
        mailbox: mailbox.0,
        id: id.0,
        pairwise: Bytes(pairwise),
        item,
    })
}
