//! Which processors there are and which of them share a core, as sysfs writes it.

use std::collections::HashSet;

/// More than any kernel supports: a list is text from a file.
const MOST: u32 = 16_384;

/// The numbers of a CPU list: `0-3,8` (Documentation/admin-guide/cputopology.rst).
pub(super) fn numbers(list: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
        (last < MOST).then_some(first..=last)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

/// How many different lists of siblings there are: threads of one core have the same.
pub(super) fn distinct(siblings: &[String]) -> u32 {
    let distinct: HashSet<&str> = siblings.iter().map(|list| list.trim()).collect();
    u32::try_from(distinct.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distinct, numbers};

    #[test]
    fn a_list_is_numbers_and_ranges() {
        assert_eq!(numbers("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(numbers("0\n"), [0]);
        assert!(numbers("").is_empty() && numbers("x,3-,0-4294967295").is_empty());
    }

    #[test]
    fn threads_of_one_core_are_one_core() {
        let lists = |lists: &[&str]| lists.iter().map(|&list| list.to_owned()).collect::<Vec<_>>();
        assert_eq!(distinct(&lists(&["0,4\n", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"])), 4);
        assert_eq!(distinct(&lists(&["0", "1", "2", "3"])), 4);
        assert_eq!(distinct(&[]), 0);
    }
}
