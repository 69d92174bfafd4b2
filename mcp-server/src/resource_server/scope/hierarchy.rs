//! Which broad scope implies which narrow ones (MCP authorization, "Step-Up Authorization Flow": a server
//! accounts for it when it decides whether the scopes suffice).

use super::requirement::Scopes;

/// Pairs of a broad scope and one that it implies, with all that follows from them.
#[derive(Clone, Debug, Default)]
pub(super) struct Hierarchy(Vec<(Box<str>, Box<str>)>);

impl Hierarchy {
    /// `broad` implies `narrow`, and whatever implies `broad` implies whatever `narrow` implies.
    pub(super) fn add(&mut self, broad: &str, narrow: &str) {
        let above = self.0.iter().filter(|(_, implied)| **implied == *broad).map(|(above, _)| above.clone());
        let below = self.0.iter().filter(|(implies, _)| **implies == *narrow).map(|(_, below)| below.clone());
        let above: Vec<Box<str>> = above.chain([broad.into()]).collect();
        let below: Vec<Box<str>> = below.chain([narrow.into()]).collect();
        for upper in &above {
            for lower in &below {
                if !self.implies(upper, lower) {
                    self.0.push((upper.clone(), lower.clone()));
                }
            }
        }
    }

    /// Whether `granted` holds `scope` or one that implies it.
    pub(super) fn grants(&self, granted: &Scopes, scope: &str) -> bool {
        granted.contains(scope) || self.0.iter().any(|(broad, narrow)| **narrow == *scope && granted.contains(broad))
    }

    fn implies(&self, broad: &str, narrow: &str) -> bool {
        broad == narrow || self.0.iter().any(|(upper, lower)| **upper == *broad && **lower == *narrow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_holds_in_whatever_order_it_is_said() {
        let links = [("a", "b"), ("b", "c"), ("c", "d")];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut hierarchy = Hierarchy::default();
            for link in order {
                hierarchy.add(links[link].0, links[link].1);
            }
            for (broad, narrow) in [("a", "d"), ("a", "c"), ("b", "d"), ("a", "a")] {
                assert!(hierarchy.grants(&Scopes::parse(broad), narrow), "{order:?} {broad} {narrow}");
            }
            for (narrow, broad) in [("d", "a"), ("c", "b"), ("b", "a")] {
                assert!(!hierarchy.grants(&Scopes::parse(narrow), broad), "{order:?} {narrow} {broad}");
            }
        }
    }

    #[test]
    fn a_circle_makes_equals() {
        let mut hierarchy = Hierarchy::default();
        hierarchy.add("a", "b");
        hierarchy.add("b", "a");
        assert!(hierarchy.grants(&Scopes::parse("a"), "b") && hierarchy.grants(&Scopes::parse("b"), "a"));
        assert!(!hierarchy.grants(&Scopes::parse("a"), "c"));
    }
}
