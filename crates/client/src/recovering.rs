//! Coming back to an account with its recovery key.

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

impl Engine {
    pub(crate) fn recover(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        _username: &str,
        _words: &str,
        _password: Zeroizing<String>,
    ) -> Result<(), ReadError> {
        self.fail(work, ask, Failure::busy());
        Ok(())
    }
}
