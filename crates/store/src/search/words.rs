//! Words of the index that contain a part: for where no word begins with what was typed.
//!
//! FTS5 lists its words by walking through the whole index, so the list is kept until the index changes.

use std::cell::RefCell;

use conclave_client::search::Search;
use rusqlite::params;
use zeroize::Zeroizing;

use super::expression::{WORDS_MAX, inner_words};
use super::index::{indexed, is_scope};
use crate::{Store, StoreError};

/// All words, each behind a line break and one at the end; none where they were not read since the last change.
#[derive(Default)]
pub(crate) struct Words(RefCell<Option<Zeroizing<String>>>);

impl Words {
    /// The index changes.
    pub(super) fn forget(&self) {
        self.0.replace(None);
    }
}

impl Store {
    /// For each word that was typed, the words of the index that contain it. None where there is one that none does.
    pub(super) fn containing(&self, search: &Search) -> Result<Option<Vec<Vec<String>>>, StoreError> {
        let mut all = Vec::new();
        for word in inner_words(search) {
            let Some(part) = self.folded(&word)? else {
                return Ok(None);
            };
            let words = self.words_with(&part)?;
            if words.is_empty() {
                return Ok(None);
            }
            all.push(words);
        }
        Ok((!all.is_empty()).then_some(all))
    }

    /// The shortest words with a part.
    fn words_with(&self, part: &str) -> Result<Vec<String>, StoreError> {
        let mut kept = self.words.0.borrow_mut();
        let list = match &*kept {
            Some(list) => list,
            None => kept.insert(self.list_words()?),
        };
        let mut words: Vec<&str> = Vec::new();
        let mut from = 0;
        while let Some(at) = list[from..].find(part) {
            let begin = list[..from + at].rfind('\n').map_or(0, |line| line + 1);
            let end = list[begin..].find('\n').map_or(list.len(), |line| begin + line);
            words.push(&list[begin..end]);
            from = end;
        }
        words.sort_unstable_by_key(|word| (word.len(), *word));
        words.truncate(WORDS_MAX);
        Ok(words.into_iter().map(str::to_owned).collect())
    }

    fn list_words(&self) -> Result<Zeroizing<String>, StoreError> {
        let mut list = Zeroizing::new(String::from("\n"));
        let mut statement = self.connection.prepare_cached("SELECT term FROM search_words")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let word = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if !is_scope(word) {
                list.push_str(word);
                list.push('\n');
            }
        }
        Ok(list)
    }

    /// A word as the index writes it. None where it is several.
    fn folded(&self, word: &str) -> Result<Option<String>, StoreError> {
        self.connection.execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.folding USING fts5 (
                 text, content = '', columnsize = 0,
                 tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co So'\");
             CREATE VIRTUAL TABLE IF NOT EXISTS temp.folded USING fts5vocab (temp, folding, row);
             INSERT INTO temp.folding (folding) VALUES ('delete-all')",
        )?;
        let mut fold = self
            .connection
            .prepare_cached("INSERT INTO temp.folding (rowid, text) VALUES (1, ?1)")?;
        fold.execute(params![indexed(word)])?;
        let mut read = self
            .connection
            .prepare_cached("SELECT term FROM temp.folded LIMIT 2")?;
        let words = read
            .query_map([], |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        Ok(<[String; 1]>::try_from(words).ok().map(|[word]| word))
    }
}
