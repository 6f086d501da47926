//! What a handler may ask for: who is asking, from where, and a body of the right form.

mod bearer;
mod body;
mod fresh;
mod origin;
mod path;
mod signed_in;
mod source;

pub(crate) use bearer::{AtLink, Bearer, OwnAccount};
pub(crate) use body::Body;
pub(crate) use fresh::{Fresh, FreshAdministrator, check as check_fresh};
pub(crate) use origin::SameOrigin;
pub(crate) use path::{PathOf, QueryOf};
pub(crate) use signed_in::{Administrator, SignedIn};
pub(crate) use source::AskedFrom;
