//! `clauth list`: the profiles.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::arrive;
use crate::account::{Standing, Summary, live_clients};
use crate::context::Context;
use crate::env::{self, record::Chosen};
use crate::io::screen::{cut, pad, width, wrap};
use crate::io::{self, Clock, terminal_safe};
use crate::name::DEFAULT;
use crate::profile::{self, Profile};
use crate::selection::Outcome;
use crate::selection::decide::Loaded;
use crate::session::{Lease, Session};
use crate::sys;

/// List the profiles
#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the names alone, one a line
    #[arg(long, conflicts_with = "json")]
    names: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    #[serde(flatten)]
    account: Summary,
    api_key: bool,
    in_use_by: usize,
    config_dir: String,
    here: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Accounts {
    profiles: Vec<Row>,
    default: Option<Row>,
}

/// What `--json` prints of several profiles.
#[derive(Serialize)]
pub struct Listing<Row> {
    /// One row for each.
    pub profiles: Vec<Row>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    if arguments.names {
        io::print(names(context).iter().map(|name| format!("{name}\n")).collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let here = here(context);
    let profiles: Vec<_> = profile::all(&context.layout).iter().map(|profile| row(context, profile, here.as_deref())).collect();
    let default = default(context, here.as_deref());
    if arguments.json {
        io::print_json(&Accounts { profiles, default })?;
        return Ok(ExitCode::SUCCESS);
    }
    say_if_none(&profiles);
    let room = sys::terminal_columns();
    io::print(table(&profiles, &Clock::read(&context.env), room) + &default.map(|row| default_line(&row, room)).unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

/// Says what to do where there is nothing to show.
pub fn say_if_none<T>(profiles: &[T]) {
    if profiles.is_empty() {
        io::say("there is no profile yet; make one with `clauth add NAME`");
    }
}

/// Returns the names of all profiles.
pub fn names(context: &Context) -> Vec<String> {
    profile::names(&context.layout).iter().map(ToString::to_string).collect()
}

/// Returns the name of the profile that applies in this shell and directory, or `default`; `None` where `claude` refuses.
fn here(context: &Context) -> Option<String> {
    if context.before().chosen() == Chosen::Hand
        && let Loaded::Profile(config_dir) = context.loaded()
    {
        return context.layout.profile_of(config_dir.as_os_str()).map(|name| name.to_string());
    }
    match context.resolve(&context.config().ok()?, &env::current_dir().ok()?).outcome {
        Outcome::Bound(profile) => Some(profile.name.to_string()),
        Outcome::Unbound => Some(DEFAULT.into()),
        Outcome::Refused(_) => None,
    }
}

/// Returns the account that plain `claude` has; `None` where there is no config directory for it.
fn default(context: &Context, here: Option<&str>) -> Option<Row> {
    let place = arrive::hub_place(&context.hub(&context.config().ok()?).ok()?);
    Some(Row {
        name: DEFAULT.into(),
        account: Standing::of_place(&context.layout, &place).summary(),
        api_key: false,
        in_use_by: live_clients(&place.directory).len(),
        config_dir: place.directory.display().to_string(),
        here: here == Some(DEFAULT),
    })
}

/// Returns the last line. It is not a row of the table: this account is not a profile, and no command takes it away.
fn default_line(row: &Row, room: Option<usize>) -> String {
    let belongs_to = row.account.belongs_to().into_iter().flatten().map(|part| format!(" · {part}")).collect::<String>();
    let here = if row.here { ", which applies here" } else { "" };
    let line = terminal_safe(&format!("default: {}{belongs_to}, the account of {}{here}", row.account.who(), row.config_dir));
    match room {
        Some(room) if width(&line) > room => wrap(&line, room).iter().map(|line| format!("{line}\n")).collect(),
        _ => line + "\n",
    }
}

fn row(context: &Context, profile: &Profile, here: Option<&str>) -> Row {
    Row {
        name: profile.name.to_string(),
        account: Standing::of(&context.layout, &profile.name, &profile.config_dir).summary(),
        api_key: profile.has_api_key,
        in_use_by: Lease::live(&Session::new(&context.layout, &profile.name)).len(),
        config_dir: profile.exported(),
        here: here == Some(profile.name.as_str()),
    }
}

/// Returns a line for each profile, in columns; one that has nothing in any line is left out. Where a terminal has no room for them, each profile has a
/// line of its own, and below it what else there is; what is no terminal has room for everything.
fn table(rows: &[Row], clock: &Clock, room: Option<usize>) -> String {
    let lines: Vec<_> = rows.iter().map(|row| cells(row, clock).map(|cell| terminal_safe(&cell))).collect();
    let widths = lines.iter().fold([0; COLUMNS], |widest, line| std::array::from_fn(|column| widest[column].max(width(&line[column]))));
    let line = |cells: &[String; COLUMNS]| {
        let columns = cells.iter().zip(widths).filter(|(_, width)| *width > 0);
        let line = columns.map(|(cell, width)| pad(cell, width)).collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    let paragraph = |cells: &[String; COLUMNS], room: usize| {
        let rest = cells[1..].iter().filter(|cell| !cell.is_empty());
        let rest = rest.flat_map(|cell| wrap(cell, room.saturating_sub(2))).map(|line| format!("  {line}\n"));
        cut(&cells[0], room) + "\n" + &rest.collect::<String>()
    };
    let table: Vec<_> = lines.iter().map(line).collect();
    match room {
        Some(room) if table.iter().any(|line| width(line.trim_end()) > room) => lines.iter().map(|cells| paragraph(cells, room)).collect(),
        _ => table.concat(),
    }
}

const COLUMNS: usize = 6;

fn cells(row: &Row, clock: &Clock) -> [String; COLUMNS] {
    let mut remarks = Vec::new();
    if row.account.other_account {
        remarks.push(format!("the token is another account's: run `clauth login {}`", row.name));
    }
    if row.here {
        remarks.push("applies here".into());
    }
    if row.in_use_by > 0 {
        remarks.push(format!("in use by {}", row.in_use_by));
    }
    let who = if row.api_key { "API key".into() } else { row.account.who() };
    let [organization, plan] = row.account.belongs_to().map(|part| part.unwrap_or_default().to_owned());
    [row.name.clone(), who, organization, plan, row.account.token(clock).unwrap_or_default(), remarks.join(", ")]
}
