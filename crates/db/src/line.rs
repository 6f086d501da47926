//! The line of those who write to SQLite, and how they share commits.
//!
//! SQLite has one writer, and a commit waits for the disk. So whoever waits while a commit runs is taken into the next
//! one: each in its turn, behind a savepoint of its own, and all of them are told behind the one commit. There is no
//! timer: alone, a transaction is committed at once; under load the groups grow by themselves.
//!
//! Invariant: nothing that was read or written in a turn leaves it before its group is committed. A refusal waits, too:
//! it may rest on what another turn of the group wrote.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Sqlite, Transaction};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::DbError;

/// A deferred transaction that reads first and then writes fails at once when it meets another writer; an immediate
/// one waits for its turn.
const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT turn";
/// Between a turn that stays and the next one.
const NEXT: &str = "RELEASE turn; SAVEPOINT turn";
/// Takes back what a turn did. The savepoint stays for the next one.
const UNDO: &str = "ROLLBACK TO turn";

/// How much one group takes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Turns of one commit at most.
    pub(crate) turns: usize,
    /// Behind this time no further turn begins.
    pub(crate) within: Duration,
    /// How long somebody waits for a turn.
    pub(crate) patience: Duration,
}

/// While messages wait, others get this part of the time that the last commit took, or one turn.
const SHARE: u32 = 4;

/// Who wants a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The batch of messages: it goes before those who wait, and its group ends with it.
    Messages,
    /// Everything else, in the order in which it came.
    Others,
}

/// Hands out turns on the one connection that writes.
pub(crate) struct Line {
    pool: SqlitePool,
    bounds: Bounds,
    waiting: Mutex<Waiting>,
    commits: AtomicU64,
    /// How long the last commit took, in microseconds.
    last_commit: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<oneshot::Sender<Given>>,
    others: VecDeque<oneshot::Sender<Given>>,
    /// Whether somebody serves the line. Who joins a line that nobody serves sees to it.
    served: bool,
}

type Given = Result<Turn, DbError>;
type Committed = Result<(), DbError>;

/// Somebody whose turn it is.
struct Next {
    lane: Lane,
    give: oneshot::Sender<Given>,
}

/// What a turn leaves.
enum Verdict {
    Keep,
    /// Nothing; and why, where it failed.
    Undo(Option<DbError>),
}

/// The connection for as long as one transaction needs it. Dropped, what was done with it is undone.
pub(crate) struct Turn {
    held: Option<Held>,
    committed: oneshot::Receiver<Committed>,
}

struct Held {
    group: Transaction<'static, Sqlite>,
    back: oneshot::Sender<(Transaction<'static, Sqlite>, Verdict)>,
}

impl Line {
    pub(crate) fn new(pool: SqlitePool, bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            pool,
            bounds,
            waiting: Mutex::default(),
            commits: AtomicU64::new(0),
            last_commit: AtomicU64::new(0),
        })
    }

    /// The connections behind it, of which there is one: for what wants it for itself.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Commits so far.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Waits for a turn.
    pub(crate) async fn turn(self: &Arc<Self>, lane: Lane) -> Given {
        let (give, given) = oneshot::channel();
        let serves = {
            let mut waiting = self.waiting();
            match lane {
                Lane::Messages => waiting.messages.push_back(give),
                Lane::Others => waiting.others.push_back(give),
            }
            !std::mem::replace(&mut waiting.served, true)
        };
        if serves {
            // On its own: whoever began it may go away in the middle, and the others' commit must not go with them.
            let serving = Serving {
                line: Arc::clone(self),
                ended: false,
            };
            tokio::spawn(serving.run());
        }
        match timeout(self.bounds.patience, given).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who has the next turn in a group; nobody, when it is to be committed.
    fn next(&self, so_far: &Progress) -> Option<Next> {
        let over = so_far.messages
            || so_far.turns >= self.bounds.turns
            || so_far.began.elapsed() >= self.bounds.within;
        if over {
            return None;
        }
        let last_commit = Duration::from_micros(self.last_commit.load(Ordering::Relaxed));
        self.waiting().next(so_far.began.elapsed() >= last_commit / SHARE)
    }

    /// Runs one group: turns as long as somebody waits and the bounds allow, then the commit.
    async fn group(&self, first: Next) {
        let mut group = match self.pool.begin_with(BEGIN).await {
            Ok(group) => group,
            Err(error) => {
                // Who does not wait any more does not hear it.
                let _ = first.give.send(Err(error.into()));
                return;
            }
        };
        let mut so_far = Progress::new();
        let mut members = Vec::new();
        let mut next = first;
        let outcome = loop {
            let (back, returned) = oneshot::channel();
            let (tell, committed) = oneshot::channel();
            members.push(tell);
            let turn = Turn {
                held: Some(Held { group, back }),
                committed,
            };
            // A turn that nobody takes any more is dropped, and comes back like every other.
            drop(next.give.send(Ok(turn)));
            let Ok((came_back, verdict)) = returned.await else {
                break Err(gone());
            };
            group = came_back;
            so_far.turns += 1;
            so_far.messages |= next.lane == Lane::Messages;
            so_far.kept |= matches!(verdict, Verdict::Keep);
            // Some failures, a full disk among them, end the whole transaction: then there is nothing to go back to.
            if let Verdict::Undo(why) = &verdict
                && let Err(error) = execute(&mut group, UNDO).await
            {
                break Err(why.clone().unwrap_or(error));
            }
            let Some(following) = self.next(&so_far) else {
                break self.commit(group, so_far.kept).await;
            };
            if matches!(verdict, Verdict::Keep)
                && let Err(error) = execute(&mut group, NEXT).await
            {
                self.waiting().put_back(following);
                break Err(error);
            }
            next = following;
        };
        for member in members {
            let _ = member.send(outcome.clone());
        }
    }

    async fn commit(&self, group: Transaction<'static, Sqlite>, kept: bool) -> Committed {
        if !kept {
            return Ok(group.rollback().await?);
        }
        let began = Instant::now();
        // Savepoints that are still open are committed with the rest.
        group.commit().await?;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_commit.store(took, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Waiting {
    /// Who is next, where others had their share of the group or not.
    fn next(&mut self, had_share: bool) -> Option<Next> {
        // Who does not wait any more gets nothing.
        self.messages.retain(|give| !give.is_closed());
        while self.others.front().is_some_and(oneshot::Sender::is_closed) {
            self.others.pop_front();
        }
        let lane = if !self.messages.is_empty() && (had_share || self.others.is_empty()) {
            Lane::Messages
        } else {
            Lane::Others
        };
        let give = self.of(lane).pop_front()?;
        Some(Next { lane, give })
    }

    fn put_back(&mut self, next: Next) {
        self.of(next.lane).push_front(next.give);
    }

    fn of(&mut self, lane: Lane) -> &mut VecDeque<oneshot::Sender<Given>> {
        match lane {
            Lane::Messages => &mut self.messages,
            Lane::Others => &mut self.others,
        }
    }
}

impl Turn {
    /// The connection, inside the group's transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.held.as_mut().map(|held| &mut *held.group).ok_or_else(gone)
    }

    /// Keeps what was done; answers behind the commit.
    pub(crate) async fn keep(mut self) -> Result<(), DbError> {
        self.give_back(Verdict::Keep);
        self.committed().await
    }

    /// Undoes what was done, and answers `left` behind the commit of what it may rest on.
    pub(crate) async fn undo<T>(mut self, left: Result<T, DbError>) -> Result<T, DbError> {
        self.give_back(Verdict::Undo(left.as_ref().err().cloned()));
        let committed = self.committed().await;
        let left = left?;
        committed?;
        Ok(left)
    }

    async fn committed(&mut self) -> Committed {
        (&mut self.committed).await.unwrap_or_else(|_| Err(gone()))
    }

    fn give_back(&mut self, verdict: Verdict) {
        if let Some(Held { group, back }) = self.held.take() {
            // Where nobody waits for it, the runtime ends; then it is rolled back.
            let _ = back.send((group, verdict));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_back(Verdict::Undo(None));
    }
}

/// What a group holds so far.
struct Progress {
    began: Instant,
    turns: usize,
    messages: bool,
    kept: bool,
}

impl Progress {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            turns: 0,
            messages: false,
            kept: false,
        }
    }
}

/// Serves a line until nobody waits.
struct Serving {
    line: Arc<Line>,
    ended: bool,
}

impl Serving {
    async fn run(mut self) {
        while let Some(first) = self.first() {
            self.line.group(first).await;
        }
    }

    fn first(&mut self) -> Option<Next> {
        let mut waiting = self.line.waiting();
        let first = waiting.next(false);
        waiting.served = first.is_some();
        self.ended = first.is_none();
        first
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Its runtime ends in the middle of it. Another one may go on.
        if !self.ended {
            self.line.waiting().served = false;
        }
    }
}

async fn execute(group: &mut Transaction<'static, Sqlite>, text: &'static str) -> Result<(), DbError> {
    sqlx::raw_sql(text).execute(&mut **group).await?;
    Ok(())
}

fn gone() -> DbError {
    DbError::Unavailable("the one who writes has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use sqlx::{AssertSqlSafe, Executor};
    use tempfile::TempDir;

    use super::*;
    use crate::Db;
    use crate::engine::Pools;

    /// No time decides.
    const UNTIMED: Bounds = Bounds {
        turns: 128,
        within: Duration::MAX,
        patience: Duration::from_mins(5),
    };

    struct Stage {
        line: Arc<Line>,
        readers: SqlitePool,
        folder: TempDir,
    }

    async fn stage(bounds: Bounds) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("a.db").display()))
            .await
            .unwrap();
        let Pools::Sqlite { writer, readers } = db.pools else {
            panic!("not SQLite")
        };
        let pool = writer.pool().clone();
        pool.execute("CREATE TABLE marks (mark INTEGER PRIMARY KEY) STRICT")
            .await
            .unwrap();
        Stage {
            line: Line::new(pool, bounds),
            readers,
            folder,
        }
    }

    async fn write(turn: &mut Turn, mark: u32) -> Result<(), DbError> {
        sqlx::query("INSERT INTO marks (mark) VALUES ($1)")
            .bind(mark)
            .execute(turn.connection()?)
            .await?;
        Ok(())
    }

    /// What a method of [`Db`] does.
    async fn mark(line: &Arc<Line>, lane: Lane, mark: u32) -> Result<(), DbError> {
        let mut turn = line.turn(lane).await?;
        match write(&mut turn, mark).await {
            Ok(()) => turn.keep().await,
            Err(error) => turn.undo(Err(error)).await,
        }
    }

    async fn marks(pool: &SqlitePool) -> Vec<u32> {
        sqlx::query_scalar("SELECT mark FROM marks ORDER BY mark")
            .fetch_all(pool)
            .await
            .unwrap()
    }

    /// Waits until so many stand in line.
    async fn in_line(line: &Line, others: usize, messages: usize) {
        loop {
            let counted = {
                let waiting = line.waiting();
                (waiting.others.len(), waiting.messages.len())
            };
            if counted == (others, messages) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// A turn on its own and others who came meanwhile.
    async fn behind_one(stage: &Stage, marks: std::ops::Range<u32>) -> (Turn, Vec<Marking>) {
        let first = stage.line.turn(Lane::Others).await.unwrap();
        let count = marks.len();
        let others = marks.map(|number| marking(stage, Lane::Others, number)).collect();
        in_line(&stage.line, count, 0).await;
        (first, others)
    }

    type Marking = tokio::task::JoinHandle<Result<(), DbError>>;

    fn marking(stage: &Stage, lane: Lane, number: u32) -> Marking {
        let line = Arc::clone(&stage.line);
        tokio::spawn(async move { mark(&line, lane, number).await })
    }

    #[tokio::test]
    async fn two_hundred_who_wait_share_two_commits() {
        let stage = stage(UNTIMED).await;
        let (mut first, others) = behind_one(&stage, 1..200).await;
        write(&mut first, 0).await.unwrap();
        first.keep().await.unwrap();
        for other in join_all(others).await {
            other.unwrap().unwrap();
        }
        assert_eq!(marks(&stage.readers).await.len(), 200);
        assert_eq!(stage.line.commits(), 2);
    }

    #[tokio::test]
    async fn one_alone_is_committed_at_once() {
        let stage = stage(UNTIMED).await;
        for number in 0..3 {
            mark(&stage.line, Lane::Others, number).await.unwrap();
            assert_eq!(stage.line.commits(), u64::from(number) + 1);
        }
    }

    #[tokio::test]
    async fn a_failure_a_refusal_and_a_departure_harm_nobody_else_of_their_group() {
        let stage = stage(UNTIMED).await;
        let mut first = stage.line.turn(Lane::Others).await.unwrap();
        write(&mut first, 0).await.unwrap();
        // Fails: there is one.
        let twice = marking(&stage, Lane::Others, 0);
        in_line(&stage.line, 1, 0).await;
        let line = Arc::clone(&stage.line);
        let refused = tokio::spawn(async move {
            let mut turn = line.turn(Lane::Others).await?;
            write(&mut turn, 1).await?;
            turn.undo(Ok("refused")).await
        });
        in_line(&stage.line, 2, 0).await;
        let line = Arc::clone(&stage.line);
        let gone = tokio::spawn(async move {
            let mut turn = line.turn(Lane::Others).await?;
            write(&mut turn, 2).await?;
            drop(turn);
            Ok::<(), DbError>(())
        });
        in_line(&stage.line, 3, 0).await;
        let impatient = marking(&stage, Lane::Others, 3);
        in_line(&stage.line, 4, 0).await;
        let last = marking(&stage, Lane::Others, 4);
        in_line(&stage.line, 5, 0).await;
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());

        first.keep().await.unwrap();
        assert!(matches!(twice.await.unwrap(), Err(DbError::Internal(_))));
        assert_eq!(refused.await.unwrap().unwrap(), "refused");
        gone.await.unwrap().unwrap();
        last.await.unwrap().unwrap();
        assert_eq!(marks(&stage.readers).await, [0, 4]);
        assert_eq!(stage.line.commits(), 1);
    }

    #[tokio::test]
    async fn nobody_is_told_or_seen_before_the_commit() {
        let stage = stage(UNTIMED).await;
        let mut first = stage.line.turn(Lane::Others).await.unwrap();
        write(&mut first, 0).await.unwrap();
        let line = Arc::clone(&stage.line);
        let (took, taken) = oneshot::channel();
        let (go, gone) = oneshot::channel::<()>();
        let second = tokio::spawn(async move {
            let turn = line.turn(Lane::Others).await?;
            took.send(()).unwrap();
            gone.await.unwrap();
            // It rests on what the first one wrote.
            turn.undo(Ok("there is one")).await
        });
        in_line(&stage.line, 1, 0).await;
        let first = tokio::spawn(first.keep());
        taken.await.unwrap();
        // The first one has ended, and the second one stands in the middle.
        assert!(!first.is_finished() && !second.is_finished());
        assert!(marks(&stage.readers).await.is_empty());
        // Killed now, there is nothing of it.
        for (from, to) in [("a.db", "b.db"), ("a.db-wal", "b.db-wal")] {
            let folder = stage.folder.path();
            std::fs::copy(folder.join(from), folder.join(to)).unwrap();
        }
        let address = format!("sqlite:{}", stage.folder.path().join("b.db").display());
        let killed = Db::open(&address).await.unwrap();
        let Pools::Sqlite { readers, .. } = &killed.pools else {
            panic!("not SQLite")
        };
        assert!(marks(readers).await.is_empty());
        killed.close().await;

        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap().unwrap(), "there is one");
        assert_eq!(marks(&stage.readers).await, [0]);
    }

    #[tokio::test]
    async fn messages_go_before_those_who_wait() {
        let stage = stage(UNTIMED).await;
        let (first, others) = behind_one(&stage, 1..101).await;
        let messages = marking(&stage, Lane::Messages, 0);
        in_line(&stage.line, 100, 1).await;
        first.keep().await.unwrap();
        messages.await.unwrap().unwrap();
        // The first commit carries them.
        assert_eq!(stage.line.commits(), 1);
        for other in join_all(others).await {
            other.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn others_go_on_between_messages() {
        let stage = stage(UNTIMED).await;
        let (first, others) = behind_one(&stage, 0..10).await;
        let messages: Vec<_> = (100..200)
            .map(|number| marking(&stage, Lane::Messages, number))
            .collect();
        in_line(&stage.line, 10, 100).await;
        first.keep().await.unwrap();
        for other in join_all(others).await {
            other.unwrap().unwrap();
        }
        assert!(stage.line.commits() <= 12, "{}", stage.line.commits());
        for message in join_all(messages).await {
            message.unwrap().unwrap();
        }
        assert_eq!(stage.line.commits(), 100);
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_committed_fails_for_all_of_it_and_the_next_one_does_not() {
        let stage = stage(UNTIMED).await;
        let (mut first, others) = behind_one(&stage, 1..4).await;
        write(&mut first, 0).await.unwrap();
        let connection = first.connection().unwrap();
        // What a full disk may do in the middle of a statement.
        connection.execute("ROLLBACK").await.unwrap();
        let failed = first.undo::<()>(Err(DbError::Full)).await;
        assert!(matches!(failed, Err(DbError::Full)));
        for other in join_all(others).await {
            other.unwrap().unwrap();
        }
        assert_eq!(marks(&stage.readers).await, [1, 2, 3]);
    }

    #[tokio::test]
    async fn what_the_disk_has_no_room_for_is_refused_to_everybody_of_its_group() {
        let stage = stage(UNTIMED).await;
        let mut first = stage.line.turn(Lane::Others).await.unwrap();
        let bound = AssertSqlSafe("PRAGMA max_page_count = 1".to_owned());
        sqlx::raw_sql(bound)
            .execute(first.connection().unwrap())
            .await
            .unwrap();
        write(&mut first, 0).await.unwrap();
        let line = Arc::clone(&stage.line);
        let large = tokio::spawn(async move {
            let mut turn = line.turn(Lane::Others).await?;
            let filled = sqlx::query("CREATE TABLE filled AS SELECT zeroblob(100000) AS bytes")
                .execute(turn.connection()?)
                .await;
            turn.undo(filled.map(|_| ()).map_err(DbError::from)).await
        });
        in_line(&stage.line, 1, 0).await;
        let last = marking(&stage, Lane::Others, 1);
        in_line(&stage.line, 2, 0).await;
        let kept = first.keep().await;
        assert!(matches!(large.await.unwrap(), Err(DbError::Full)));
        let last = last.await.unwrap();
        // Told what is so, whatever the engine made of the rest.
        let mut expected = Vec::new();
        for (number, told) in [(0, kept), (1, last)] {
            if told.is_ok() {
                expected.push(number);
            }
        }
        assert_eq!(marks(&stage.readers).await, expected);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_to_come_back() {
        let stage = stage(Bounds {
            patience: Duration::from_millis(20),
            ..UNTIMED
        })
        .await;
        let first = stage.line.turn(Lane::Others).await.unwrap();
        let late = mark(&stage.line, Lane::Others, 1).await;
        assert!(matches!(late, Err(DbError::Unavailable(_))));
        first.keep().await.unwrap();
        mark(&stage.line, Lane::Others, 2).await.unwrap();
        assert_eq!(marks(&stage.readers).await, [2]);
    }
}
