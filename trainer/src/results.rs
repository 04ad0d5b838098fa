//! A result: what was measured, beside what it is compared with and what is demanded of it.

use serde::Serialize;

/// One measured value.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The published or optimal value.
    pub reference: Option<f64>,
    /// Where the reference is from.
    pub source: Option<&'static str>,
    /// What is demanded of ourselves.
    pub bound: Option<f64>,
    /// Whether the bound holds.
    pub holds: Option<bool>,
    /// Whether the bound is the least value, not the largest.
    #[serde(skip)]
    least: bool,
}

impl Row {
    /// A value on its own.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (reference, source, bound, holds) = (None, None, None, None);
        Self { what: what.into(), value, unit, reference, source, bound, holds, least: false }
    }

    /// Beside a published value.
    pub fn beside(self, reference: f64, source: &'static str) -> Self {
        Self { reference: Some(reference), source: Some(source), ..self }
    }

    /// At most so much is demanded.
    pub fn at_most(self, bound: f64) -> Self {
        let holds = self.value <= bound;
        Self { bound: Some(bound), holds: Some(holds), least: false, ..self }
    }

    /// At least so much is demanded.
    pub fn at_least(self, bound: f64) -> Self {
        let holds = self.value >= bound;
        Self { bound: Some(bound), holds: Some(holds), least: true, ..self }
    }

    /// The bound in words; empty without one.
    pub fn demand(&self) -> String {
        let sense = if self.least { "at least" } else { "at most" };
        self.bound.map_or_else(String::new, |bound| format!("{sense} {bound}"))
    }
}

/// The rows of one command.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// The command.
    pub name: String,
    /// The seed, where something is random.
    pub seed: u64,
    /// How long it took.
    pub seconds: f64,
    /// What it measured.
    pub rows: Vec<Row>,
}

impl Results {
    /// Whether every bound holds.
    pub fn hold(&self) -> bool {
        self.rows.iter().all(|row| row.holds != Some(false))
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let line = |row: &Row| {
            let mut text = format!("  {:<44} {:>12} {:<24}", row.what, significant(row.value), row.unit);
            if let (Some(reference), Some(source)) = (row.reference, row.source) {
                text += &format!(" ({source}: {})", significant(reference));
            }
            if let Some(holds) = row.holds {
                text += &format!(" {}: {}", row.demand(), if holds { "holds" } else { "DOES NOT HOLD" });
            }
            text.trim_end().to_owned() + "\n"
        };
        self.rows.iter().map(line).collect()
    }
}

/// Three digits that matter, or all of a large number; with a power of ten where zeros would hide them.
pub fn significant(value: f64) -> String {
    if value == 0.0 || (100.0..1e9).contains(&value.abs()) {
        return format!("{value:.0}");
    }
    if !(1e-4..1e9).contains(&value.abs()) {
        return format!("{value:.2e}");
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", digits.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_does_not_hold_is_told() {
        let row = Row::new("mat-vec", 2.4, "instructions").beside(2.83, "CMSIS-DSP").at_most(2.35);
        let mut results = Results { name: "bench".into(), seed: 0, seconds: 0.0, rows: vec![row] };
        assert!(!results.hold());
        assert!(results.table().contains("DOES NOT HOLD"));
        results.rows[0] = results.rows[0].clone().at_most(2.5);
        assert!(results.hold());
        results.rows[0] = results.rows[0].clone().at_least(2.5);
        assert!(!results.hold() && results.table().contains("at least 2.5: DOES NOT HOLD"));
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 1.234e-7, 0.012_345, 2.345, 12.345, 123_456.7, -1.5e30].map(significant);
        assert_eq!(shown, ["0", "1.23e-7", "0.0123", "2.35", "12.3", "123457", "-1.50e30"]);
    }
}
