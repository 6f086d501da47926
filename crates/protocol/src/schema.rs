//! What ids and bytes look like in JSON, for the OpenAPI document: texts of a known form.
//!
//! Bodies say it by themselves (`derive(ToSchema)`); here are the types that write their own text.

use std::borrow::Cow;

use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    AccountId, AnnouncementId, BlobId, Bytes, EnvelopeId, ErrorCode, Hash, LinkId, LoginId, PlaceId,
    ReportId, RestoreEpoch, RoomId, Token, Username,
};

/// A text of a form.
fn text(about: &str, pattern: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .description(Some(about))
        .pattern(Some(pattern))
        .build()
        .into()
}

macro_rules! text_schemas {
    ($($name:ident $about:literal $pattern:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($about, $pattern)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

// 32 bytes are 43 letters, of which the last holds four bits; 16 bytes are 22, and the last holds two.
text_schemas! {
    AccountId "The hash of the account's first entry, base64url without padding." "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
    RoomId "32 bytes, base64url without padding." "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
    PlaceId "The hash of the place's first entry, base64url without padding." "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
    Hash "SHA-256, base64url without padding." "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
    LoginId "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    BlobId "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    AnnouncementId "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    ReportId "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    LinkId "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    RestoreEpoch "16 bytes, base64url without padding." "^[A-Za-z0-9_-]{21}[AQgw]$";
    EnvelopeId "A UUID of version 7, made by the client." "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
    Username "A handle." "^[a-z][a-z0-9._-]{1,31}$";
    Token "256 bits, base64url without padding; an access token has three parts." "^[A-Za-z0-9._-]+$";
    Bytes "Opaque bytes, base64url without padding." "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$";
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("What went wrong, as code matches it."))
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .build()
            .into()
    }
}

impl ToSchema for ErrorCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ErrorCode")
    }
}
