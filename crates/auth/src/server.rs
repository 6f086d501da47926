//! The server's half of OPAQUE.

use opaque_ke::{
    CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest, RegistrationUpload,
    ServerLogin, ServerLoginParameters, ServerRegistration,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::AuthError;
use crate::randomness::Lent;
use crate::suite::{CONTEXT, Suite};

/// The server's OPAQUE seed and key pair. Without it no password of this server works.
pub struct ServerSetup(opaque_ke::ServerSetup<Suite>);

impl std::fmt::Debug for ServerSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerSetup(..)")
    }
}

/// What [`ServerSetup::start_login`] made.
pub struct LoginStart {
    /// For the client: `CredentialResponse` (KE2).
    pub response: Vec<u8>,
    /// For [`finish_login`]; to be kept until then.
    pub state: Zeroizing<Vec<u8>>,
}

impl ServerSetup {
    /// A new setup.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(opaque_ke::ServerSetup::new(&mut Lent(rng)))
    }

    /// The setup's bytes for its secret file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// The setup of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuthError> {
        opaque_ke::ServerSetup::deserialize(bytes)
            .map(Self)
            .map_err(|_| AuthError::Malformed)
    }

    /// Answers a `RegistrationRequest` with a `RegistrationResponse`.
    pub fn register(&self, username: &str, request: &[u8]) -> Result<Vec<u8>, AuthError> {
        let request = RegistrationRequest::deserialize(request).map_err(|_| AuthError::Malformed)?;
        ServerRegistration::<Suite>::start(&self.0, request, username.as_bytes())
            .map(|started| started.message.serialize().to_vec())
            .map_err(|_| AuthError::Malformed)
    }

    /// Answers a `CredentialRequest`. Without a record the answer is made up and cannot be told from a real
    /// one; the attempt then fails at its end.
    pub fn start_login(
        &self,
        username: &str,
        record: Option<&[u8]>,
        request: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<LoginStart, AuthError> {
        let request = CredentialRequest::deserialize(request).map_err(|_| AuthError::Malformed)?;
        let record = record
            .map(ServerRegistration::<Suite>::deserialize)
            .transpose()
            .map_err(|_| AuthError::Malformed)?;
        let started = ServerLogin::start(
            &mut Lent(rng),
            &self.0,
            record,
            request,
            username.as_bytes(),
            parameters(),
        )
        .map_err(|_| AuthError::Malformed)?;
        Ok(LoginStart {
            response: started.message.serialize().to_vec(),
            state: Zeroizing::new(started.state.serialize().to_vec()),
        })
    }
}

/// The record to store of a `RegistrationUpload`.
pub fn password_record(upload: &[u8]) -> Result<Vec<u8>, AuthError> {
    let upload = RegistrationUpload::<Suite>::deserialize(upload).map_err(|_| AuthError::Malformed)?;
    Ok(ServerRegistration::finish(upload).serialize().to_vec())
}

/// Checks a `CredentialFinalization` (KE3) against the kept state.
pub fn finish_login(state: &[u8], finalization: &[u8]) -> Result<(), AuthError> {
    let state = ServerLogin::<Suite>::deserialize(state).map_err(|_| AuthError::Malformed)?;
    let finalization = CredentialFinalization::deserialize(finalization).map_err(|_| AuthError::Malformed)?;
    state
        .finish(finalization, parameters())
        .map(|_| ())
        .map_err(|_| AuthError::WrongCredentials)
}

fn parameters() -> ServerLoginParameters<'static, 'static> {
    ServerLoginParameters {
        context: Some(CONTEXT),
        identifiers: Identifiers::default(),
    }
}
