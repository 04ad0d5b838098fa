//! Above which energy an observation is strange, and how well energies tell strange observations from familiar ones.

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

/// The area under the curve of detections against false alarms: how often a strange observation has a higher energy than a
/// familiar one, where ties count half. 0.5 tells nothing.
///
/// # Panics
/// With energies that are no numbers.
pub fn auc(familiar: &[f32], strange: &[f32]) -> f64 {
    let mut sorted = familiar.to_vec();
    sorted.sort_by(f32::total_cmp);
    let share = strange.iter().map(|energy| {
        assert!(!energy.is_nan(), "an energy is not a number");
        let below = sorted.partition_point(|familiar| familiar < energy);
        let not_above = sorted.partition_point(|familiar| familiar <= energy);
        0.5 * (below + not_above) as f64
    });
    share.sum::<f64>() / (familiar.len() as f64 * strange.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        assert_eq!(auc(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(auc(&[3.0, 4.0], &[1.0]), 0.0);
        assert_eq!(auc(&[1.0, 2.0, 3.0], &[2.0, 2.0]), 0.5);
        assert_eq!(auc(&[1.0, 2.0, 3.0, 4.0], &[3.5]), 0.75);
    }

    #[test]
    fn as_many_are_above_it_as_was_asked() {
        let energies: Vec<f32> = (0..1000).map(|i| ((i * 37) % 1000) as f32).collect();
        for (rate, above) in [(0.0, 0), (0.001, 1), (0.1, 100), (1.0, 999)] {
            let threshold = threshold(&energies, rate);
            assert_eq!(energies.iter().filter(|e| **e > threshold).count(), above, "rate {rate}");
        }
    }
}
