//! Lines of logs, compared as multisets.

use std::collections::HashMap;

/// Returns the lines that are beyond those of another log, in their order: one that stands twice here and once there is beyond it once.
pub fn beyond<'a>(lines: impl Iterator<Item = &'a [u8]>, there: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut present: HashMap<&[u8], usize> = HashMap::new();
    for line in there {
        *present.entry(line).or_default() += 1;
    }
    lines.filter(|line| !take_one(&mut present, line)).collect()
}

/// Takes one of the lines that are present away; false where there is none left.
fn take_one(present: &mut HashMap<&[u8], usize>, line: &[u8]) -> bool {
    match present.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}
