//! The OpenAPI description of REST, written from the bodies that `crates/protocol` declares.
//!
//! [`operations`] is its table: one line for each route and method. A test compares it with `router.rs`, so that
//! no route stays undescribed. The socket's frames are CBOR and stand in `docs/protocol.md`.

mod operations;

use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, SchemaType};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder,
    PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use conclave_protocol::{
    AccountId, AnnouncementId, BlobId, DeviceId, Hash, LinkId, LoginId, PlaceId, Problem, ReportId, RoomId,
    Username,
};

/// A schema and those that it names.
type Described = fn(&mut Vec<(String, RefOr<Schema>)>) -> String;

fn described<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) -> String {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    T::name().into_owned()
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    /// Everybody, signed in or not.
    Anybody,
    /// Whoever is signed in.
    SignedIn,
    /// A device that is signed in, or a newcomer with the token of its meeting place or proof.
    Bearer,
}

/// One route with one method.
struct Operation {
    method: HttpMethod,
    path: &'static str,
    about: &'static str,
    who: Who,
    /// Numbers and ids behind the question mark; none is required.
    query: &'static [(&'static str, QueryKind)],
    takes: Option<Described>,
    answers: Option<Described>,
    /// Its body, or its answer, is plain bytes.
    bytes: Option<BytesOf>,
    /// Nothing is answered, and that says so.
    status: &'static str,
}

/// What plain bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BytesOf {
    /// A body, with its hash in `Content-Digest`.
    Body,
    /// An answer, of which `Range` may ask for a part.
    Answer,
}

#[derive(Clone, Copy)]
enum QueryKind {
    U32,
    U64,
    Account,
    Text,
}

impl Operation {
    const fn new(method: HttpMethod, path: &'static str, about: &'static str) -> Self {
        Self {
            method,
            path,
            about,
            who: Who::SignedIn,
            query: &[],
            takes: None,
            answers: None,
            bytes: None,
            status: "204",
        }
    }

    const fn takes_bytes(self) -> Self {
        Self {
            bytes: Some(BytesOf::Body),
            ..self
        }
    }

    const fn answers_bytes(self) -> Self {
        Self {
            bytes: Some(BytesOf::Answer),
            status: "200",
            ..self
        }
    }

    const fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    const fn with(self, query: &'static [(&'static str, QueryKind)]) -> Self {
        Self { query, ..self }
    }

    const fn takes<T: ToSchema>(self) -> Self {
        Self {
            takes: Some(described::<T>),
            ..self
        }
    }

    const fn answers<T: ToSchema>(self) -> Self {
        Self {
            answers: Some(described::<T>),
            status: "200",
            ..self
        }
    }
}

/// The parts of paths that stand in braces.
fn path_schema(name: &str) -> RefOr<Schema> {
    match name {
        "account" => AccountId::schema(),
        "device" => DeviceId::schema(),
        "room" => RoomId::schema(),
        "place" => PlaceId::schema(),
        "link" => LinkId::schema(),
        "blob" => BlobId::schema(),
        "chunk" => number(u32::MAX.into()),
        "login" => LoginId::schema(),
        "announcement" => AnnouncementId::schema(),
        "report" => ReportId::schema(),
        "invite" => Hash::schema(),
        "username" => Username::schema(),
        // A part that is not named here is a text; the test of completeness wants it named.
        _ => ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .into(),
    }
}

fn bytes_schema() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .into()
}

fn number(most: u64) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_u64))
        .maximum(Some(most))
        .into()
}

fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn of_name(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// The whole description.
pub(crate) fn document() -> OpenApi {
    let mut schemas = Vec::new();
    let problem = described::<Problem>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for operation in operations::all() {
        let mut built = OperationBuilder::new()
            .summary(Some(operation.about))
            .operation_id(Some(id_of(&operation)))
            .tag(operation.path.split('/').nth(1).unwrap_or_default());
        for name in names_in(operation.path) {
            built = built.parameter(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(path_schema(name))),
            );
        }
        for (name, kind) in operation.query {
            let schema = match kind {
                QueryKind::U32 => number(u32::MAX.into()),
                QueryKind::U64 => number(i64::MAX.unsigned_abs()),
                QueryKind::Account => AccountId::schema(),
                QueryKind::Text => String::schema(),
            };
            built = built.parameter(
                ParameterBuilder::new()
                    .name(*name)
                    .parameter_in(ParameterIn::Query)
                    .required(Required::False)
                    .schema(Some(schema)),
            );
        }
        if let Some(takes) = operation.takes {
            let name = takes(&mut schemas);
            built = built.request_body(Some(
                RequestBodyBuilder::new()
                    .content(
                        "application/json",
                        ContentBuilder::new().schema(Some(of_name(&name))).build(),
                    )
                    .required(Some(Required::True))
                    .build(),
            ));
        }
        let header = |name: &str, required| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(required)
                .schema(Some(String::schema()))
        };
        let plain = || ContentBuilder::new().schema(Some(bytes_schema())).build();
        let mut fine = ResponseBuilder::new().description("Done.");
        match operation.bytes {
            Some(BytesOf::Body) => {
                built = built
                    .parameter(header("content-digest", Required::True))
                    .request_body(Some(
                        RequestBodyBuilder::new()
                            .content("application/octet-stream", plain())
                            .required(Some(Required::True))
                            .build(),
                    ));
            }
            Some(BytesOf::Answer) => {
                built = built.parameter(header("range", Required::False)).response(
                    "206",
                    ResponseBuilder::new()
                        .description("The part that was asked for.")
                        .content("application/octet-stream", plain()),
                );
                fine = fine.content("application/octet-stream", plain());
            }
            None => {}
        }
        if let Some(answers) = operation.answers {
            let name = answers(&mut schemas);
            fine = fine.content(
                "application/json",
                ContentBuilder::new().schema(Some(of_name(&name))).build(),
            );
        }
        let refusal = || {
            ResponseBuilder::new()
                .description("Refused or failed; the code says why.")
                .content(
                    "application/problem+json",
                    ContentBuilder::new().schema(Some(of_name(&problem))).build(),
                )
        };
        built = built
            .response(operation.status, fine)
            .response("4XX", refusal())
            .response("5XX", refusal());
        built = match operation.who {
            Who::Anybody => built,
            Who::SignedIn => built.security(SecurityRequirement::new("access", NO_SCOPES)),
            Who::Bearer => built
                .security(SecurityRequirement::new("access", NO_SCOPES))
                .security(SecurityRequirement::new("single", NO_SCOPES)),
        };
        paths = paths.path(
            format!("/api/v1{}", operation.path),
            PathItem::new(operation.method, built),
        );
    }
    let bearer = |about| {
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(about))
                .build(),
        )
    };
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Conclave")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What clients ask the server over HTTP. Everything that people write is sealed before it comes \
                     here; docs/protocol.md has the formats.",
                )),
        )
        .paths(paths)
        .components(Some(
            ComponentsBuilder::new()
                .schemas_from_iter(schemas)
                .security_scheme("access", bearer("The access token of a login."))
                .security_scheme(
                    "single",
                    bearer("The token of a meeting place, or of a proof of the password or the recovery key."),
                )
                .build(),
        ))
        .build()
}

const NO_SCOPES: [&str; 0] = [];

/// `post_logins_start` for `POST /logins/start`.
fn id_of(operation: &Operation) -> String {
    let parts = operation.path.split('/').filter(|part| !part.is_empty());
    let words = parts.map(|part| part.trim_matches(['{', '}']).replace('-', "_"));
    std::iter::once(method_of(&operation.method).to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn method_of(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        HttpMethod::Patch => "patch",
        HttpMethod::Options => "options",
        HttpMethod::Head => "head",
        HttpMethod::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What `router.rs` routes below `/api/v1`, as `post /logins/start`.
    fn routed() -> BTreeSet<String> {
        let source = include_str!("../router.rs");
        let api = source.split("Router::new()").nth(1).unwrap();
        let mut found = BTreeSet::new();
        for route in api.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            let handlers = route.split_once(&format!("\"{path}\"")).unwrap().1;
            let handlers = handlers.split(';').next().unwrap();
            for method in ["get", "post", "put", "delete", "patch"] {
                if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                    found.insert(format!("{method} {path}"));
                }
            }
        }
        found
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<String> = operations::all()
            .map(|operation| format!("{} {}", method_of(&operation.method), operation.path))
            .collect();
        // The socket's door is no request with an answer.
        let mut routed = routed();
        assert!(routed.remove("get /ws"));
        assert!(routed.len() > 40, "{routed:?}");
        assert_eq!(described, routed);
    }

    #[test]
    fn every_name_in_a_path_has_its_form() {
        let plain = path_schema("something else");
        for operation in operations::all() {
            for name in names_in(operation.path) {
                assert!(path_schema(name) != plain, "{name} in {}", operation.path);
            }
        }
    }

    #[test]
    fn whatever_the_description_refers_to_stands_in_it() {
        let text = serde_json::to_string(&document()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name} is not described"
            );
        }
    }
}
