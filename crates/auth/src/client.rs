//! The client's half of OPAQUE. The second step of each stretches the password: some hundred milliseconds.

use opaque_ke::errors::ProtocolError;
use opaque_ke::{
    ClientLoginFinishParameters, ClientRegistrationFinishParameters, CredentialResponse, Identifiers,
    RegistrationResponse,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::AuthError;
use crate::randomness::Lent;
use crate::suite::{CONTEXT, Stretch, Suite};

/// A registration between its two steps.
pub struct ClientRegistration(opaque_ke::ClientRegistration<Suite>);

/// A sign-in between its two steps.
pub struct ClientLogin(opaque_ke::ClientLogin<Suite>);

/// What a step leads to.
pub struct Finished {
    /// For the server: `RegistrationUpload` or `CredentialFinalization`.
    pub message: Vec<u8>,
    /// A key that only this password at this server gives; opens the vault's password slot.
    pub export_key: Zeroizing<Vec<u8>>,
}

impl ClientRegistration {
    /// Begins: the state to keep and the `RegistrationRequest` for the server.
    pub fn start(password: &[u8], rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), AuthError> {
        let started = opaque_ke::ClientRegistration::start(&mut Lent(rng), password)
            .map_err(|_| AuthError::Malformed)?;
        Ok((Self(started.state), started.message.serialize().to_vec()))
    }

    /// Ends with the server's `RegistrationResponse`.
    pub fn finish(
        self,
        password: &[u8],
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Finished, AuthError> {
        let response = RegistrationResponse::deserialize(response).map_err(|_| AuthError::Malformed)?;
        let parameters = ClientRegistrationFinishParameters::new(Identifiers::default(), Some(&Stretch));
        let finished = self
            .0
            .finish(&mut Lent(rng), password, response, parameters)
            .map_err(|error| error_of(&error))?;
        Ok(Finished {
            message: finished.message.serialize().to_vec(),
            export_key: Zeroizing::new(finished.export_key.to_vec()),
        })
    }
}

impl ClientLogin {
    /// Begins: the state to keep and the `CredentialRequest` (KE1) for the server.
    pub fn start(password: &[u8], rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), AuthError> {
        let started =
            opaque_ke::ClientLogin::start(&mut Lent(rng), password).map_err(|_| AuthError::Malformed)?;
        Ok((Self(started.state), started.message.serialize().to_vec()))
    }

    /// Ends with the server's `CredentialResponse` (KE2). A wrong password shows here.
    pub fn finish(
        self,
        password: &[u8],
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Finished, AuthError> {
        let response = CredentialResponse::deserialize(response).map_err(|_| AuthError::Malformed)?;
        let parameters =
            ClientLoginFinishParameters::new(Some(CONTEXT), Identifiers::default(), Some(&Stretch));
        let finished = self
            .0
            .finish(&mut Lent(rng), password, response, parameters)
            .map_err(|error| error_of(&error))?;
        Ok(Finished {
            message: finished.message.serialize().to_vec(),
            export_key: Zeroizing::new(finished.export_key.to_vec()),
        })
    }
}

fn error_of(error: &ProtocolError) -> AuthError {
    match error {
        ProtocolError::InvalidLoginError => AuthError::WrongCredentials,
        ProtocolError::LibraryError(_) => AuthError::Stretching,
        _ => AuthError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{ServerSetup, finish_login, password_record};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::from_seed([5; 32])
    }

    fn registered(setup: &ServerSetup, name: &str, password: &[u8]) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        let mut rng = rng();
        let (state, request) = ClientRegistration::start(password, &mut rng).unwrap();
        let response = setup.register(name, &request).unwrap();
        let finished = state.finish(password, &response, &mut rng).unwrap();
        (password_record(&finished.message).unwrap(), finished.export_key)
    }

    fn sign_in(
        setup: &ServerSetup,
        name: &str,
        record: Option<&[u8]>,
        password: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let mut rng = rng();
        let (state, request) = ClientLogin::start(password, &mut rng).unwrap();
        let started = setup.start_login(name, record, &request, &mut rng).unwrap();
        let finished = state.finish(password, &started.response, &mut rng)?;
        finish_login(&started.state, &finished.message)?;
        Ok(finished.export_key)
    }

    #[test]
    fn a_password_counts_exactly_as_it_was_typed() {
        let setup = ServerSetup::generate(&mut rng());
        let typed = "  Grüße an Zoë  ";
        let (record, _) = registered(&setup, "mia", typed.as_bytes());
        assert!(sign_in(&setup, "mia", Some(&record), typed.as_bytes()).is_ok());
        for other in [
            "Grüße an Zoë",
            "  Grüße an Zoë",
            "Grüße an Zoë  ",
            "  grüße an zoë  ",
            "  Gruße an Zoë  ",
            // The same to the eye: the dots of the e stand by themselves.
            "  Grüße an Zoe\u{308}  ",
            "  Grüße an Zoë  \0",
        ] {
            let refused = sign_in(&setup, "mia", Some(&record), other.as_bytes());
            assert_eq!(refused.err(), Some(AuthError::WrongCredentials), "{other:?}");
        }
        // What is behind the 64th character counts, too.
        let long = "otter".repeat(20);
        let (record, _) = registered(&setup, "mia", long.as_bytes());
        assert!(sign_in(&setup, "mia", Some(&record), long.as_bytes()).is_ok());
        assert!(sign_in(&setup, "mia", Some(&record), &long.as_bytes()[..99]).is_err());
    }

    #[test]
    fn the_right_password_signs_in_and_gives_the_same_export_key() {
        let setup = ServerSetup::from_bytes(&ServerSetup::generate(&mut rng()).to_bytes()).unwrap();
        let (record, export) = registered(&setup, "mia", b"correct horse");
        assert_eq!(
            sign_in(&setup, "mia", Some(&record), b"correct horse"),
            Ok(export)
        );
    }

    #[test]
    fn a_wrong_password_an_unknown_name_and_another_server_fail_alike() {
        let setup = ServerSetup::generate(&mut rng());
        let (record, _) = registered(&setup, "mia", b"correct horse");
        let wrong = Err(AuthError::WrongCredentials);
        assert_eq!(sign_in(&setup, "mia", Some(&record), b"battery staple"), wrong);
        assert_eq!(sign_in(&setup, "nobody", None, b"correct horse"), wrong);
        assert_eq!(sign_in(&setup, "noa", Some(&record), b"correct horse"), wrong);
    }

    #[test]
    fn an_unknown_name_is_answered_with_as_many_bytes_as_a_known_one() {
        let setup = ServerSetup::generate(&mut rng());
        let (record, _) = registered(&setup, "mia", b"correct horse");
        let (_, request) = ClientLogin::start(b"x", &mut rng()).unwrap();
        let known = setup
            .start_login("mia", Some(&record), &request, &mut rng())
            .unwrap();
        let unknown = setup.start_login("noa", None, &request, &mut rng()).unwrap();
        assert_eq!(known.response.len(), unknown.response.len());
        assert_eq!(known.state.len(), unknown.state.len());
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        let setup = ServerSetup::generate(&mut rng());
        assert_eq!(setup.register("mia", b"junk").err(), Some(AuthError::Malformed));
        assert!(setup.start_login("mia", None, b"junk", &mut rng()).is_err());
        assert_eq!(password_record(b"junk").err(), Some(AuthError::Malformed));
        assert_eq!(finish_login(b"junk", b"junk"), Err(AuthError::Malformed));
        assert!(ServerSetup::from_bytes(b"junk").is_err());
        assert_eq!(format!("{setup:?}"), "ServerSetup(..)");
    }

    /// The suite of somebody who wants passwords to be cheap to guess.
    struct Cheap;

    impl opaque_ke::CipherSuite for Cheap {
        type OprfCs = opaque_ke::Ristretto255;
        type KeyExchange = opaque_ke::TripleDh<opaque_ke::Ristretto255, sha2_opaque::Sha512>;
        type Ksf = CheapStretch;
    }

    #[derive(Default)]
    struct CheapStretch;

    impl opaque_ke::ksf::Ksf for CheapStretch {
        fn hash<L: opaque_ke::generic_array::ArrayLength<u8>>(
            &self,
            input: opaque_ke::generic_array::GenericArray<u8, L>,
        ) -> Result<opaque_ke::generic_array::GenericArray<u8, L>, opaque_ke::errors::InternalError> {
            let mut output = opaque_ke::generic_array::GenericArray::default();
            let params = argon2::Params::new(8, 1, 1, Some(L::to_usize())).unwrap();
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                .hash_password_into(&input, &[0; 16], &mut output)
                .unwrap();
            Ok(output)
        }
    }

    #[test]
    fn a_record_that_was_made_with_weaker_stretching_is_a_wrong_password_and_gives_no_key() {
        let setup = ServerSetup::generate(&mut rng());
        let mut rng = rng();
        let password = b"correct horse";
        let started = opaque_ke::ClientRegistration::<Cheap>::start(&mut Lent(&mut rng), password).unwrap();
        let response = setup.register("mia", &started.message.serialize()).unwrap();
        let response = RegistrationResponse::<Cheap>::deserialize(&response).unwrap();
        let parameters = ClientRegistrationFinishParameters::new(Identifiers::default(), Some(&CheapStretch));
        let finished = started
            .state
            .finish(&mut Lent(&mut rng), password, response, parameters)
            .unwrap();
        let record = password_record(&finished.message.serialize()).unwrap();
        let outcome = sign_in(&setup, "mia", Some(&record), password);
        assert_eq!(outcome, Err(AuthError::WrongCredentials));
    }

    #[test]
    fn passwords_are_stretched_with_no_less_than_the_floor() {
        use crate::suite::{LANES, MEMORY_KIB, PASSES};
        const { assert!(MEMORY_KIB >= 64 * 1024 && PASSES >= 3 && LANES == 1) };
    }
}
