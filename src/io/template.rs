//! Text with placeholders, as a prompt's settings have it: `{profile} {5h}`. Pure.

/// Holds a template whose placeholders are all known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

impl<'a> Template<'a> {
    /// Takes a template apart; `{{` and `}}` stand for a brace.
    ///
    /// What is no placeholder is an error that holds it, its braces with it.
    pub fn parse(template: &'a str, known: &[&str]) -> Result<Self, &'a str> {
        let (mut pieces, mut rest) = (Vec::new(), template);
        while let Some(at) = rest.find(['{', '}']) {
            let (text, braces) = rest.split_at(at);
            pieces.push(Piece::Text(text));
            rest = if braces.starts_with("{{") || braces.starts_with("}}") {
                pieces.push(Piece::Text(&braces[..1]));
                &braces[2..]
            } else {
                let end = braces.find('}').map_or(braces.len(), |end| end + 1);
                let name = braces[..end].strip_prefix('{').and_then(|name| name.strip_suffix('}'));
                let Some(name) = name.filter(|name| known.contains(name)) else { return Err(&braces[..end]) };
                pieces.push(Piece::Placeholder(name));
                &braces[end..]
            };
        }
        pieces.push(Piece::Text(rest));
        Ok(Self { pieces })
    }

    /// Returns the text with values in the places of the placeholders; only those are asked for.
    pub fn fill(&self, mut value: impl FnMut(&str) -> String) -> String {
        self.pieces.iter().fold(String::new(), |text, piece| match piece {
            Piece::Text(own) => text + own,
            Piece::Placeholder(name) => text + &value(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["profile", "5h"];

    #[test]
    fn placeholders_are_filled_and_the_rest_stays() {
        for (template, expected) in [
            ("", ""),
            ("plain %F{{red}}", "plain %F{red}"),
            ("{profile}", "<profile>"),
            ("a {profile} b {5h}%{profile}", "a <profile> b <5h>%<profile>"),
            ("{{profile}} {{{5h}}}", "{profile} {<5h>}"),
            ("日{5h}本", "日<5h>本"),
        ] {
            assert_eq!(Template::parse(template, KNOWN).unwrap().fill(|name| format!("<{name}>")), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_placeholder_is_named() {
        for (template, wrong) in
            [("{5h} {6h} x", "{6h}"), ("{}", "{}"), ("{profile", "{profile"), ("a } b", "}"), ("{ profile }", "{ profile }"), ("日{本", "{本")]
        {
            assert_eq!(Template::parse(template, KNOWN), Err(wrong), "{template}");
        }
    }

    #[test]
    fn only_what_stands_there_is_asked_for() {
        let mut asked = Vec::new();
        Template::parse("{5h}", KNOWN).unwrap().fill(|name| {
            asked.push(name.to_owned());
            String::new()
        });
        assert_eq!(asked, ["5h"]);
    }
}
