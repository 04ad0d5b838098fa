//! Trees of units.

use anyhow::{Result, ensure};
use forethought::perceive::prox;

/// One or more rooted trees of units, parents before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The parent of each node; a root's is [`prox::ROOT`].
    parents: Vec<u16>,
}

impl Tree {
    /// `branching[0]` roots, and `branching[l + 1]` children of every node at level `l`, numbered level by level.
    pub fn balanced(branching: &[usize]) -> Result<Self> {
        let (mut parents, mut level) = (Vec::new(), vec![None]);
        for &children in branching {
            let first = parents.len();
            parents.extend(level.iter().flat_map(|&parent| std::iter::repeat_n(parent, children)));
            level = (first..parents.len()).map(Some).collect();
        }
        Self::from_parents(&parents)
    }

    /// From the parent of each node; roots have none. A parent's number must be below its child's.
    pub fn from_parents(parents: &[Option<usize>]) -> Result<Self> {
        ensure!(!parents.is_empty(), "a tree without a node: give at least one");
        ensure!(
            parents.len() <= usize::from(prox::ROOT),
            "{} nodes are too many for a tree: at most {} can be numbered",
            parents.len(),
            prox::ROOT
        );
        for (node, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                ensure!(
                    *parent < node,
                    "node {node} has parent {parent}: number parents before their children"
                );
            }
        }
        let number = |parent: &Option<usize>| parent.map_or(prox::ROOT, |parent| parent as u16);
        Ok(Self { parents: parents.iter().map(number).collect() })
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.parents.len()
    }

    /// The parent of each node as [`prox::tree`] takes it: [`prox::ROOT`] for a root.
    pub fn parents(&self) -> &[u16] {
        &self.parents
    }

    /// The parent of a node.
    pub fn parent(&self, node: usize) -> Option<usize> {
        let parent = self.parents[node];
        (parent != prox::ROOT).then_some(usize::from(parent))
    }

    /// A node, its parent, and so on up to its root.
    pub fn branch(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(node), |&node| self.parent(node))
    }

    /// The children of a node, or the roots.
    pub fn children(&self, node: Option<usize>) -> impl Iterator<Item = usize> {
        (0..self.nodes()).filter(move |&child| self.parent(child) == node)
    }

    /// Steps down from a root.
    pub fn level(&self, node: usize) -> usize {
        self.branch(node).count() - 1
    }

    /// Number of levels.
    pub fn levels(&self) -> usize {
        (0..self.nodes()).map(|node| self.level(node) + 1).max().unwrap_or(0)
    }

    /// Whether one of the two is the other, or its ancestor.
    pub fn share_a_branch(&self, a: usize, b: usize) -> bool {
        self.branch(a.max(b)).any(|node| node == a.min(b))
    }

    /// The nodes that stay when those for which `rare` holds go with all their descendants. Roots stay.
    pub fn without(&self, rare: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut stays = vec![true; self.nodes()];
        for node in 0..self.nodes() {
            if let Some(parent) = self.parent(node) {
                stays[node] = stays[parent] && !rare(node);
            }
        }
        (0..self.nodes()).filter(|&node| stays[node]).collect()
    }

    /// The tree of some of the nodes, none without its parent, in their order.
    pub fn of(&self, nodes: &[usize]) -> Result<Self> {
        let place = |node: usize| nodes.iter().position(|&kept| kept == node);
        let parents: Vec<_> = nodes.iter().map(|&node| self.parent(node).and_then(place)).collect();
        Self::from_parents(&parents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_level_by_level() {
        let tree = Tree::balanced(&[1, 2, 3]).unwrap();
        assert_eq!((tree.nodes(), tree.levels()), (9, 3));
        assert_eq!(tree.branch(7).collect::<Vec<_>>(), [7, 2, 0]);
        assert_eq!(tree.children(Some(1)).collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!(tree.children(None).collect::<Vec<_>>(), [0]);
        assert_eq!([0, 2, 8].map(|node| tree.level(node)), [0, 1, 2]);
        assert!(tree.share_a_branch(7, 2) && tree.share_a_branch(0, 7) && tree.share_a_branch(4, 4));
        assert!(!tree.share_a_branch(7, 1) && !tree.share_a_branch(3, 4));
    }

    #[test]
    fn a_rare_node_takes_its_descendants_with_it() {
        let tree = Tree::balanced(&[2, 2, 2]).unwrap();
        let kept = tree.without(|node| [0, 3, 10].contains(&node));
        assert_eq!(kept, [0, 1, 2, 4, 5, 6, 7, 11, 12, 13]);
        let pruned = tree.of(&kept).unwrap();
        // Node 11 was the second child of 4, which is now the fourth node.
        assert_eq!(pruned.parent(7), Some(3));
        assert_eq!(pruned.nodes(), 10);
    }

    #[test]
    fn what_is_no_tree_is_told() {
        let said = |parents: &[Option<usize>]| Tree::from_parents(parents).unwrap_err().to_string();
        assert!(said(&[Some(1), None]).contains("node 0 has parent 1: number parents before"));
        assert!(said(&[]).contains("at least one"));
    }
}
