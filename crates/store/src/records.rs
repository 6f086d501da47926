//! Records that only the engine reads: bytes by table and key.

use conclave_client::{Record, Table};
use rusqlite::{OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use crate::{Store, StoreError};

impl Store {
    pub(crate) fn find_record(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM records WHERE kind = ?1 AND key = ?2")?;
        Ok(statement
            .query_row(params![kind(table), key], |row| secret(row, 0))
            .optional()?)
    }

    pub(crate) fn list_records(
        &self,
        table: Table,
        prefix: &[u8],
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, value FROM records
             WHERE kind = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3)
             ORDER BY key LIMIT ?4",
        )?;
        let bound = params![kind(table), prefix, end_of(prefix), limit];
        let rows = statement.query_map(bound, |row| Ok((row.get(0)?, secret(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn upsert_record(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO records (kind, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
        )?;
        statement.execute(params![kind(table), key, value])?;
        Ok(())
    }

    pub(crate) fn delete_record(&self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM records WHERE kind = ?1 AND key = ?2")?;
        statement.execute(params![kind(table), key])?;
        Ok(())
    }
}

/// The number of a table is part of the stored form and never changes.
const fn kind(table: Table) -> u8 {
    table as u8
}

fn secret(row: &Row<'_>, column: usize) -> rusqlite::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(row.get_ref(column)?.as_blob()?.to_vec()))
}

/// The smallest key behind all those that begin with `prefix`; none when there is no such key.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_lies_just_behind_it() {
        assert_eq!(end_of(&[]), None);
        assert_eq!(end_of(&[255, 255]), None);
        assert_eq!(end_of(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(end_of(&[1, 255]), Some(vec![2]));
    }
}
