//! The lines of config.toml that name a profile: `default_profile`, and the `profile` of each rule. They are edited in place, so that the user's comments
//! and all other settings survive.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use toml::Spanned;

use super::settings_file;
use crate::context::Context;
use crate::layout::Writable;
use crate::name::{DEFAULT, ProfileName};

/// The lines that name profiles; whatever else stands in the file is not looked at.
#[derive(Default, Deserialize)]
struct Names {
    default_profile: Option<Spanned<String>>,
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    dir: Option<String>,
    profile: Spanned<String>,
}

/// Says where config.toml names a profile.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Whether it is the default profile.
    pub by_default: bool,
    /// The directories of the rules for it, as they are written there.
    pub rules: Vec<String>,
}

impl Uses {
    /// Whether it is named nowhere.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Says it in words.
    pub fn told(&self) -> String {
        let by_default = self.by_default.then(|| "as default_profile".to_owned());
        let rules = self.rules.iter().map(|dir| format!("in the rule for {dir}"));
        by_default.into_iter().chain(rules).collect::<Vec<_>>().join(" and ")
    }
}

/// Makes a profile the one for every directory that nothing else decides for, or, with `None`, ends that. Returns the name that stood there.
pub fn set_default(context: &Context, layout: Writable<'_>, name: Option<&ProfileName>) -> Result<Option<String>> {
    let former = parse(&read(context)?)?.default_profile.map(Spanned::into_inner);
    if former.is_none() && name.is_none() {
        return Ok(None);
    }
    settings_file::edit(context, layout, |text| {
        let mut edited = text.to_owned();
        match (parse(text)?.default_profile, name) {
            (Some(found), Some(name)) => settings_file::put_name(&mut edited, found.span(), name.as_str()),
            (Some(found), None) => edited = without_line(text, &found.span()),
            // Before the first table: behind one it would be a key of that table.
            (None, Some(name)) => edited = format!("default_profile = \"{name}\"\n{text}"),
            (None, None) => {}
        }
        let after = parse(&edited)?.default_profile.map(Spanned::into_inner);
        ensure!(after.as_deref() == name.map(ProfileName::as_str), "could not change default_profile in {}; edit that line by hand", shown(context));
        Ok(edited)
    })?;
    Ok(former)
}

/// Returns where config.toml names this profile.
pub fn uses(context: &Context, name: &ProfileName) -> Result<Uses> {
    let names = parse(&read(context)?)?;
    let is_it = |said: &Spanned<String>| said.get_ref() == name.as_str();
    let rules = names.rule.iter().filter(|rule| is_it(&rule.profile)).map(|rule| rule.dir.clone().unwrap_or_else(|| "a repository".into()));
    Ok(Uses { by_default: names.default_profile.as_ref().is_some_and(is_it), rules: rules.collect() })
}

/// Takes a profile out of config.toml: where a rule named it, the account of `~/.claude` is used.
pub fn forget(context: &Context, layout: Writable<'_>, name: &ProfileName) -> Result<()> {
    settings_file::edit(context, layout, |text| {
        let mut edited = text.to_owned();
        let rules = parse(text)?.rule.into_iter().filter(|rule| rule.profile.get_ref() == name.as_str());
        let mut spans: Vec<_> = rules.map(|rule| rule.profile.span()).collect();
        spans.sort_by_key(|span| std::cmp::Reverse(span.start)); // from the end, so that the others stay where they are
        for span in spans {
            settings_file::put_name(&mut edited, span, DEFAULT);
        }
        if let Some(found) = parse(&edited)?.default_profile.filter(|found| found.get_ref() == name.as_str()) {
            edited = without_line(&edited, &found.span());
        }
        Ok(edited)
    })?;
    let left = uses(context, name)?;
    ensure!(left.is_empty(), "could not take {name} out of {}; edit it by hand", shown(context));
    Ok(())
}

/// Returns the text without the lines that hold this value and its key.
fn without_line(text: &str, value: &Range<usize>) -> String {
    let start = text[..value.start].rfind('\n').map_or(0, |end| end + 1);
    let end = text[value.end..].find('\n').map_or(text.len(), |end| value.end + end + 1);
    format!("{}{}", &text[..start], &text[end..])
}

fn parse(text: &str) -> Result<Names> {
    toml::from_str(text).context("could not read config.toml")
}

fn read(context: &Context) -> Result<String> {
    context.config()?; // one that is wrong is told with its line, and not edited
    settings_file::read(context)
}

fn shown(context: &Context) -> String {
    context.layout.config().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_and_its_neighbours_stay() {
        let text = "# mine\ndefault_profile = 'work' # since May\nquiet = true\n[[rule]]\nprofile = \"work\"\ndir = \"~/x\"\n";
        let names = parse(text).unwrap();
        let edited = without_line(text, &names.default_profile.unwrap().span());
        assert_eq!(edited, "# mine\nquiet = true\n[[rule]]\nprofile = \"work\"\ndir = \"~/x\"\n");
        let mut named = text.to_owned();
        settings_file::put_name(&mut named, names.rule[0].profile.span(), DEFAULT);
        assert_eq!(named, text.replace("\"work\"", "\"default\""));
        assert_eq!(without_line("default_profile = \"x\"", &(18..21)), "");
    }
}
