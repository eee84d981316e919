//! How the tables are written, and how they are taken apart when clauth is compiled.
//!
//! The first line names the client that the table was checked against, the second one the columns. Then comes a line for each row, in the order of its
//! bytes, with a tab between two columns.

/// How many lines come before the first row.
const HEAD: usize = 2;

/// Returns the number of rows.
pub const fn count(text: &str) -> usize {
    let (mut rest, mut lines) = (text.as_bytes(), 0);
    while let [first, behind @ ..] = rest {
        lines += (*first == b'\n') as usize;
        rest = behind;
    }
    lines - HEAD
}

/// Returns the first columns of each row.
pub const fn rows<const ROWS: usize, const COLUMNS: usize>(text: &'static str) -> [[&'static str; COLUMNS]; ROWS] {
    let mut rows = [[""; COLUMNS]; ROWS];
    let mut rest = text;
    let mut line = 0;
    while line < HEAD + ROWS {
        let (row, behind) = split(rest, b'\n');
        let (mut cells, mut column) = (row, 0);
        while line >= HEAD && column < COLUMNS {
            (rows[line - HEAD][column], cells) = split(cells, b'\t');
            column += 1;
        }
        rest = behind;
        line += 1;
    }
    rows
}

/// Returns what stands before the first such character, and behind it.
const fn split(text: &'static str, at: u8) -> (&'static str, &'static str) {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != at {
        end += 1;
    }
    let (before, behind) = text.split_at(end);
    (before, if behind.is_empty() { behind } else { behind.split_at(1).1 })
}

/// Finds a row by its first column.
pub fn find<'a, const COLUMNS: usize>(rows: &'a [[&'static str; COLUMNS]], name: &str) -> Option<&'a [&'static str; COLUMNS]> {
    rows.binary_search_by(|row| row[0].cmp(name)).ok().map(|place| &rows[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "checked against x\nname\tb\tc\na\t1\tx\nb\t2\ny\t\tz\n";

    #[test]
    fn a_table_is_taken_apart_into_its_cells() {
        const ROWS: [[&str; 3]; count(TEXT)] = rows(TEXT);
        assert_eq!(ROWS, [["a", "1", "x"], ["b", "2", ""], ["y", "", "z"]]);
        assert_eq!(find(&ROWS, "b"), Some(&["b", "2", ""]));
        assert_eq!(find(&ROWS, "c"), None);
    }

    #[test]
    fn every_table_is_in_order_and_names_the_client() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/claude_code");
        let tables = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("tsv".as_ref()));
        for table in tables {
            let text = std::fs::read_to_string(&table).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines[0], concat!("# Checked against Claude Code ", "2.1.332"), "{}", table.display());
            let names: Vec<_> = lines[HEAD..].iter().map(|line| line.split('\t').next().unwrap()).collect();
            assert!(names.is_sorted(), "{} is not in order: LC_ALL=C sort", table.display());
            let columns = |line: &str| line.matches('\t').count();
            assert!(lines[HEAD..].iter().all(|line| columns(line) == columns(lines[1])), "{} has rows of another length", table.display());
        }
    }
}
