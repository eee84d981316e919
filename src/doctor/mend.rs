//! What `--fix` does.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::Mend;
use crate::context::Context;
use crate::io::{self, FileLock};
use crate::name::ProfileName;
use crate::profile;
use crate::session::Session;
use crate::sharing::files::Nobody;
use crate::sharing::{Tree, Use, first_few};
use crate::sys;

/// Does it, and returns what was done.
pub fn mend(context: &Context, mend: &Mend) -> Result<String> {
    context.layout.writable()?;
    match mend {
        Mend::MakePrivate(paths) => {
            for path in paths {
                sys::make_private(path).with_context(|| format!("could not change the permissions of {}", path.display()))?;
            }
            Ok(format!("{} paths are the user's alone", paths.len()))
        }
        Mend::RemoveLock(lock) => {
            fs::remove_dir(lock).with_context(|| format!("could not remove {}", lock.display()))?;
            Ok(format!("{} is removed", lock.display()))
        }
        Mend::MakeTree(name) => {
            let mut tree = tree(context, name)?;
            let troubles = tree.prepare(Use::Beginning)?;
            let session = Session::new(&context.layout, name);
            io::create_dir(session.directory())?;
            // A helper that began meanwhile does the same.
            if let Some(_lock) = FileLock::exclusive_unless_held(&session.lock())? {
                let mut mirror = tree.mirror();
                let trouble = mirror.settle(&mut Nobody);
                mirror.finish_links();
                mirror.save()?;
                ensure!(trouble.is_none(), trouble.unwrap_or_default());
            }
            troubles.into_iter().next().map_or_else(|| Ok(format!("{name} is shared as it should be")), Err)
        }
        Mend::AcceptDeletions(name) => {
            let keys = tree(context, name)?.accept_deletions()?;
            let keys: Vec<_> = keys.into_values().flatten().collect();
            Ok(format!("{} may go from {name}, and from every profile in use", first_few(&keys)))
        }
    }
}

fn tree(context: &Context, name: &ProfileName) -> Result<Tree> {
    Ok(Tree::new(context, context.hub(&context.config()?)?, &profile::load(&context.layout, name)?))
}
