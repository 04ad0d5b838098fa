//! What planners need that is computed before.

pub mod discrete;
pub mod lq;
