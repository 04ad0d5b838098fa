//! What planners need that is computed before, and the optimum that they are measured against.

pub mod discrete;
pub mod grid;
pub mod lq;
