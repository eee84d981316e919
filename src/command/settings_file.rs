//! Editing config.toml in place, one command at a time: the user's comments, order, links and mode survive.

use std::ops::Range;

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::io::{self, epoch};
use crate::layout::Writable;
use crate::profile;

/// Returns the text; an empty one where there is no file.
pub fn read(context: &Context) -> Result<String> {
    let file = context.layout.config();
    match io::read_text(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("could not read {}", file.display())),
    }
}

/// Lets `change` make a new text of the one that stands there, and writes it; every shell notices.
///
/// The caller holds no lock: two commands that edit at once do so one after the other.
pub fn edit(context: &Context, layout: Writable<'_>, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let _state = profile::lock_state(layout)?;
    let (file, is_new) = (layout.config(), !layout.config().exists());
    let text = change(&read(context)?)?;
    if is_new { io::write_durably(&io::resolved(&file), text.as_bytes()) } else { io::write_public(&file, text.as_bytes()) }?;
    epoch::advance(layout)
}

/// Puts a name in the place of a TOML value.
pub fn put_name(text: &mut String, value: Range<usize>, name: &str) {
    text.replace_range(value, &format!("\"{name}\""));
}
