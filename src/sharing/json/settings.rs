//! `settings.json` of a profile that overrides something: its own copy, of which the overrides never reach the hub.
//!
//! Where an override stands the copy says nothing of its own: it is compared as if the hub's value stood there.

use std::borrow::Cow;

use serde_json::Value;

use super::fingerprint::Fingerprints;
use super::merge::Loss;
use super::{State, pointer};
use crate::claude_code::settings::ENV;
use crate::claude_code::variables::PLACES;
use crate::io::json::{Broken, Change, Edits, Ignore, Member, Object, Scanner, Span, compact, is_pretty};

/// Returns the variable by which settings, or a state, would send the client to another account's place; `None` where they set none.
pub fn redirects(settings: &State) -> Option<&'static str> {
    let env = settings.get(ENV).and_then(Value::as_object)?;
    PLACES.into_iter().find(|name| env.contains_key(*name))
}

/// The same of a settings file, read as the client reads it. Cheap where nothing can: such a text is not parsed.
///
/// Fails for a text that may redirect and is not JSON to us: another parser might read it.
pub fn text_redirects(text: &[u8]) -> Result<Option<&'static str>, Broken> {
    let may_redirect = PLACES.iter().map(|name| name.as_bytes()).chain([&b"\\u"[..]]).any(|part| memchr::memmem::find(text, part).is_some());
    if !may_redirect {
        return Ok(None);
    }
    match Object::document(text) {
        Ok(settings) => Ok(settings.object(ENV).and_then(|env| PLACES.into_iter().find(|name| env.has(name)))),
        Err(Broken::NotAnObject) => Ok(None),
        Err(broken) => Err(broken),
    }
}

/// Returns overrides over which others are laid.
pub fn dress(agreed: &State, overrides: &State) -> State {
    let mut dressed = agreed.clone();
    for (key, value) in overrides {
        let merged = match (dressed.get(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => Value::Object(dress(below, above)),
            _ => value.clone(),
        };
        dressed.insert(key.clone(), merged);
    }
    dressed
}

/// Returns settings as the profile's client sees them: with the overrides over them.
pub fn dressed(plain: &[u8], overrides: &State) -> Result<Vec<u8>, Broken> {
    let settings = Object::document(plain)?;
    let mut work = Work { is_pretty: is_pretty(&settings), fingerprints: Fingerprints::fresh(), edits: Edits::default() };
    work.lay(&settings, &Overrides::of(overrides), 0);
    Ok(work.edits.apply(plain))
}

/// Returns a profile's settings without the overrides: where one stands, the hub's value does.
pub fn undressed(own: &[u8], overrides: &State, hub: &[u8]) -> Result<Vec<u8>, Broken> {
    let (own, hub) = (Object::document(own)?, Object::document(hub)?);
    let mut work = Work { is_pretty: is_pretty(&own), fingerprints: Fingerprints::fresh(), edits: Edits::default() };
    work.lift(&own, &Overrides::of(overrides), Some(&hub), 0);
    Ok(work.edits.apply(own.text))
}

/// Returns what the profile's settings say where an override stands, and neither the override nor the hub says: an edit that cannot count.
pub fn overridden(own: &[u8], overrides: &State, hub: &[u8]) -> Result<Vec<Loss>, Broken> {
    let (own, hub) = (Object::document(own)?, Object::document(hub)?);
    let work = Work { is_pretty: false, fingerprints: Fingerprints::fresh(), edits: Edits::default() };
    let mut edits = Vec::new();
    work.find(&own, &Overrides::of(overrides), Some(&hub), &mut Vec::new(), &mut edits);
    Ok(edits)
}

/// Overrides as raw text, so that they can be put into one.
struct Overrides(Vec<Override>);

struct Override {
    key: String,
    raw_key: Vec<u8>,
    value: Vec<u8>,
    /// What is overridden in an object, of which the rest stays.
    inside: Option<Overrides>,
}

impl Overrides {
    fn of(overrides: &State) -> Self {
        let one = |(key, value): (&String, &Value)| Override {
            key: key.clone(),
            raw_key: Value::from(key.as_str()).to_string().into_bytes(),
            value: value.to_string().into_bytes(),
            inside: value.as_object().map(Self::of),
        };
        Self(overrides.iter().map(one).collect())
    }
}

struct Work<'a> {
    is_pretty: bool,
    fingerprints: Fingerprints,
    edits: Edits<'a>,
}

impl<'a> Work<'a> {
    /// Lays overrides over an object.
    fn lay(&mut self, settings: &Object<'_>, overrides: &Overrides, level: usize) {
        let mut change = Change::default();
        for one in &overrides.0 {
            let Some(member) = settings.get(&one.key) else {
                change.added.push((Cow::Owned(one.raw_key.clone()), Cow::Owned(one.value.clone())));
                continue;
            };
            match (Object::at(settings.text, member.value), &one.inside) {
                (Some(below), Some(inside)) => self.lay(&below, inside, level + 1),
                _ if self.is_equal(settings, member, &one.value) => {}
                _ => self.edits.replace(member.value, one.value.clone()),
            }
        }
        change.note(settings, self.is_pretty, level, &mut self.edits);
    }

    fn find<'o>(&self, own: &Object<'_>, overrides: &'o Overrides, hub: Option<&Object<'_>>, path: &mut Vec<&'o [u8]>, edits: &mut Vec<Loss>) {
        for one in &overrides.0 {
            let Some(member) = own.get(&one.key) else { continue };
            let below = hub.and_then(|hub| Some((hub, hub.get(&one.key)?)));
            path.push(&one.raw_key);
            if let (Some(inner), Some(inside)) = (Object::at(own.text, member.value), &one.inside) {
                let inner_below = below.and_then(|(hub, member)| Object::at(hub.text, member.value));
                self.find(&inner, inside, inner_below.as_ref(), path, edits);
            } else if !self.is_equal(own, member, &one.value) && !below.is_some_and(|(hub, below)| self.is_equal(own, member, hub.raw(below.value))) {
                edits.push(Loss { pointer: pointer::of(path), value: compact(own.raw(member.value)) });
            }
            path.pop();
        }
    }

    fn is_equal(&self, settings: &Object<'_>, member: Member, value: &[u8]) -> bool {
        let whole = Scanner::new(value, 0).value(&mut Ignore).map(Span::new);
        whole.is_ok_and(|whole| self.fingerprints.value(value, whole) == self.fingerprints.value(settings.text, member.value))
    }

    /// Takes overrides off an object. Whether anything is left in it.
    fn lift(&mut self, own: &Object<'_>, overrides: &Overrides, hub: Option<&Object<'a>>, level: usize) -> bool {
        let mut change = Change::default();
        for one in &overrides.0 {
            let below = hub.and_then(|hub| Some((hub, hub.get(&one.key)?)));
            let member = own.get(&one.key);
            let inner = member.and_then(|member| Object::at(own.text, member.value));
            if let (Some(inner), Some(inside)) = (inner, &one.inside) {
                let inner_below = below.and_then(|(hub, member)| Object::at(hub.text, member.value));
                if self.lift(&inner, inside, inner_below.as_ref(), level + 1) || below.is_some() {
                    continue;
                }
                self.edits.forget_in(inner.span); // it goes as a whole
                change.removed.extend(own.places(&one.key));
                continue;
            }
            match (member, below) {
                (Some(member), Some((hub, below))) => self.edits.replace(member.value, hub.raw(below.value)),
                (Some(_), None) => change.removed.extend(own.places(&one.key)),
                (None, Some((hub, below))) => change.added.push((hub.raw(below.key).into(), hub.raw(below.value).into())),
                (None, None) => {}
            }
        }
        let is_left = own.members.len() + change.added.len() > change.removed.len();
        change.note(own, self.is_pretty, level, &mut self.edits);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claude_code::variables::CLAUDE_CONFIG_DIR;

    fn state(value: &Value) -> State {
        value.as_object().cloned().unwrap()
    }

    fn parsed(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    fn text(value: &Value) -> Vec<u8> {
        serde_json::to_vec_pretty(value).unwrap()
    }

    #[test]
    fn what_is_dressed_and_undressed_is_what_it_was() {
        let base = json!({"theme": "dark", "env": {"A": "1", "B": "2"}});
        let overrides = state(&json!({"env": {"B": "mine", "C": "3"}, "model": "opus", "new": {"x": 1}}));
        let dressed = dressed(&text(&base), &overrides).unwrap();
        assert_eq!(parsed(&dressed), json!({"theme": "dark", "env": {"A": "1", "B": "mine", "C": "3"}, "model": "opus", "new": {"x": 1}}));
        assert_eq!(parsed(&undressed(&dressed, &overrides, &text(&base)).unwrap()), base);
        assert_eq!(super::dressed(&dressed, &overrides).unwrap(), dressed, "what is dressed stays as it is, byte by byte");
    }

    #[test]
    fn an_edit_in_a_session_is_kept_and_an_override_is_not() {
        let overrides = state(&json!({"env": {"ANTHROPIC_BASE_URL": "http://x"}}));
        let edited = json!({"theme": "light", "env": {"ANTHROPIC_BASE_URL": "http://x", "MINE": "1"}});
        let plain = undressed(&text(&edited), &overrides, br#"{"theme": "dark"}"#).unwrap();
        assert_eq!(parsed(&plain), json!({"theme": "light", "env": {"MINE": "1"}}));
    }

    #[test]
    fn an_edit_of_what_is_overridden_is_found_and_the_hub_s_value_is_none() {
        let overrides = state(&json!({"model": "opus", "env": {"A": "mine", "B": "mine"}, "x": {"y": {"z": 1}}, "gone": 1}));
        let hub = br#"{"model": "sonnet", "env": {"A": "1"}}"#;
        let own = br#"{"model": "sonnet", "env": {"A": "mine", "B": "edited", "C": "c"}, "x": {"y": [ 2 ]}}"#;
        let found = overridden(own, &overrides, hub).unwrap();
        let found: Vec<_> = found.iter().map(|edit| (edit.pointer.as_str(), &edit.value[..])).collect();
        assert_eq!(found, [("/env/B", &b"\"edited\""[..]), ("/x/y", b"[2]")]);
        assert_eq!(overridden(&dressed(hub, &overrides).unwrap(), &overrides, hub).unwrap(), []);
    }

    #[test]
    fn without_settings_in_the_hub_no_override_is_left_over() {
        let overrides = state(&json!({"env": {"ANTHROPIC_AUTH_TOKEN": "secret"}, "apiKeyHelper": "x", "deep": {"er": {"x": 1}}}));
        let own = dressed(b"{}", &overrides).unwrap();
        assert_eq!(parsed(&own), Value::Object(overrides.clone()));
        assert_eq!(parsed(&undressed(&own, &overrides, b"{}").unwrap()), json!({}));
    }

    #[test]
    fn a_redirection_is_found_however_it_is_spelled() {
        let deep = format!(r#"{{"a": {}{}, "env": {{"CLAUDE_CONFIG_DIR": "/x"}}}}"#, "[".repeat(500), "]".repeat(500));
        for text in [
            r#"{"env": {"CLAUDE_CONFIG_DIR": "/x"}}"#,
            r#"{"env": {"\u0043LAUDE_CONFIG_DIR": "/x"}}"#,
            "\u{feff}{\"env\": {\"CLAUDE_CONFIG_DIR\": \"\\ud800\"}}",
            r#"{"env": 1, "env": {"CLAUDE_CONFIG_DIR": 1}}"#,
            r#"{"\u0065nv": {"CLAUDE_CONFIG_DIR": "/x"}}"#,
            &deep,
        ] {
            assert_eq!(text_redirects(text.as_bytes()), Ok(Some(CLAUDE_CONFIG_DIR)), "{text}");
        }
        for text in
            [r#"{"env": {"CLAUDE_CONFIG_DIR": 1}, "env": {}}"#, r#"{"CLAUDE_CONFIG_DIR": 1}"#, r#"["CLAUDE_CONFIG_DIR"]"#, "{broken", r#""\u0041""#]
        {
            assert_eq!(text_redirects(text.as_bytes()), Ok(None), "{text}");
        }
        for text in [r#"{"env": {"CLAUDE_CONFIG_DIR": "/x"},}"#, "// CLAUDE_CONFIG_DIR", r#"{"env": {"\u0043LAUDE"#] {
            assert!(text_redirects(text.as_bytes()).is_err(), "{text}");
        }
    }
}
