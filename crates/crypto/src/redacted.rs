//! `Debug` that names a type and shows nothing of it.

/// Implements `Debug` as `Name(..)`. Secret types use it instead of the derived form, which would print keys;
/// long public values use it to keep messages readable.
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

pub(crate) use redacted;
