//! Stacks of maps: what convolution, pooling and normalisation pass to each other.
//!
//! A stack of `channels` maps of `rows × cols` numbers lies position by position, row by row from the top, and the
//! channels of a position side by side: `index = (row · cols + col) · channels + channel`. So a window of a row is one
//! run of numbers, and all maps of an output position share each loaded input. A grey image is a stack of one channel.

/// The shape of a stack of maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maps {
    /// Rows of each map.
    pub rows: usize,
    /// Columns of each map.
    pub cols: usize,
    /// How many maps there are.
    pub channels: usize,
}

impl Maps {
    /// Positions of each map.
    pub const fn positions(&self) -> usize {
        self.rows.saturating_mul(self.cols)
    }

    /// Numbers in the stack.
    pub const fn len(&self) -> usize {
        self.positions().saturating_mul(self.channels)
    }

    /// Whether there is no number in it.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `channels` maps over the places where a square window fits that moves `stride` at a time; `None` where it
    /// fits nowhere or does not move.
    pub const fn windows(&self, side: usize, stride: usize, channels: usize) -> Option<Self> {
        if side == 0 || stride == 0 || side > self.rows || side > self.cols {
            return None;
        }
        Some(Self { rows: (self.rows - side) / stride + 1, cols: (self.cols - side) / stride + 1, channels })
    }

    /// Numbers in a window of `side × side` positions.
    pub const fn window(&self, side: usize) -> usize {
        side.saturating_mul(side).saturating_mul(self.channels)
    }
}
