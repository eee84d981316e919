//! The one decision of the sharing engine: what to do about a name that exists, or existed, on two sides. Pure.
//!
//! Files and members of JSON objects are decided alike. The rules, in the order in which they win:
//!
//! 1. What cannot be read is not absent: nothing is decided about it.
//! 2. Without a base nothing is removed: what one side has, both get.
//! 3. A change beats a removal.
//! 4. A change beats what stayed as it was.
//! 5. Two different changes are a conflict, which the caller settles without losing either.

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The profile.
    Own,
    /// The hub, `~/.claude`.
    Hub,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Own, Self::Hub];

    /// Returns the other side.
    pub fn other(self) -> Self {
        if self == Self::Own { Self::Hub } else { Self::Own }
    }
}

/// What a look at one side found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<V> {
    /// Nothing.
    Absent,
    /// This version.
    Is(V),
    /// Something that could not be read, or that is of a kind that is not carried.
    Unreadable,
}

/// What to do about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: both sides have the same. It becomes, or stays, the base.
    Agree,
    /// The other side gets what this side has.
    Give(Side),
    /// This side still has what the other side removed. The caller carries the removal across only when it is certain.
    Remove(Side),
    /// Both sides changed, to different versions.
    Conflict,
    /// Nothing can be decided now, and the base stays as it is.
    Wait,
}

/// Decides about one name by its last agreed version and what each side has now.
pub fn decide<V: PartialEq>(base: Option<&V>, own: &Found<V>, hub: &Found<V>) -> Decision {
    match (own, hub) {
        (Found::Unreadable, _) | (_, Found::Unreadable) => Decision::Wait,
        (Found::Absent, Found::Absent) => Decision::Agree,
        (Found::Is(own), Found::Absent) => given_or_removed(base, own, Side::Own),
        (Found::Absent, Found::Is(hub)) => given_or_removed(base, hub, Side::Hub),
        (Found::Is(own), Found::Is(hub)) if own == hub => Decision::Agree,
        (Found::Is(_), Found::Is(hub)) if base == Some(hub) => Decision::Give(Side::Own),
        (Found::Is(own), Found::Is(_)) if base == Some(own) => Decision::Give(Side::Hub),
        (Found::Is(_), Found::Is(_)) => Decision::Conflict,
    }
}

fn given_or_removed<V: PartialEq>(base: Option<&V>, version: &V, side: Side) -> Decision {
    if base == Some(version) { Decision::Remove(side) } else { Decision::Give(side) }
}

/// The most removals that are carried across without a question: a person who tidies up removes a few; a fault removes everything.
pub const HANDFUL: usize = 20;

/// Whether so many removals of one moment are held until the user decides: more than a handful, or all that a side had.
pub fn is_held(removed: usize, is_emptied: bool) -> bool {
    removed > HANDFUL || (is_emptied && removed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A side's version of a name, small enough to try every combination.
    const VERSIONS: [Found<u8>; 5] = [Found::Absent, Found::Unreadable, Found::Is(1), Found::Is(2), Found::Is(3)];

    fn each_case() -> impl Iterator<Item = (Option<u8>, Found<u8>, Found<u8>)> {
        let bases = [None, Some(1), Some(2)];
        bases.into_iter().flat_map(|base| VERSIONS.into_iter().flat_map(move |own| VERSIONS.into_iter().map(move |hub| (base, own, hub))))
    }

    #[test]
    fn a_removal_needs_a_base_that_is_equal_to_what_would_be_removed() {
        for (base, own, hub) in each_case() {
            if let Decision::Remove(side) = decide(base.as_ref(), &own, &hub) {
                let (kept, gone) = if side == Side::Own { (own, hub) } else { (hub, own) };
                assert_eq!((base.map(Found::Is), gone), (Some(kept), Found::Absent));
            }
        }
    }

    #[test]
    fn what_is_given_away_never_replaces_a_change() {
        for (base, own, hub) in each_case() {
            if let Decision::Give(side) = decide(base.as_ref(), &own, &hub) {
                let replaced = if side == Side::Own { hub } else { own };
                assert!(replaced == Found::Absent || base.map(Found::Is) == Some(replaced), "{base:?} {own:?} {hub:?}");
            }
        }
    }

    #[test]
    fn the_sides_are_treated_alike() {
        let mirrored = |decision| match decision {
            Decision::Give(side) => Decision::Give(side.other()),
            Decision::Remove(side) => Decision::Remove(side.other()),
            other => other,
        };
        for (base, own, hub) in each_case() {
            assert_eq!(decide(base.as_ref(), &own, &hub), mirrored(decide(base.as_ref(), &hub, &own)), "{base:?} {own:?} {hub:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for (base, own, hub) in each_case().filter(|(_, own, hub)| [own, hub].contains(&&Found::Unreadable)) {
            assert_eq!(decide(base.as_ref(), &own, &hub), Decision::Wait);
        }
    }
}
