//! Above which energy an observation is strange.

/// The smallest threshold that no more than a share `rate` of these familiar energies exceed. It is worth as much as they are
/// many: a rate of one in a thousand needs several thousand.
///
/// # Panics
/// Without energies.
pub fn threshold(familiar: &[f32], rate: f32) -> f32 {
    let mut sorted = familiar.to_vec();
    sorted.sort_by(f32::total_cmp);
    let above = (f64::from(rate) * sorted.len() as f64) as usize;
    sorted[sorted.len() - 1 - above.min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_above_it_as_was_asked() {
        let energies: Vec<f32> = (0..1000).map(|i| ((i * 37) % 1000) as f32).collect();
        for (rate, above) in [(0.0, 0), (0.001, 1), (0.1, 100), (1.0, 999)] {
            let threshold = threshold(&energies, rate);
            assert_eq!(energies.iter().filter(|e| **e > threshold).count(), above, "rate {rate}");
        }
    }
}
