//! What clauth's own tables say of Claude Code.

/// Returns the variables that are treated so: the beginning of what the table says.
pub(crate) fn variables_of_the_client(treatment: &str) -> impl Iterator<Item = &'static str> {
    let rows = include_str!("../../src/claude_code/variables.tsv").lines().skip(2).map(|row| row.split('\t').collect::<Vec<_>>());
    rows.filter(move |row| row[1].starts_with(treatment)).map(|row| row[0])
}
