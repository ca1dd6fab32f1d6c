//! The components of a graph whose edges come and go.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::identity::{Identifier, Namespace};

/// Identifiers with at least one link, and the component each is in.
///
/// A union relabels the smaller side, so that n links cost n log n in all. A split walks from both ends of the link at
/// once and is bounded by the component.
#[derive(Debug, Default)]
pub(super) struct Components {
    numbers: FxHashMap<Identifier, u32>,
    nodes: Vec<Option<Node>>,
    free_nodes: Vec<u32>,
    groups: Vec<Group>,
    free_groups: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    identifier: Identifier,
    neighbours: Vec<u32>,
    /// How many of the neighbours are as strong as this one or stronger.
    strong: usize,
    group: u32,
}

/// A component.
#[derive(Debug, Default)]
struct Group {
    members: Vec<u32>,
    /// The strongest of the members.
    first: u32,
    counts: Counts,
}

/// How many members a component has, and how many of them are of some sort.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) members: usize,
    pub(super) accounts: usize,
    pub(super) cards: usize,
}

impl Counts {
    fn of(identifier: &Identifier) -> Self {
        let is = |namespace| usize::from(identifier.namespace() == namespace);
        Self {
            members: 1,
            accounts: is(Namespace::Account),
            cards: is(Namespace::Loyalty),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            members: self.members + other.members,
            accounts: self.accounts + other.accounts,
            cards: self.cards + other.cards,
        }
    }
}

impl Components {
    /// The members of the component of `identifier`, in no order; none if it has no link.
    pub(super) fn members(&self, identifier: &Identifier) -> impl Iterator<Item = &Identifier> {
        let group = self.numbers.get(identifier).map(|&node| self.group(node));
        let members = group.into_iter().flat_map(|group| &group.members);
        members.map(|&member| &self.node(member).identifier)
    }

    /// The strongest member of the component of `identifier`.
    pub(super) fn first<'a>(&'a self, identifier: &'a Identifier) -> &'a Identifier {
        self.numbers.get(identifier).map_or(identifier, |&node| {
            &self.node(self.group(node).first).identifier
        })
    }

    /// What the component of `identifier` has.
    pub(super) fn size(&self, identifier: &Identifier) -> Counts {
        let node = self.numbers.get(identifier);
        node.map_or_else(|| Counts::of(identifier), |&node| self.group(node).counts)
    }

    /// The identifiers linked to `identifier`.
    pub(super) fn neighbours(&self, identifier: &Identifier) -> impl Iterator<Item = &Identifier> {
        let node = self.numbers.get(identifier).map(|&node| self.node(node));
        let neighbours = node.into_iter().flat_map(|node| &node.neighbours);
        neighbours.map(|&neighbour| &self.node(neighbour).identifier)
    }

    /// To how many that are as strong as itself or stronger `identifier` is linked.
    pub(super) fn strong_links(&self, identifier: &Identifier) -> usize {
        let node = self.numbers.get(identifier);
        node.map_or(0, |&node| self.node(node).strong)
    }

    /// Whether the two are in one component.
    pub(super) fn together(&self, a: &Identifier, b: &Identifier) -> bool {
        let group = |identifier| Some(self.node(*self.numbers.get(identifier)?).group);
        group(a).is_some_and(|of_a| group(b) == Some(of_a))
    }

    /// Adds the link of two identifiers that are not linked.
    pub(super) fn link(&mut self, a: &Identifier, b: &Identifier) {
        let (a, b) = (self.number(a), self.number(b));
        for (one, other) in [(a, b), (b, a)] {
            let strong = usize::from(self.stronger(other, one));
            let node = self.node_mut(one);
            node.neighbours.push(other);
            node.strong += strong;
        }
        let (a, b) = (self.node(a).group, self.node(b).group);
        if a != b {
            self.unite(a, b);
        }
    }

    /// Takes the link of two identifiers away, if there is one.
    pub(super) fn unlink(&mut self, a: &Identifier, b: &Identifier) {
        let (Some(&a), Some(&b)) = (self.numbers.get(a), self.numbers.get(b)) else {
            return;
        };
        for (one, other) in [(a, b), (b, a)] {
            let strong = usize::from(self.stronger(other, one));
            let node = self.node_mut(one);
            let Some(at) = node.neighbours.iter().position(|&found| found == other) else {
                return;
            };
            node.neighbours.swap_remove(at);
            node.strong -= strong;
        }
        if let Some(side) = self.side_cut_off(a, b) {
            self.split(&side);
        }
        for node in [a, b] {
            if self.node(node).neighbours.is_empty() {
                self.remove(node);
            }
        }
    }

    fn stronger(&self, one: u32, other: u32) -> bool {
        let namespace = |node| self.node(node).identifier.namespace();
        namespace(one) <= namespace(other)
    }

    /// Moves the smaller of two groups into the larger.
    fn unite(&mut self, a: u32, b: u32) {
        let size = |group: u32| self.groups[group as usize].members.len();
        let (small, large) = if size(a) < size(b) { (a, b) } else { (b, a) };
        let moved = std::mem::take(&mut self.groups[small as usize]);
        for &member in &moved.members {
            self.node_mut(member).group = large;
        }
        let first = self.groups[large as usize].first;
        let stronger = self.node(moved.first).identifier < self.node(first).identifier;
        let group = &mut self.groups[large as usize];
        group.members.extend(moved.members);
        group.counts = group.counts.plus(moved.counts);
        if stronger {
            group.first = moved.first;
        }
        self.free_groups.push(small);
    }

    /// The nodes that one end of a link that was taken away still reaches, if they are not the other's too.
    fn side_cut_off(&self, a: u32, b: u32) -> Option<FxHashSet<u32>> {
        let mut sides = [a, b].map(|start| (FxHashSet::from_iter([start]), vec![start]));
        for turn in 0.. {
            let [one, other] = &mut sides;
            let (side, opposite) = if turn % 2 == 0 {
                (one, other)
            } else {
                (other, one)
            };
            let (reached, waiting) = side;
            let Some(next) = waiting.pop() else {
                return Some(std::mem::take(reached));
            };
            for &neighbour in &self.node(next).neighbours {
                if opposite.0.contains(&neighbour) {
                    return None;
                }
                if reached.insert(neighbour) {
                    waiting.push(neighbour);
                }
            }
        }
        None
    }

    /// Makes a group of its own of some members of a group.
    fn split(&mut self, side: &FxHashSet<u32>) {
        let Some(&any) = side.iter().next() else {
            return;
        };
        let old = self.node(any).group as usize;
        let members = std::mem::take(&mut self.groups[old].members);
        let (gone, left): (Vec<u32>, Vec<u32>) = members
            .into_iter()
            .partition(|member| side.contains(member));
        self.groups[old] = self.group_of(left);
        let group = self.group_of(gone);
        let new = self.add_group(group);
        for &member in side {
            self.node_mut(member).group = new;
        }
    }

    /// A group of `members`, of which there must be one.
    fn group_of(&self, members: Vec<u32>) -> Group {
        let name = |&member: &u32| &self.node(member).identifier;
        let first = members.iter().copied().min_by_key(|member| name(member));
        Group {
            first: first.expect("both sides of a link have a member"),
            counts: members
                .iter()
                .map(|member| Counts::of(name(member)))
                .fold(Counts::default(), Counts::plus),
            members,
        }
    }

    fn add_group(&mut self, group: Group) -> u32 {
        if let Some(number) = self.free_groups.pop() {
            self.groups[number as usize] = group;
            return number;
        }
        self.groups.push(group);
        number_of(self.groups.len() - 1)
    }

    /// The number of `identifier`, alone in a group if it is new.
    fn number(&mut self, identifier: &Identifier) -> u32 {
        if let Some(&number) = self.numbers.get(identifier) {
            return number;
        }
        let number = self.free_nodes.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            number_of(self.nodes.len() - 1)
        });
        let group = self.add_group(Group {
            members: vec![number],
            first: number,
            counts: Counts::of(identifier),
        });
        self.nodes[number as usize] = Some(Node {
            identifier: identifier.clone(),
            neighbours: Vec::new(),
            strong: 0,
            group,
        });
        self.numbers.insert(identifier.clone(), number);
        number
    }

    /// Forgets a node without links, which is alone in its group.
    fn remove(&mut self, number: u32) {
        if let Some(node) = self.nodes[number as usize].take() {
            self.numbers.remove(&node.identifier);
            self.groups[node.group as usize] = Group::default();
            self.free_groups.push(node.group);
            self.free_nodes.push(number);
        }
    }

    fn group(&self, node: u32) -> &Group {
        &self.groups[self.node(node).group as usize]
    }

    fn node(&self, number: u32) -> &Node {
        let node = self.nodes[number as usize].as_ref();
        node.expect("a number is given out for nodes that are there")
    }

    fn node_mut(&mut self, number: u32) -> &mut Node {
        let node = self.nodes[number as usize].as_mut();
        node.expect("a number is given out for nodes that are there")
    }
}

fn number_of(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than 2^32 identifiers fit the memory")
}
