//! A car: the kinematic bicycle, and when two of them touch.

/// Length of a car, in m.
pub const LENGTH: f64 = 5.0;
/// Width of a car, in m.
pub const WIDTH: f64 = 2.0;
/// Fastest, in m/s.
const MAX_SPEED: f64 = 40.0;
/// Largest acceleration and braking, in m/s².
pub const MAX_ACCELERATION: f64 = 6.0;
/// Largest angle of the front wheels, in rad.
pub const MAX_STEERING: f64 = std::f64::consts::FRAC_PI_3;

/// Where a car is and how it moves: what a log records and what a view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Car {
    /// Its middle along the road, in m.
    pub x: f64,
    /// Its middle across the road, in m from the centre of lane 0 towards that of lane 1.
    pub y: f64,
    /// Direction, in rad; 0 is along the road, positive towards the higher lanes.
    pub heading: f64,
    /// Speed, in m/s.
    pub speed: f64,
    /// It has touched another car: it brakes and is not steered any more.
    pub crashed: bool,
}

/// What a driver does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Command {
    /// Acceleration, in m/s².
    pub acceleration: f64,
    /// Angle of the front wheels, in rad.
    pub steering: f64,
}

impl Command {
    /// Within what a car can do.
    pub fn limited(self) -> Self {
        Self {
            acceleration: self.acceleration.clamp(-MAX_ACCELERATION, MAX_ACCELERATION),
            steering: self.steering.clamp(-MAX_STEERING, MAX_STEERING),
        }
    }
}

impl Car {
    /// What a model is told of the car itself: its place across the road in m, its heading in rad, its speed in m/s.
    pub fn state(&self) -> [f32; 3] {
        [self.y as f32, self.heading as f32, self.speed as f32]
    }

    /// What was done on the way to `next`, `dt` later: the mean acceleration in m/s², and the mean rate of turning in
    /// rad/s, as MPUR takes actions from trajectories.
    pub fn action(&self, next: &Self, dt: f64) -> [f32; 2] {
        [((next.speed - self.speed) / dt) as f32, ((next.heading - self.heading) / dt) as f32]
    }

    /// The command with which the car, at its present speed, accelerates and turns at the given rates.
    pub fn command(&self, acceleration: f64, turning: f64) -> Command {
        Command { acceleration, steering: steering(turning, self.speed) }
    }

    /// The kinematic bicycle, its middle between the axles, for a short time `dt`:
    ///
    /// ```text
    /// β = atan(½ tan δ)    ẋ = v cos(ψ + β)    ẏ = v sin(ψ + β)    ψ̇ = v sin β/(L/2)    v̇ = a
    /// ```
    ///
    /// (Polack, Altché, d'Andréa-Novel & de La Fortelle 2017.) It does not roll back.
    pub fn advance(&mut self, command: Command, dt: f64) {
        let Command { acceleration, steering } = command;
        let (acceleration, steering) =
            if self.crashed { (-self.speed, 0.0) } else { (acceleration, steering) };
        let slip = (0.5 * steering.tan()).atan();
        let (sin, cos) = (self.heading + slip).sin_cos();
        self.x += self.speed * cos * dt;
        self.y += self.speed * sin * dt;
        self.heading += self.speed * slip.sin() / (0.5 * LENGTH) * dt;
        self.speed = (self.speed + acceleration * dt).clamp(0.0, MAX_SPEED);
    }

    /// Whether the two rectangles overlap: no line between them along a side of either (the separating axis theorem).
    pub fn touches(&self, other: &Self) -> bool {
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        if dx.hypot(dy) > LENGTH.hypot(WIDTH) {
            return false;
        }
        let (sin, cos) = (other.heading - self.heading).sin_cos();
        let (sin, cos) = (sin.abs(), cos.abs());
        // Half the extent of a car along the axes of the other.
        let along = 0.5 * (LENGTH + LENGTH * cos + WIDTH * sin);
        let across = 0.5 * (WIDTH + WIDTH * cos + LENGTH * sin);
        [self.heading, other.heading].iter().all(|heading| {
            let (sin, cos) = heading.sin_cos();
            (dx * cos + dy * sin).abs() < along && (dy * cos - dx * sin).abs() < across
        })
    }
}

/// The angle of the front wheels at which a car of this speed turns at the given rate: `ψ̇ = v sin β/(L/2)` the other
/// way round, or the largest angle.
pub fn steering(turning: f64, speed: f64) -> f64 {
    let slip = (0.5 * LENGTH * turning / speed.max(0.01)).clamp(-1.0, 1.0).asin();
    (2.0 * slip.tan()).atan().clamp(-MAX_STEERING, MAX_STEERING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_turns_at_the_rate_that_was_asked_for() {
        for (turning, speed) in [(0.3, 20.0), (-0.1, 5.0), (0.0, 30.0)] {
            let car = Car { speed, ..Car::default() };
            let mut next = car;
            next.advance(car.command(1.5, turning), 0.2);
            let [acceleration, turned] = car.action(&next, 0.2);
            assert!((f64::from(turned) - turning).abs() < 1e-6 && (acceleration - 1.5).abs() < 1e-6);
        }
    }

    #[test]
    fn a_constant_angle_is_a_circle() {
        let mut car = Car { speed: 10.0, ..Car::default() };
        let command = Command { acceleration: 0.0, steering: 0.2 };
        let slip = (0.5 * 0.2f64.tan()).atan();
        let radius = 0.5 * LENGTH / slip.sin();
        let steps = 100_000;
        let dt = std::f64::consts::TAU * radius / 10.0 / f64::from(steps);
        (0..steps).for_each(|_| car.advance(command, dt));
        assert!(car.x.hypot(car.y) < 1e-2 * radius, "{car:?} did not come back");
    }

    #[test]
    fn cars_touch_when_their_rectangles_overlap() {
        let at = |x, y, heading| Car { x, y, heading, ..Car::default() };
        let car = at(0.0, 0.0, 0.0);
        assert!(car.touches(&at(4.9, 0.0, 0.0)) && !car.touches(&at(5.1, 0.0, 0.0)));
        assert!(car.touches(&at(0.0, 1.9, 0.0)) && !car.touches(&at(0.0, 2.1, 0.0)));
        let right = std::f64::consts::FRAC_PI_2;
        assert!(car.touches(&at(3.4, 0.0, right)) && !car.touches(&at(3.6, 0.0, right)));
        // Corner to corner: each within the other's circle, but a line lies between them.
        let turned = at(4.4, 2.9, std::f64::consts::FRAC_PI_4);
        assert!(!car.touches(&turned) && !turned.touches(&car));
    }
}
