//! `clauth list`: the profiles.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::account;
use crate::context::Context;
use crate::io::{self, terminal_safe};
use crate::profile::{self, Profile};
use crate::session::{Lease, Session};

/// List the profiles
#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    account: Option<String>,
    organization: Option<String>,
    signed_in: bool,
    in_use_by: usize,
    config_dir: String,
}

#[derive(Serialize)]
struct Listing {
    profiles: Vec<Row>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let mut profiles = Vec::new();
    for name in profile::names(&context.layout) {
        match profile::load(&context.layout, &name) {
            Ok(profile) => profiles.push(row(context, &profile)),
            Err(mistake) => io::say(mistake), // the others are still worth listing
        }
    }
    if arguments.json {
        io::print_json(&Listing { profiles })?;
        return Ok(ExitCode::SUCCESS);
    }
    if profiles.is_empty() {
        io::say("there is no profile yet; make one with `clauth add NAME`");
    }
    io::print(table(&profiles))?;
    Ok(ExitCode::SUCCESS)
}

fn row(context: &Context, profile: &Profile) -> Row {
    let identity = account::Identity::read(&profile.config_dir);
    Row {
        name: profile.name.to_string(),
        account: identity.as_ref().and_then(|identity| identity.email_address.clone()),
        organization: identity.and_then(|identity| identity.organization_name),
        signed_in: account::is_signed_in(&profile.config_dir),
        in_use_by: Lease::live(&Session::new(&context.layout, &profile.name)).len(),
        config_dir: profile.exported(),
    }
}

fn table(rows: &[Row]) -> String {
    let account = |row: &Row| terminal_safe(row.account.as_deref().filter(|_| row.signed_in).unwrap_or("not signed in"));
    let width = |cell: &dyn Fn(&Row) -> String| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (name_width, account_width) = (width(&|row| row.name.clone()), width(&account));
    let line = |row: &Row| {
        let in_use = if row.in_use_by > 0 { format!("in use by {}", row.in_use_by) } else { String::new() };
        let line = format!("{:name_width$}  {:account_width$}  {in_use}", row.name, account(row));
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
