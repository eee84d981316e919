//! `clauth removals`: what vanished at once and is held, and what was removed and is kept for a while.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::Mistake;
use crate::io::{self, FileLock};
use crate::name::ProfileName;
use crate::profile;
use crate::session::Session;
use crate::sharing::Tree;
use crate::sharing::files::removals::{Answer, Held};
use crate::sharing::files::{Nobody, trash};

/// How long a helper may take to act on an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Show or decide about removals that are held, and empty the trash of removed files
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Remove the other copies too; they go to ~/.clauth/rescued/removed
    Accept {
        /// The profile; all of them when absent
        profile: Option<String>,
    },
    /// Put back what vanished
    Restore {
        /// The profile; all of them when absent
        profile: Option<String>,
    },
    /// Delete the removed files that are kept in ~/.clauth/rescued/removed
    Empty {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.action {
        None => show(context)?,
        Some(Action::Accept { profile }) => answer(context, profile.as_deref(), Answer::Accept)?,
        Some(Action::Restore { profile }) => answer(context, profile.as_deref(), Answer::Restore)?,
        Some(Action::Empty { yes }) => {
            let layout = context.layout.writable()?;
            let size = trash::size(&layout.trash());
            if size.files > 0 {
                io::confirm(&format!("delete {size} in {}?", layout.trash().display()), *yes)?;
                trash::empty(&layout.trash())?;
            }
            io::say(format_args!("deleted {size}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(context: &Context) -> Result<()> {
    let mut is_held = false;
    for name in profile::names(&context.layout) {
        let held = Held::read(&context.layout.removals(&name));
        let sides = [("the profile", &held.own), ("~/.claude", &held.hub)];
        for (side, path) in sides.into_iter().flat_map(|(side, paths)| paths.iter().map(move |path| (side, path))) {
            is_held = true;
            io::print(format!("{name}: {} vanished from {side}; its other copy stays\n", io::terminal_safe(path)))?;
        }
        if let Ok(tree) = tree(context, &name) {
            for (file, keys) in tree.deletions.held() {
                for key in keys {
                    is_held = true;
                    io::print(format!("{name}: {file}: {} vanished and stays\n", io::terminal_safe(&key)))?;
                }
            }
        }
    }
    if is_held {
        io::say("run `clauth removals accept` to remove the other copies too, or `clauth removals restore` to get them back");
    }
    let size = trash::size(&context.layout.trash());
    Ok(io::print(format!("{size} removed and kept in {}\n", context.layout.trash().display()))?)
}

fn answer(context: &Context, profile: Option<&str>, answer: Answer) -> Result<()> {
    context.layout.writable()?;
    let names = match profile {
        Some(name) => vec![context.profile(&context.config()?, name)?.name],
        None => profile::names(&context.layout),
    };
    let mut is_held = false;
    for name in &names {
        let file = context.layout.removals(name);
        let mut held = Held::read(&file);
        let tree = tree(context, name)?;
        let keys = tree.deletions.held();
        if !keys.is_empty() {
            is_held = true;
            match answer {
                Answer::Accept => drop(tree.accept_deletions()?),
                Answer::Restore => tree.deletions.let_go()?,
            }
            io::say(format_args!("{name}: {} {}", keys.into_values().flatten().collect::<Vec<_>>().join(", "), done(answer)));
        }
        if !held.is_empty() {
            is_held = true;
            held.answer = Some(answer);
            held.write(&file)?;
            act(context, name, &tree)?;
            io::say(format_args!("{name}: {} {}", io::counted(held.files, "file"), done(answer)));
        }
    }
    if !is_held {
        io::say("no removal is held");
    }
    Ok(())
}

fn done(answer: Answer) -> &'static str {
    match answer {
        Answer::Accept => "removed",
        Answer::Restore => "restored",
    }
}

/// Acts on an answer: the helper does, if one runs, since only it may touch what it keeps in step.
fn act(context: &Context, name: &ProfileName, tree: &Tree) -> Result<()> {
    let layout = context.layout.writable()?;
    let session = Session::new(&layout, name);
    io::create_dir(&session.leases())?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(_lock) = FileLock::exclusive_unless_held(&session.lock())? {
            tree.mirror().obey(&mut Nobody);
        } else {
            session.wake()?;
        }
        if Held::read(&layout.removals(name)).answer.is_none() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(Mistake::HelperStuck { profile: name.to_string() });
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn tree(context: &Context, name: &ProfileName) -> Result<Tree> {
    Ok(Tree::new(context, context.hub(&context.config()?)?, &profile::load(&context.layout, name)?))
}
