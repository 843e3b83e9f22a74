//! Tables for people: columns as wide as their widest cell, long cells cut.

use std::io::{self, Write};

/// Longest cell that is shown whole.
const WIDEST: usize = 40;

/// Rows to be printed under a header.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        Self {
            rows: vec![header.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|c| shown(&c)).collect());
    }

    /// Rows under the header.
    pub(crate) fn len(&self) -> u64 {
        self.rows.len() as u64 - 1
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let pad = width - cell.chars().count() + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', pad));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell on one line, without what a terminal would obey.
fn shown(cell: &str) -> String {
    let clean: String = cell
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.chars().count() <= WIDEST {
        return clean;
    }
    let mut cut: String = clean.chars().take(WIDEST - 1).collect();
    cut.push('…');
    cut
}

/// A number with a comma between each three digits.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_steers_the_terminal() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["long cell".into(), "x\u{1b}[31m".into()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "A          B\nlong cell  x [31m\n"
        );
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(12_418), "12,418");
        assert_eq!(thousands(9_798_758), "9,798,758");
    }
}
