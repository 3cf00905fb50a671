//! Depths as charts print them.

/// Decimetres as metres, rounded down.
pub fn metres(decimetres: u32) -> u32 {
    decimetres / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_down() {
        assert_eq!(metres(29), 2);
    }
}
