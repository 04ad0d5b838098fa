//! State estimation: what the world most probably is, given all that was seen and done.

pub mod kalman;
