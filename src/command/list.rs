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
    /// Whether there is a login that is over, so that only a new sign-in helps.
    login_ended: bool,
    in_use_by: usize,
    config_dir: String,
}

#[derive(Serialize)]
struct Listing {
    profiles: Vec<Row>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode> {
    let profiles: Vec<_> = profile::all(&context.layout).iter().map(|profile| row(context, profile)).collect();
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
    let login_ended = account::refresh::has_ended(&context.layout, &profile.name, &profile.config_dir);
    Row {
        name: profile.name.to_string(),
        account: identity.as_ref().and_then(|identity| identity.email_address.clone()),
        organization: identity.and_then(|identity| identity.organization_name),
        signed_in: !login_ended && account::is_signed_in(&profile.config_dir),
        login_ended,
        in_use_by: Lease::live(&Session::new(&context.layout, &profile.name)).len(),
        config_dir: profile.config_dir.display().to_string(),
    }
}

fn table(rows: &[Row]) -> String {
    let standing = |row: &Row| match row.account.as_deref() {
        Some(account) if row.signed_in => account.to_owned(),
        Some(account) if row.login_ended => format!("{account}: sign in again"),
        _ if row.login_ended => "sign in again".into(),
        _ => "not signed in".into(),
    };
    let account = |row: &Row| terminal_safe(&standing(row));
    let width = |cell: &dyn Fn(&Row) -> String| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (name_width, account_width) = (width(&|row| row.name.clone()), width(&account));
    let line = |row: &Row| {
        let in_use = if row.in_use_by > 0 { format!("in use by {}", row.in_use_by) } else { String::new() };
        let line = format!("{:name_width$}  {:account_width$}  {in_use}", row.name, account(row));
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
