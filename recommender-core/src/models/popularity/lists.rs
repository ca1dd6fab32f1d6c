//! Lists of places or of channels: only what was counted there is stored, the whole gives the rest.

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::sparse::{SparseMatrix, SparseRow};

/// One list per place, or per channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lists {
    /// Lists × items: the shrunk share of each item counted there.
    shares: SparseMatrix,
    /// Per stored entry: positions within its row, best first.
    order: Buffer<u32>,
    /// Per list: what the share in the whole is multiplied by for an item not counted there.
    rest: Buffer<f32>,
}

/// The list of one place or channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    own: SparseRow<'a>,
    order: &'a [u32],
    rest: f32,
}

impl List<'static> {
    /// The list of nobody in particular: the whole.
    pub(super) const WHOLE: Self = Self {
        own: SparseRow {
            indices: &[],
            values: &[],
        },
        order: &[],
        rest: 1.0,
    };
}

impl<'a> List<'a> {
    /// The share of an item here, given its share in the whole.
    pub(super) fn share(&self, item: ItemIx, whole: f32) -> f32 {
        match self.own.indices.binary_search(&item.0) {
            Ok(position) => self.own.values[position],
            Err(_) => whole * self.rest,
        }
    }

    /// Items counted here with their shares, best first.
    pub(super) fn own(self) -> impl Iterator<Item = (ItemIx, f32)> + use<'a> {
        self.order.iter().map(move |&position| {
            let position = position as usize;
            (
                ItemIx(self.own.indices[position]),
                self.own.values[position],
            )
        })
    }

    /// Items not counted here with their shares, in the order of `whole`, which holds shares in the whole.
    pub(super) fn rest(
        self,
        whole: impl Iterator<Item = (ItemIx, f32)>,
    ) -> impl Iterator<Item = (ItemIx, f32)> {
        whole
            .filter(move |(item, _)| self.own.indices.binary_search(&item.0).is_err())
            .map(move |(item, share)| (item, share * self.rest))
            .filter(|&(_, share)| share > 0.0)
    }
}

impl Lists {
    /// Shrinks the counts of each list to the shares of the whole.
    #[expect(clippy::cast_possible_truncation, reason = "a share lies in 0..=1")]
    pub(super) fn shrunk(
        counts: Vec<Vec<(u32, f64)>>,
        whole: &[f64],
        shrinkage: f64,
    ) -> Result<Self> {
        let mut rest = Vec::with_capacity(counts.len());
        let rows = counts.into_iter().map(|mut row| {
            row.sort_by_key(|&(item, _)| item);
            row.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
            let all = row.iter().map(|(_, count)| count).sum::<f64>() + shrinkage;
            rest.push(if all > 0.0 {
                (shrinkage / all) as f32
            } else {
                1.0
            });
            let shrink = |(item, count): &(u32, f64)| {
                let share = (count + shrinkage * whole[*item as usize]) / all;
                (*item, share as f32)
            };
            row.iter().map(shrink).collect::<Vec<_>>()
        });
        let shares = SparseMatrix::from_rows(whole.len(), rows)?;
        Ok(Self {
            order: shares
                .iter_rows()
                .flat_map(best_first)
                .collect::<Vec<_>>()
                .into(),
            rest: rest.into(),
            shares,
        })
    }

    /// The list numbered `index`; the whole where none is kept.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index arrays in memory"
    )]
    pub(super) fn list(&self, index: usize) -> List<'_> {
        if index >= self.shares.rows() {
            return List::WHOLE;
        }
        let offsets = self.shares.offsets();
        List {
            own: self.shares.row(index),
            order: &self.order[offsets[index] as usize..offsets[index + 1] as usize],
            rest: self.rest[index],
        }
    }

    /// Whether no list is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.shares.rows() == 0
    }

    pub(super) fn save<'a>(&'a self, name: &str, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix(name, &self.shares);
        tensors.put(&format!("{name}.order"), &[self.order.len()], &self.order);
        tensors.put(&format!("{name}.rest"), &[self.rest.len()], &self.rest);
    }

    pub(super) fn load(name: &str, items: usize, tensors: &Tensors) -> Result<Self> {
        let shares = tensors.matrix(name)?;
        let order = tensors.vector(&format!("{name}.order"), shares.nnz())?;
        let rest = tensors.vector(&format!("{name}.rest"), shares.rows())?;
        let lists = Self {
            shares,
            order,
            rest,
        };
        let fits = |list: usize| {
            let list = lists.list(list);
            list.order
                .iter()
                .all(|&position| (position as usize) < list.own.len())
        };
        if lists.shares.cols() != items || !(0..lists.shares.rows()).all(fits) {
            return Err(Error::data(
                "popularity",
                format!("the lists \"{name}\" do not fit the items"),
            ));
        }
        Ok(lists)
    }
}

/// Positions within a row: higher share first, then lower item.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a row has at most as many entries as there are u32 items"
)]
fn best_first(row: SparseRow<'_>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..row.len() as u32).collect();
    order.sort_by(|&a, &b| row.values[b as usize].total_cmp(&row.values[a as usize]));
    order
}
