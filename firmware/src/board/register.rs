//! Memory-mapped registers.
#![allow(unsafe_code)]

/// A device register of type `T`, accessed as a whole.
pub struct Register<T>(*mut T);

impl<T: Copy> Register<T> {
    /// The register at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be that of a device register of this board, `T` wide, which may be read and written at
    /// any time without affecting memory that Rust knows of.
    pub const unsafe fn at(address: usize) -> Self {
        Self(address as *mut T)
    }

    pub fn read(&self) -> T {
        // SAFETY: by the contract of `at` this is a readable register.
        unsafe { self.0.read_volatile() }
    }

    pub fn write(&self, value: T) {
        // SAFETY: by the contract of `at` this is a writable register.
        unsafe { self.0.write_volatile(value) }
    }
}
