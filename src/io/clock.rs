//! Times as people read them: here, and from now.

use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::env::{Env, variable};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Knows what time it is, and by which clocks the user lives.
#[derive(Debug, Clone)]
pub struct Clock {
    /// This moment.
    pub now: Timestamp,
    /// Where the user is: `TZ`, or what the system says.
    pub zone: TimeZone,
}

impl Clock {
    /// Reads the clock.
    pub fn read(env: &Env) -> Self {
        Self { now: Timestamp::now(), zone: zone(env).unwrap_or_else(TimeZone::system) }
    }

    /// Returns the local time of a moment: with the weekday when it is on another day, with the date when it is a week away or more.
    pub fn local(&self, moment: Timestamp) -> String {
        let (now, moment) = (self.now.to_zoned(self.zone.clone()), moment.to_zoned(self.zone.clone()));
        let days = now.date().duration_until(moment.date()).as_hours() / 24;
        let format = match days {
            0 => "%H:%M",
            -6..=6 => "%a %H:%M",
            _ => "%Y-%m-%d %H:%M",
        };
        moment.strftime(format).to_string()
    }

    /// Returns how long ago a moment was, or 0 for one to come.
    pub fn since(&self, moment: Timestamp) -> SignedDuration {
        self.now.duration_since(moment).max(SignedDuration::ZERO)
    }

    /// Returns how long it is until a moment, or 0 for one that is past.
    pub fn until(&self, moment: Timestamp) -> SignedDuration {
        self.now.duration_until(moment).max(SignedDuration::ZERO)
    }
}

/// Reads the one file that says where the user is. Whoever asks jiff reads through the whole database of time zones first, which takes as long as all
/// else here; so it is asked only where that file is not to be found: in other words of `TZ`, on other systems.
fn zone(env: &Env) -> Option<TimeZone> {
    let file = match env.get(variable::TZ) {
        None => Path::new("/etc/localtime").into(),
        Some(name) => Path::new("/usr/share/zoneinfo").join(name.to_str()?.trim_start_matches(':')),
    };
    TimeZone::tzif("", &fs::read(file).ok()?).ok()
}

/// Returns a duration in its two greatest units, or in one where the second is nothing.
pub fn in_words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let two = |great: i64, great_name: &str, small: i64, small_name: &str| match seconds % great / small {
        0 => format!("{} {great_name}", seconds / great),
        rest => format!("{} {great_name} {rest} {small_name}", seconds / great),
    };
    match seconds {
        ..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => two(HOUR, "h", MINUTE, "min"),
        DAY.. => two(DAY, "d", HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (7800, "2 h 10 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_local_time_says_the_day_when_it_is_another() {
        let clock = |now: &str, zone: &str| Clock { now: now.parse().unwrap(), zone: TimeZone::posix(zone).unwrap() };
        for (now, zone, moment, expected) in [
            ("2026-11-21T12:00:00Z", "UTC0", "2026-11-21T14:30:00Z", "14:30"),
            ("2026-11-21T12:00:00Z", "UTC0", "2026-11-22T00:00:00Z", "Sun 00:00"),
            ("2026-11-21T12:00:00Z", "UTC0", "2026-11-20T23:59:00Z", "Fri 23:59"),
            ("2026-11-21T12:00:00Z", "UTC0", "2026-11-27T23:59:00Z", "Fri 23:59"),
            ("2026-11-21T12:00:00Z", "UTC0", "2026-11-28T00:00:00Z", "2026-11-28 00:00"),
            // It is tomorrow there already.
            ("2026-11-21T18:00:00Z", "JST-9", "2026-11-21T20:00:00Z", "05:00"),
            ("2026-11-21T12:00:00Z", "JST-9", "2026-11-21T20:00:00Z", "Sun 05:00"),
            // Across the end of summer time: two hours later by the sun, one by the clock.
            ("2026-10-24T22:00:00Z", "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:30:00Z", "02:30"),
        ] {
            assert_eq!(clock(now, zone).local(moment.parse().unwrap()), expected, "{moment} at {now} in {zone}");
        }
    }

    #[test]
    fn what_is_past_is_not_to_come() {
        let clock = Clock { now: "2026-11-21T12:00:00Z".parse().unwrap(), zone: TimeZone::UTC };
        let (before, after) = ("2026-11-21T11:00:00Z".parse().unwrap(), "2026-11-21T13:00:00Z".parse().unwrap());
        assert_eq!((clock.since(before).as_hours(), clock.until(after).as_hours()), (1, 1));
        assert_eq!((clock.since(after), clock.until(before)), (SignedDuration::ZERO, SignedDuration::ZERO));
    }
}
