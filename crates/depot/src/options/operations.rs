//! How a depot behaves towards whoever keeps it running.

/// Whether a depot takes anything new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It does.
    #[default]
    ReadWrite,
    /// Everything that would change something is refused with 405.
    ReadOnly,
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricsAccess {
    /// Whoever may read everything.
    #[default]
    Guarded,
    /// Everybody: there are numbers in it, and no names of what the depot holds.
    Open,
}

/// How much of the disk is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MinFree {
    /// A hundredth of the file system, and at most 512 MiB.
    #[default]
    Usual,
    /// So many bytes.
    Bytes(u64),
}

impl MinFree {
    /// In bytes, on a file system of `size` bytes.
    pub fn bytes(self, size: u64) -> u64 {
        match self {
            Self::Usual => (size / 100).min(512 << 20),
            Self::Bytes(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_a_large_disk_is_left_alone() {
        let check = |free: MinFree, size: u64, expected: u64| assert_eq!(free.bytes(size), expected);
        check(MinFree::Usual, 1 << 40, 512 << 20);
        check(MinFree::Usual, 10_000_000_000, 100_000_000);
        check(MinFree::Usual, 0, 0);
        check(MinFree::Bytes(7), 1 << 40, 7);
    }
}
