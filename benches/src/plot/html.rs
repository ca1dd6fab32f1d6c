//! Pieces of a page.

use std::fmt;

/// `text` with the characters that mean something in HTML written out.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A table: its first column names the rows. Displays as HTML.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Names of the columns.
    pub heads: Vec<String>,
    /// Cells, as many in each row as there are heads.
    pub rows: Vec<Vec<String>>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<div class=\"wide\"><table>")?;
        writeln!(f, "<caption>{}</caption>", escape(&self.caption))?;
        write!(f, "<thead><tr>")?;
        for head in &self.heads {
            write!(f, "<th scope=\"col\">{}</th>", escape(head))?;
        }
        writeln!(f, "</tr></thead>\n<tbody>")?;
        for row in &self.rows {
            write!(f, "<tr>")?;
            for (column, cell) in row.iter().enumerate() {
                match column {
                    0 => write!(f, "<th scope=\"row\">{}</th>", escape(cell))?,
                    _ => write!(f, "<td>{}</td>", escape(cell))?,
                }
            }
            writeln!(f, "</tr>")?;
        }
        writeln!(f, "</tbody></table></div>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_nothing_else() {
        let table = Table {
            caption: "a & b".into(),
            heads: vec!["model".into(), "<x>".into()],
            rows: vec![vec!["ease".into(), "\"1\"".into()]],
        };
        let html = table.to_string();
        assert!(html.contains("<caption>a &amp; b</caption>"), "{html}");
        assert!(html.contains("<th scope=\"col\">&lt;x&gt;</th>"), "{html}");
        assert!(
            html.contains("<th scope=\"row\">ease</th><td>&quot;1&quot;</td>"),
            "{html}"
        );
    }
}
