//! What the user wants of a terminal.

use std::ffi::OsStr;

use super::{Env, variable};

impl Env {
    /// Whether output may be coloured: <https://bixense.com/clicolors>, and <https://no-color.org>, which has the last word.
    pub fn wants_colour(&self, is_terminal: bool) -> bool {
        let is_forced = self.non_empty(variable::CLICOLOR_FORCE).is_some_and(|value| value != "0");
        self.non_empty(variable::NO_COLOR).is_none() && (is_forced || is_terminal && !self.is_dumb())
    }

    /// Whether the terminal takes text alone.
    pub fn is_dumb(&self) -> bool {
        self.get(variable::TERM) == Some(OsStr::new("dumb"))
    }

    /// Returns the number of columns to use, where one is asked for.
    pub fn columns(&self) -> Option<usize> {
        self.get(variable::COLUMNS)?.to_str()?.parse().ok().filter(|columns| *columns > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        Env { variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    #[test]
    fn colour_is_for_terminals_and_those_who_ask() {
        for (variables, on_terminal, elsewhere) in [
            (&[][..], true, false),
            (&[("TERM", "dumb")], false, false),
            (&[("NO_COLOR", "1")], false, false),
            (&[("NO_COLOR", "")], true, false),
            (&[("CLICOLOR_FORCE", "1")], true, true),
            (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (&[("CLICOLOR_FORCE", "0")], true, false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, false),
        ] {
            let env = env(variables);
            assert_eq!((env.wants_colour(true), env.wants_colour(false)), (on_terminal, elsewhere), "{variables:?}");
        }
    }

    #[test]
    fn columns_are_a_number_above_zero() {
        for (value, expected) in [("80", Some(80)), ("0", None), ("-3", None), ("", None), ("wide", None)] {
            assert_eq!(env(&[("COLUMNS", value)]).columns(), expected, "{value:?}");
        }
        assert_eq!(env(&[]).columns(), None);
    }
}
