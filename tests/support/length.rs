//! The short form of the suite, and the long one, of `CLAUTH_LONG=1`.

/// Whether this is the long form.
pub(crate) fn is_long() -> bool {
    std::env::var_os("CLAUTH_LONG").is_some_and(|value| value == "1")
}

/// Returns how often a test repeats itself: `usual` times in the short form, and `long` times in the long one.
pub(crate) fn rounds(usual: usize, long: usize) -> usize {
    if is_long() { long } else { usual }
}
