//! Faults in a flight: an episode is healthy, damaged for a while, and healthy again; and what the agent noticed.

use crate::worlds::{
    Rng,
    faults::{Damage, Fault},
};
use forethought::{
    agent::{Diagnostics, SensorError},
    feature::Feature,
};
use rand::RngExt;

/// Steps of an episode before which a fault begins, at the earliest and at the latest.
const BEGINS: std::ops::Range<usize> = 20..120;
/// Steps that it lasts.
const LASTS: usize = 60;
/// Steps within which it must be noticed.
const WITHIN: usize = 5;
/// Or else as near to the truth must all that is measured be estimated until it is.
const NEAR: f32 = 0.2;

/// The faults of a flight, an episode each, one kind after the other.
pub struct Faults {
    measured: Vec<Feature>,
    /// Episodes so far.
    episodes: usize,
    rng: Rng,
    now: Option<Episode>,
    record: [Record; Fault::ALL.len()],
    healthy: Healthy,
}

/// The fault of an episode.
struct Episode {
    kind: Fault,
    damage: Damage,
    steps: std::ops::Range<usize>,
    /// Whether the agent has met it.
    met: bool,
    noticed: bool,
    /// How far the estimate has been from the truth before it was noticed.
    lost: f32,
}

/// What became of the faults of a kind.
#[derive(Clone, Copy, Default)]
struct Record {
    noticed: usize,
    survived: usize,
    missed: usize,
    alarms: usize,
}

/// What was thought of healthy frames.
#[derive(Clone, Copy, Default)]
struct Healthy {
    frames: usize,
    strange: usize,
    alarms: usize,
}

impl Faults {
    /// `measured` is what the agent reads out of its sensors.
    pub fn new(measured: Vec<Feature>, rng: Rng) -> Self {
        Self {
            measured,
            episodes: 0,
            rng,
            now: None,
            record: Default::default(),
            healthy: Healthy::default(),
        }
    }

    /// A new episode, or the end of the last.
    pub fn begin(&mut self) {
        self.finish();
        let kind = Fault::ALL[self.episodes % Fault::ALL.len()];
        self.episodes += 1;
        let start = self.rng.random_range(BEGINS);
        let damage = kind.draw(&mut self.rng);
        let steps = start..start + LASTS;
        self.now = Some(Episode { kind, damage, steps, met: false, noticed: false, lost: 0.0 });
    }

    fn finish(&mut self) {
        let Some(Episode { kind, noticed, lost, met, .. }) = self.now.take() else { return };
        // A flight may end before its last fault begins.
        if !met {
            return;
        }
        let record = &mut self.record[kind as usize];
        match (noticed, lost < NEAR) {
            (true, _) => record.noticed += 1,
            (false, true) => record.survived += 1,
            (false, false) => record.missed += 1,
        }
    }

    /// What the camera shows at a step of the episode.
    pub fn show(&mut self, step: usize, frame: &mut [f32]) {
        if let Some(episode) = self.now.as_mut().filter(|episode| episode.steps.contains(&step)) {
            episode.damage.apply(frame);
        }
    }

    /// What the agent made of it.
    pub fn judge(
        &mut self,
        step: usize,
        (diagnostics, refused): (&Diagnostics, Option<SensorError>),
        (truth, estimate): (&[f32], &[f32]),
    ) {
        let flagged = diagnostics.strange || diagnostics.outlier || refused.is_some();
        match self.now.as_mut().filter(|episode| episode.steps.contains(&step)) {
            Some(episode) => {
                episode.met = true;
                self.record[episode.kind as usize].alarms += usize::from(refused.is_some());
                let since = step - episode.steps.start;
                // What is noticed later is noticed late: until then the estimate had to be right.
                if flagged && since < WITHIN {
                    episode.noticed = true;
                }
                if !flagged && !episode.noticed {
                    let off = self.measured.iter().map(|feature| {
                        let (less, _) = feature.residual(truth, 0.0);
                        feature.residual(estimate, -less).0.abs()
                    });
                    episode.lost = off.fold(episode.lost, f32::max);
                }
            }
            None => {
                self.healthy.frames += 1;
                self.healthy.strange += usize::from(diagnostics.strange);
                self.healthy.alarms += usize::from(refused.is_some());
            }
        }
    }

    /// The table for people, and whether all went well.
    pub fn report(mut self) -> (String, bool) {
        self.finish();
        let mut text = String::new();
        for (kind, record) in Fault::ALL.iter().zip(&self.record) {
            let Record { noticed, survived, missed, alarms } = record;
            text += &format!(
                "  {:<13} {noticed} noticed within {WITHIN} steps, {survived} unnoticed and survived, {missed} missed; the alarm \
                 was raised at {alarms} steps\n",
                kind.name()
            );
        }
        let Healthy { frames, strange, alarms } = self.healthy;
        text += &format!(
            "  healthy       {frames} frames, of which {strange} were left aside as strange; {alarms} false alarms\n"
        );
        let well = alarms == 0 && self.record.iter().all(|record| record.missed == 0);
        (text, well)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forethought::feature::Map;
    use rand::SeedableRng;

    /// Flies 8 episodes with an agent that flags so many steps after a fault has begun, and is off by so much.
    fn fly(delay: usize, off: f32) -> (String, bool) {
        let measured = vec![Feature { index: 0, map: Map::Value }];
        let mut faults = Faults::new(measured, Rng::seed_from_u64(1));
        for _ in 0..8 {
            faults.begin();
            let steps = faults.now.as_ref().map(|episode| episode.steps.clone()).expect("a fault");
            for step in 0..200 {
                faults.show(step, &mut [0.5; 256]);
                let strange = steps.contains(&step) && step - steps.start >= delay;
                let off = if steps.contains(&step) { off } else { 0.0 };
                let diagnostics = Diagnostics { strange, ..Diagnostics::default() };
                faults.judge(step, (&diagnostics, None), (&[0.0], &[off]));
            }
        }
        faults.report()
    }

    #[test]
    fn a_fault_is_noticed_survived_or_missed() {
        let says = |(text, well): (String, bool), what: &str| {
            assert!(text.matches(what).count() == 4, "{what}: {text}");
            well
        };
        assert!(says(fly(4, 1.0), " 2 noticed within 5 steps, 0 unnoticed and survived, 0 missed"));
        assert!(says(fly(5, 0.1), " 0 noticed within 5 steps, 2 unnoticed and survived, 0 missed"));
        assert!(!says(fly(5, 1.0), " 0 noticed within 5 steps, 0 unnoticed and survived, 2 missed"));
    }
}
