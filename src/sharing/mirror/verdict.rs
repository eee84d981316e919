//! What to do about one name, given what stands on both sides and what was last agreed: pure.

use crate::sharing::sides::{Identity, Side};

/// Holds what a name meant on both sides when they last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// In the profile.
    pub own: Identity,
    /// In the hub.
    pub hub: Identity,
}

impl Agreed {
    /// Returns what both sides have; `None` where one has nothing.
    pub fn of(own: Option<Identity>, hub: Option<Identity>) -> Option<Self> {
        own.zip(hub).map(|(own, hub)| Self { own, hub })
    }

    /// Whether both sides had one file.
    pub fn are_linked(&self) -> bool {
        self.own.is_one_file_with(&self.hub)
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the sides agree.
    Agree,
    /// Give the other side what this one has.
    Give(Side),
    /// Remove what this side has: the other removed it.
    Remove(Side),
    /// Both sides have something new; where the content differs, this side's is the newer.
    Clash(Side),
}

/// Decides about one name; the caller has seen to it that at least one side has a file there.
pub fn verdict(own: Option<&Identity>, hub: Option<&Identity>, agreed: Option<&Agreed>) -> Verdict {
    let are_linked = agreed.is_some_and(Agreed::are_linked);
    let own_is_old = own.zip(agreed).is_some_and(|(own, agreed)| own.is_as_agreed(&agreed.own, are_linked));
    let hub_is_old = hub.zip(agreed).is_some_and(|(hub, agreed)| hub.is_as_agreed(&agreed.hub, are_linked));
    match (own, hub) {
        (Some(own), Some(hub)) if own.is_one_file_with(hub) || (own_is_old && hub_is_old) => Verdict::Agree,
        (Some(_), Some(_)) if own_is_old => Verdict::Give(Side::Hub),
        (Some(_), Some(_)) if hub_is_old => Verdict::Give(Side::Own),
        (Some(own), Some(hub)) => Verdict::Clash(if own.modified >= hub.modified { Side::Own } else { Side::Hub }),
        (Some(_), None) if own_is_old => Verdict::Remove(Side::Own),
        (None, Some(_)) if hub_is_old => Verdict::Remove(Side::Hub),
        (Some(_), None) => Verdict::Give(Side::Own),
        (None, Some(_)) => Verdict::Give(Side::Hub),
        (None, None) => Verdict::Agree,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(inode: u64, modified: u128) -> Identity {
        Identity { device: 1, inode, born: u128::from(inode) + 7, length: 1, modified }
    }

    #[test]
    fn linked_files_follow_what_happened_to_one_of_them() {
        let (old, new) = (file(1, 1), file(2, 2));
        let agreed = Agreed { own: old, hub: old };
        let verdict = |own: Option<Identity>, hub: Option<Identity>| verdict(own.as_ref(), hub.as_ref(), Some(&agreed));
        assert_eq!(verdict(Some(file(1, 9)), Some(file(1, 9))), Verdict::Agree);
        assert_eq!(verdict(Some(new), Some(old)), Verdict::Give(Side::Own));
        assert_eq!(verdict(Some(old), Some(new)), Verdict::Give(Side::Hub));
        assert_eq!(verdict(Some(old), None), Verdict::Remove(Side::Own));
        assert_eq!(verdict(None, Some(old)), Verdict::Remove(Side::Hub));
        assert_eq!(verdict(Some(new), None), Verdict::Give(Side::Own));
        assert_eq!(verdict(Some(new), Some(file(3, 3))), Verdict::Clash(Side::Hub));
    }

    #[test]
    fn nothing_agreed_removes_nothing() {
        assert_eq!(verdict(Some(&file(1, 1)), None, None), Verdict::Give(Side::Own));
        assert_eq!(verdict(None, Some(&file(1, 1)), None), Verdict::Give(Side::Hub));
        assert_eq!(verdict(Some(&file(1, 2)), Some(&file(2, 1)), None), Verdict::Clash(Side::Own));
    }

    #[test]
    fn a_new_file_on_an_old_inode_number_is_not_the_old_one() {
        let old = file(1, 1);
        let reborn = Identity { born: 99, ..old };
        assert_eq!(verdict(Some(&reborn), None, Some(&Agreed { own: old, hub: old })), Verdict::Give(Side::Own));
        let unknown = Identity { born: 0, ..old };
        assert_eq!(verdict(Some(&unknown), None, Some(&Agreed { own: unknown, hub: unknown })), Verdict::Give(Side::Own));
    }

    #[test]
    fn copies_agree_for_as_long_as_neither_was_written() {
        let (own, hub) = (file(1, 1), file(2, 1));
        let agreed = Agreed { own, hub };
        let verdict = |own: Option<Identity>, hub: Option<Identity>| verdict(own.as_ref(), hub.as_ref(), Some(&agreed));
        assert_eq!(verdict(Some(own), Some(hub)), Verdict::Agree);
        assert_eq!(verdict(Some(file(1, 5)), Some(hub)), Verdict::Give(Side::Own));
        assert_eq!(verdict(Some(file(1, 5)), None), Verdict::Give(Side::Own));
        assert_eq!(verdict(Some(own), None), Verdict::Remove(Side::Own));
    }
}
