//! When the water is high.

use chart::metres;

/// Minutes from one high water to the next.
pub const PERIOD: u32 = 745;

/// The next high water after `now`, both in minutes; `first` is any high water.
pub fn next_high(first: u32, now: u32) -> u32 {
    let mut high = first;
    while high < now {
        high += PERIOD;
    }
    high
}

/// Minutes as a clock shows them.
pub fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// Whether a keel clears the ground: `depth` in decimetres, `draught` in metres.
pub fn floats(depth: u32, draught: u32) -> bool {
    metres(depth) > draught
}

#[cfg(test)]
mod tests {
    use super::*;

    mod clocks {
        use super::*;

        #[test]
        fn midnight() {
            assert_eq!(clock(1440), "00:00");
        }

        #[test]
        fn afternoon() {
            assert_eq!(clock(825), "13:45");
        }
    }

    #[test]
    fn before_the_first() {
        assert_eq!(next_high(100, 50), 100);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn the_end_of_time() {
        next_high(u32::MAX - 1, u32::MAX);
    }

    #[test]
    #[ignore = "needs the harbour's gauge"]
    fn gauge() {
        panic!("no gauge");
    }
}
