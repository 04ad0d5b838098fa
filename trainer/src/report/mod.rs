//! Reports: one self-contained HTML file of text, tables and pictures.
//!
//! A report needs nothing but a browser: pictures are inline SVG and PNG, there is no script, no web font and no link to
//! elsewhere. It follows the reader's light or dark setting and prints well.
//!
//! - [`Report`] collects sections, paragraphs, tables and figures;
//! - [`plot`] draws curves, bands, markers and heat maps over axes;
//! - [`tiles`] turns matrices into small pictures and mosaics of them;
//! - [`svg`] is for drawings that are no plots;
//! - one module for each task ([`pendulum`], …) says what its report shows.

mod axis;
pub mod colour;
pub mod duel;
mod figure;
pub mod mistakes;
pub mod model;
pub mod orientation;
pub mod pendulum;
pub mod perception;
pub mod plot;
pub mod points;
pub mod sentinel;
pub mod svg;
pub mod tiles;
pub mod traffic;
pub mod training;
pub mod tree;

pub use figure::Figure;
use std::fmt::Write;

/// A report under construction.
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    body: String,
    figures: usize,
}

/// A row of a table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    cells: Vec<String>,
    holds: Option<bool>,
}

impl Row {
    /// A row of cells.
    pub fn new<C: Into<String>>(cells: impl IntoIterator<Item = C>) -> Self {
        Self { cells: cells.into_iter().map(Into::into).collect(), holds: None }
    }

    /// Marks whether what the row claims holds; `None` is no claim.
    pub fn holds(mut self, holds: impl Into<Option<bool>>) -> Self {
        self.holds = holds.into();
        self
    }
}

impl<C: Into<String>, const N: usize> From<[C; N]> for Row {
    fn from(cells: [C; N]) -> Self {
        Self::new(cells)
    }
}

impl Report {
    /// A report with nothing in it yet.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let (head, sub) = (escape(title), escape(subtitle));
        let body = format!("<header>\n<h1>{head}</h1>\n<p class=\"subtitle\">{sub}</p>\n</header>\n");
        Self { title: title.to_owned(), body, figures: 0 }
    }

    /// Begins a section.
    pub fn section(&mut self, heading: &str) -> &mut Self {
        self.push(format_args!("<h2>{}</h2>\n", escape(heading)))
    }

    /// Adds a paragraph of plain text.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<p>{}</p>\n", escape(text)))
    }

    /// Adds a table. A column of nothing but numbers is set flush right; a last column says which rows hold, if any
    /// row claims something.
    pub fn table<R: Into<Row>>(&mut self, headers: &[&str], rows: impl IntoIterator<Item = R>) -> &mut Self {
        let rows: Vec<Row> = rows.into_iter().map(Into::into).collect();
        let numeric = |column: usize| {
            let cells = || rows.iter().filter_map(|r| r.cells.get(column)).filter(|c| !c.is_empty());
            cells().next().is_some() && cells().all(|c| is_number(c))
        };
        let class: Vec<_> =
            (0..headers.len()).map(|i| if numeric(i) { " class=\"number\"" } else { "" }).collect();
        let claims = rows.iter().any(|r| r.holds.is_some());
        self.body.push_str("<table>\n<thead><tr>");
        for (header, class) in headers.iter().zip(&class) {
            self.push(format_args!("<th{class}>{}</th>", escape(header)));
        }
        if claims {
            self.body.push_str("<th class=\"mark\">holds</th>");
        }
        self.body.push_str("</tr></thead>\n<tbody>\n");
        for row in &rows {
            self.body.push_str("<tr>");
            for (i, class) in class.iter().enumerate() {
                let cell = row.cells.get(i).map_or("", String::as_str);
                self.push(format_args!("<td{class}>{}</td>", escape(cell)));
            }
            if claims {
                self.body.push_str(match row.holds {
                    Some(true) => "<td class=\"mark yes\">✓ yes</td>",
                    Some(false) => "<td class=\"mark no\">✗ no</td>",
                    None => "<td class=\"mark\"></td>",
                });
            }
            self.body.push_str("</tr>\n");
        }
        self.push(format_args!("</tbody>\n</table>\n"))
    }

    /// Adds a picture with a caption; figures are numbered.
    pub fn figure(&mut self, caption: &str, figure: impl Into<Figure>) -> &mut Self {
        self.figures(caption, [figure])
    }

    /// Adds several pictures side by side under one caption; they wrap where the page is too narrow.
    pub fn figures<F: Into<Figure>>(
        &mut self,
        caption: &str,
        figures: impl IntoIterator<Item = F>,
    ) -> &mut Self {
        self.figures += 1;
        self.body.push_str("<figure>\n<div class=\"panels\">\n");
        for figure in figures {
            self.body.push_str(figure.into().html());
        }
        let number = self.figures;
        self.push(format_args!(
            "</div>\n<figcaption><b>Figure {number}.</b> {}</figcaption>\n</figure>\n",
            escape(caption)
        ))
    }

    /// The HTML file.
    pub fn finish(&self) -> String {
        let (title, style, body) = (escape(&self.title), include_str!("style.css"), &self.body);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) -> &mut Self {
        self.body.write_fmt(text).expect("a string can always grow");
        self
    }
}

/// Text that means itself in HTML and SVG, between tags and inside quotes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A number with a fixed number of decimals and a true minus sign; `–` if there is no number.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(), // no −0.0
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// Whether a cell is a number for the eye: digits with signs, `±`, `≥`, and at most a short unit behind them.
fn is_number(cell: &str) -> bool {
    let numeric = |word: &str| {
        let unsigned = word.trim_start_matches(['-', '−', '+', '±', '≥', '≤']);
        matches!(word, "±" | "–" | "≥" | "≤")
            || (unsigned.starts_with(|c: char| c.is_ascii_digit())
                && unsigned.chars().all(|c| c.is_ascii_digit() || "-−+±.,e%".contains(c)))
    };
    let words: Vec<_> = cell.split_whitespace().collect();
    match words.as_slice() {
        [numbers @ .., unit] if !numbers.is_empty() && unit.chars().count() <= 6 => {
            numbers.iter().all(|w| numeric(w))
        }
        numbers => !numbers.is_empty() && numbers.iter().all(|w| numeric(w)),
    }
}

#[cfg(test)]
mod tests;
