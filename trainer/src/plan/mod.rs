//! What planners need that is computed before.

pub mod lq;
