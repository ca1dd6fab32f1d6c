//! Paths that share their beginnings: the tree of Han, Pei & Yin, *Mining frequent patterns without candidate
//! generation* (SIGMOD 2000), laid out flat.

/// Ascending lists of numbers, one behind the other, each with how often it came.
#[derive(Debug, Default)]
pub(super) struct Paths {
    numbers: Vec<u32>,
    /// Where each path ends in `numbers`.
    ends: Vec<u32>,
    counts: Vec<u32>,
}

impl Paths {
    /// Adds a path that came `count` times; nothing for an empty one.
    pub(super) fn push(&mut self, path: impl IntoIterator<Item = u32>, count: u32) {
        let begin = self.numbers.len();
        self.numbers.extend(path);
        if self.numbers.len() > begin {
            let end = u32::try_from(self.numbers.len()).expect("a table keeps below 2^32 events");
            self.ends.push(end);
            self.counts.push(count);
        }
    }

    /// How many numbers all paths have.
    pub(super) fn total_length(&self) -> usize {
        self.numbers.len()
    }

    fn get(&self, path: u32) -> &[u32] {
        let begin = match path {
            0 => 0,
            path => self.ends[path as usize - 1],
        };
        &self.numbers[begin as usize..self.ends[path as usize] as usize]
    }

    /// The paths in the order of their numbers.
    fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0u32..).take(self.ends.len()).collect();
        // Paths that are alike stay in the order in which they came.
        order.sort_by(|&a, &b| self.get(a).cmp(self.get(b)));
        order
    }
}

/// Stands for the parent of a node at the top; never leaves this file.
const NONE: u32 = u32::MAX;

/// A node: a number at the end of all paths that begin alike up to it.
#[derive(Debug, Clone, Copy)]
struct Node {
    number: u32,
    parent: u32,
}

/// Paths merged where they begin alike. Nodes lie by number, so that those of one number are neighbours, and below
/// their parents, whose numbers are smaller.
#[derive(Debug)]
pub(super) struct FpTree {
    nodes: Vec<Node>,
    /// How often each node's path came.
    counts: Vec<u32>,
    /// Where the nodes of each number begin; one more than there are numbers.
    starts: Vec<u32>,
    /// What each number stands for.
    labels: Vec<u32>,
}

/// Bytes of a tree, and of the paths it is made from, by the numbers on them: what both hold at once at most.
pub(super) const BYTES_PER_NUMBER: u64 = 4 + 2 * (8 + 4) + 4;

impl FpTree {
    /// The tree of `paths` of numbers below the number of `labels`.
    pub(super) fn new(paths: &Paths, labels: Vec<u32>) -> Self {
        let (nodes, counts) = merged(paths);
        let mut starts = vec![0u32; labels.len() + 1];
        for node in &nodes {
            starts[node.number as usize + 1] += 1;
        }
        for number in 0..labels.len() {
            starts[number + 1] += starts[number];
        }
        let mut next = starts.clone();
        let places: Vec<u32> = nodes
            .iter()
            .map(|node| {
                let place = &mut next[node.number as usize];
                *place += 1;
                *place - 1
            })
            .collect();
        let mut tree = Self {
            nodes: nodes.clone(),
            counts: vec![0; nodes.len()],
            starts,
            labels,
        };
        for ((node, count), &place) in nodes.iter().zip(counts).zip(&places) {
            let parent = match node.parent {
                NONE => NONE,
                parent => places[parent as usize],
            };
            tree.nodes[place as usize] = Node { parent, ..*node };
            tree.counts[place as usize] = count;
        }
        tree
    }

    /// How many numbers there are.
    pub(super) fn numbers(&self) -> usize {
        self.labels.len()
    }

    /// What `number` stands for.
    pub(super) fn label(&self, number: usize) -> u32 {
        self.labels[number]
    }

    fn places_of(&self, number: usize) -> std::ops::Range<usize> {
        self.starts[number] as usize..self.starts[number + 1] as usize
    }

    /// How often each number below `number` stands on a path with it: into `counts`, one for each.
    pub(super) fn count_beside(&self, number: usize, counts: &mut Vec<u32>) {
        counts.clear();
        counts.resize(number, 0);
        for place in self.places_of(number) {
            let count = self.counts[place];
            let mut at = self.nodes[place].parent;
            while at != NONE {
                let node = self.nodes[at as usize];
                counts[node.number as usize] += count;
                at = node.parent;
            }
        }
    }

    /// The tree of what stands on paths with `number`, of the numbers below it whose count in `counts` is at least
    /// `least`.
    pub(super) fn conditional(&self, number: usize, counts: &[u32], least: u32) -> Self {
        let mut new_numbers = vec![NONE; number];
        let mut labels = Vec::new();
        for (old, _) in counts.iter().enumerate().filter(|&(_, &it)| it >= least) {
            new_numbers[old] = u32::try_from(labels.len()).expect("there are fewer than before");
            labels.push(self.labels[old]);
        }
        let mut paths = Paths::default();
        let mut path = Vec::new();
        for place in self.places_of(number) {
            path.clear();
            let mut at = self.nodes[place].parent;
            while at != NONE {
                let node = self.nodes[at as usize];
                let new = new_numbers[node.number as usize];
                if new != NONE {
                    path.push(new);
                }
                at = node.parent;
            }
            paths.push(path.iter().rev().copied(), self.counts[place]);
        }
        Self::new(&paths, labels)
    }
}

/// The nodes of `paths` in the order of the paths, parents first, with their counts.
fn merged(paths: &Paths) -> (Vec<Node>, Vec<u32>) {
    let mut nodes: Vec<Node> = Vec::new();
    let mut counts: Vec<u32> = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    let mut previous: &[u32] = &[];
    for path in paths.sorted() {
        let numbers = paths.get(path);
        let alike = previous.iter().zip(numbers).take_while(|(a, b)| a == b);
        open.truncate(alike.count());
        for &number in &numbers[open.len()..] {
            let parent = open.last().copied().unwrap_or(NONE);
            open.push(u32::try_from(nodes.len()).expect("there are no more nodes than events"));
            nodes.push(Node { number, parent });
            counts.push(0);
        }
        if let Some(&end) = open.last() {
            counts[end as usize] += paths.counts[path as usize];
        }
        previous = numbers;
    }
    // Children stand behind their parents: from the end on, each is complete when it is added to its parent.
    for place in (0..nodes.len()).rev() {
        let parent = nodes[place].parent;
        if parent != NONE {
            counts[parent as usize] += counts[place];
        }
    }
    (nodes, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> FpTree {
        let mut paths = Paths::default();
        for path in [&[0, 1, 2][..], &[1, 2], &[], &[0, 2], &[0, 1, 2], &[3]] {
            paths.push(path.iter().copied(), 1);
        }
        FpTree::new(&paths, vec![10, 11, 12, 13])
    }

    #[test]
    fn paths_share_their_beginnings() {
        // 0 → 1 → 2, 0 → 2, 1 → 2 and 3.
        let tree = tree();
        assert_eq!(tree.starts, [0, 1, 3, 6, 7]);
        assert_eq!(tree.counts[0], 3);
        let total: u32 = tree.places_of(2).map(|place| tree.counts[place]).sum();
        assert_eq!(total, 4);
        assert_eq!((tree.numbers(), tree.label(3)), (4, 13));
    }

    #[test]
    fn what_stands_beside_a_number_is_counted_and_makes_a_tree_of_its_own() {
        let tree = tree();
        let mut counts = vec![7];
        tree.count_beside(2, &mut counts);
        assert_eq!(counts, [3, 3]);
        let beside = tree.conditional(2, &counts, 3);
        assert_eq!((beside.numbers(), beside.label(1)), (2, 11));
        beside.count_beside(1, &mut counts);
        assert_eq!(counts, [2]);
        tree.count_beside(3, &mut counts);
        assert_eq!(tree.conditional(3, &counts, 1).numbers(), 0);
    }
}
