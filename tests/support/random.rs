//! A small generator, so that what a test did can be repeated by its seed.

use std::time::Duration;

/// Holds the state: xorshift64.
pub(crate) struct Random(u64);

impl Random {
    /// Returns the generator of a seed.
    pub(crate) fn new(seed: usize) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Returns a number below this one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 20).unwrap() % limit
    }

    /// Returns one of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Returns a time shorter than this.
    pub(crate) fn shorter_than(&mut self, most: Duration) -> Duration {
        most.mul_f64(f64::from(u32::try_from(self.below(1000)).unwrap()) / 1000.0)
    }
}
