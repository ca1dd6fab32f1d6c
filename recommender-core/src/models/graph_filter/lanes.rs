//! The two products of the model, for `LANES` signals side by side.
//!
//! A signal has a number per item; of several, the numbers of one item lie together, so that one pass over a matrix
//! serves them all with vector instructions. Each lane is added up in one fixed order whatever `LANES` is: one signal
//! alone gets the very numbers it gets among others.

use std::slice::ChunksExact;

use pulp::{Arch, Simd, WithSimd};

use crate::sparse::{SparseMatrix, SparseRow};

/// Signals side by side: per item, one number of each.
pub(super) type Lanes<const LANES: usize> = [f32; LANES];

/// Items whose vectors stand together, so that a lone signal fills vector registers with items instead of lanes.
pub(super) const PANEL: usize = 16;

/// Items × vectors in panels: per [`PANEL`] items, vector after vector, the numbers of those items.
pub(super) type Panels<'a> = &'a [[f32; PANEL]];

/// `target += factor · matrix · source`, each row added up in the order of its columns.
pub(super) fn add_product<const LANES: usize>(
    matrix: &SparseMatrix,
    factor: f32,
    source: &[Lanes<LANES>],
    target: &mut [Lanes<LANES>],
) {
    assert!(source.len() == matrix.cols() && target.len() == matrix.rows());
    Arch::new().dispatch(AddProduct {
        matrix,
        factor,
        source,
        target,
    });
}

struct AddProduct<'a, const LANES: usize> {
    matrix: &'a SparseMatrix,
    factor: f32,
    source: &'a [Lanes<LANES>],
    target: &'a mut [Lanes<LANES>],
}

impl<const LANES: usize> WithSimd for AddProduct<'_, LANES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let registers = LANES / S::F32_LANES;
        for (row, target) in self.matrix.iter_rows().zip(self.target) {
            let entries = (row, self.source);
            if registers > 0 && registers.is_multiple_of(4) {
                add_row::<S, LANES, 4>(simd, entries, self.factor, target);
            } else if registers > 0 && registers.is_multiple_of(2) {
                add_row::<S, LANES, 2>(simd, entries, self.factor, target);
            } else if registers > 0 && LANES.is_multiple_of(S::F32_LANES) {
                add_row::<S, LANES, 1>(simd, entries, self.factor, target);
            } else {
                add_row_by_lanes(simd, entries, self.factor, target);
            }
        }
    }
}

/// A row of a matrix and what it is multiplied by.
type Entries<'a, const LANES: usize> = (SparseRow<'a>, &'a [Lanes<LANES>]);

/// What one row makes, in some vector registers after the others.
#[inline(always)]
fn add_row<S: Simd, const LANES: usize, const REGISTERS: usize>(
    simd: S,
    (row, source): Entries<'_, LANES>,
    factor: f32,
    target: &mut Lanes<LANES>,
) {
    let target = S::as_mut_simd_f32s(target).0;
    let factor = simd.splat_f32s(factor);
    for first in (0..target.len()).step_by(REGISTERS) {
        let mut sums = [simd.splat_f32s(0.0); REGISTERS];
        for (&column, &value) in row.indices.iter().zip(row.values) {
            let lanes = &S::as_simd_f32s(&source[column as usize]).0[first..first + REGISTERS];
            let value = simd.splat_f32s(value);
            for (sum, &lanes) in sums.iter_mut().zip(lanes) {
                *sum = simd.mul_add_e_f32s(value, lanes, *sum);
            }
        }
        for (target, sum) in target[first..first + REGISTERS].iter_mut().zip(sums) {
            *target = simd.mul_add_e_f32s(factor, sum, *target);
        }
    }
}

/// As [`add_row`], for lanes that fill no register: with the same instructions, which round alike.
#[inline(always)]
fn add_row_by_lanes<S: Simd, const LANES: usize>(
    simd: S,
    (row, source): Entries<'_, LANES>,
    factor: f32,
    target: &mut Lanes<LANES>,
) {
    for (lane, target) in target.iter_mut().enumerate() {
        let mut sum = 0.0;
        for (&column, &value) in row.indices.iter().zip(row.values) {
            sum = multiply_add(simd, value, source[column as usize][lane], sum);
        }
        *target = multiply_add(simd, factor, sum, *target);
    }
}

/// `target += factor · matrixᵀ · source` for one signal, mostly zeroes: the very numbers [`add_product`] makes with the
/// transposed matrix, from the rows alone that have a part in it. `sums` is room for one number a column.
pub(super) fn add_transposed_product(
    matrix: &SparseMatrix,
    factor: f32,
    source: &[Lanes<1>],
    (sums, target): (&mut Vec<f32>, &mut [Lanes<1>]),
) {
    assert!(source.len() == matrix.rows() && target.len() == matrix.cols());
    sums.clear();
    sums.resize(target.len(), 0.0);
    Arch::new().dispatch(AddTransposed {
        matrix,
        factor,
        source,
        sums,
        target,
    });
}

struct AddTransposed<'a> {
    matrix: &'a SparseMatrix,
    factor: f32,
    source: &'a [Lanes<1>],
    sums: &'a mut [f32],
    target: &'a mut [Lanes<1>],
}

impl WithSimd for AddTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (row, &[number]) in self.matrix.iter_rows().zip(self.source) {
            if number != 0.0 {
                for (column, value) in row.iter() {
                    let sum = &mut self.sums[column as usize];
                    *sum = multiply_add(simd, value, number, *sum);
                }
            }
        }
        for ([target], &mut sum) in self.target.iter_mut().zip(self.sums) {
            *target = multiply_add(simd, self.factor, sum, *target);
        }
    }
}

/// Columns of a profile with their weights.
pub(super) type Profile = Vec<(usize, f32)>;

/// `target += matrixᵀ · profiles`, a profile in each lane.
pub(super) fn add_profiles<const LANES: usize>(
    matrix: &SparseMatrix,
    profiles: &[Profile],
    target: &mut [Lanes<LANES>],
) {
    assert!(target.len() == matrix.cols());
    Arch::new().dispatch(AddProfiles {
        matrix,
        profiles,
        target,
    });
}

struct AddProfiles<'a, const LANES: usize> {
    matrix: &'a SparseMatrix,
    profiles: &'a [Profile],
    target: &'a mut [Lanes<LANES>],
}

impl<const LANES: usize> WithSimd for AddProfiles<'_, LANES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (lane, profile) in self.profiles.iter().enumerate() {
            for &(row, weight) in profile {
                for (column, value) in self.matrix.row(row).iter() {
                    let target = &mut self.target[column as usize][lane];
                    *target = multiply_add(simd, value, weight, *target);
                }
            }
        }
    }
}

/// `a · b + c` as the registers of `simd` do it.
#[inline(always)]
fn multiply_add<S: Simd>(simd: S, a: f32, b: f32, c: f32) -> f32 {
    let [a, b, c] = [a, b, c].map(|number| simd.splat_f32s(number));
    bytemuck::cast_slice(&[simd.mul_add_e_f32s(a, b, c)])[0]
}

/// `target += factor · S · source` with S symmetric and `source` by its entries, of which zeroes are skipped.
pub(super) fn add_symmetric(
    similarities: &SparseMatrix,
    factor: f32,
    source: impl Iterator<Item = (usize, f32)>,
    target: &mut [Lanes<1>],
) {
    for (item, value) in source.filter(|&(_, value)| value != 0.0) {
        for (other, similarity) in similarities.row(item).iter() {
            target[other as usize][0] += factor * value * similarity;
        }
    }
}

/// `target = −factor · source − target`: a step of Clenshaw's recurrence but for its products.
pub(super) fn subtract_from_negated<const LANES: usize>(
    factor: f32,
    source: &[Lanes<LANES>],
    target: &mut [Lanes<LANES>],
) {
    let pairs = target
        .as_flattened_mut()
        .iter_mut()
        .zip(source.as_flattened());
    pairs.for_each(|(target, source)| *target = -factor * source - *target);
}

/// Registers of lanes that a tile of the low-rank product holds for each of its items.
const TILE_LANES: usize = 2;

/// For each of `signals`, coefficients and a target: `target_i += scale_i · Σ_k panels_ik coefficients_k`, k ascending.
/// Each panel is read once for all of them.
pub(super) fn add_low_rank<const LANES: usize>(
    panels: Panels<'_>,
    scales: &[f32],
    signals: &mut [LowRank<'_, LANES>],
) {
    let rank = signals
        .first()
        .map_or(0, |(coefficients, _)| coefficients.len());
    if rank == 0 {
        return;
    }
    assert!(panels.len() == rank * scales.len().div_ceil(PANEL));
    Arch::new().dispatch(AddLowRank {
        panels: panels.chunks_exact(rank),
        scales,
        signals,
    });
}

/// Coefficients of the vectors, and the numbers per item their sum is added to.
pub(super) type LowRank<'a, const LANES: usize> = (Vec<Lanes<LANES>>, &'a mut [Lanes<LANES>]);

struct AddLowRank<'a, 's, const LANES: usize> {
    panels: ChunksExact<'a, [f32; PANEL]>,
    scales: &'a [f32],
    signals: &'a mut [LowRank<'s, LANES>],
}

impl<const LANES: usize> WithSimd for AddLowRank<'_, '_, LANES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let tasks = self.panels.zip(self.scales.chunks(PANEL));
        for (number, (panel, scales)) in tasks.enumerate() {
            for (coefficients, target) in &mut *self.signals {
                let target = &mut target[number * PANEL..][..scales.len()];
                let product = (panel, &coefficients[..]);
                if !LANES.is_multiple_of(TILE_LANES * S::F32_LANES) {
                    add_panel(simd, product, scales, target);
                } else if S::REGISTER_COUNT >= 32 {
                    add_tiles::<S, LANES, 8>(simd, product, scales, target);
                } else {
                    add_tiles::<S, LANES, 4>(simd, product, scales, target);
                }
            }
        }
    }
}

/// A panel and what its vectors are multiplied by.
type Product<'a, const LANES: usize> = (&'a [[f32; PANEL]], &'a [Lanes<LANES>]);

/// One panel of items for few lanes: vectors of items.
#[inline(always)]
fn add_panel<S: Simd, const LANES: usize>(
    simd: S,
    (panel, coefficients): Product<'_, LANES>,
    scales: &[f32],
    target: &mut [Lanes<LANES>],
) {
    for lane in 0..LANES {
        let mut sums = [0.0f32; PANEL];
        let (registers, _) = S::as_mut_simd_f32s(&mut sums);
        for (items, coefficients) in panel.iter().zip(coefficients) {
            let coefficient = simd.splat_f32s(coefficients[lane]);
            let (items, _) = S::as_simd_f32s(items);
            for (sum, &item) in registers.iter_mut().zip(items) {
                *sum = simd.mul_add_e_f32s(item, coefficient, *sum);
            }
        }
        for ((target, scale), sum) in target.iter_mut().zip(scales).zip(sums) {
            target[lane] = multiply_add(simd, *scale, sum, target[lane]);
        }
    }
}

/// One panel of items for many lanes: vectors of lanes, a tile of `ITEMS` items and some lanes at a time.
#[inline(always)]
fn add_tiles<S: Simd, const LANES: usize, const ITEMS: usize>(
    simd: S,
    (panel, coefficients): Product<'_, LANES>,
    scales: &[f32],
    target: &mut [Lanes<LANES>],
) {
    let tiles = target.chunks_mut(ITEMS).zip(scales.chunks(ITEMS));
    for (number, (target, scales)) in tiles.enumerate() {
        for first in (0..LANES / S::F32_LANES).step_by(TILE_LANES) {
            let mut sums = [[simd.splat_f32s(0.0); TILE_LANES]; ITEMS];
            for (items, lanes) in panel.iter().zip(coefficients) {
                let lanes = &S::as_simd_f32s(lanes).0[first..first + TILE_LANES];
                let items = &items[number * ITEMS..][..ITEMS];
                for (sums, &item) in sums.iter_mut().zip(items) {
                    let item = simd.splat_f32s(item);
                    for (sum, &lanes) in sums.iter_mut().zip(lanes) {
                        *sum = simd.mul_add_e_f32s(item, lanes, *sum);
                    }
                }
            }
            for ((target, &scale), sums) in target.iter_mut().zip(scales).zip(sums) {
                let scale = simd.splat_f32s(scale);
                let target = S::as_mut_simd_f32s(target).0;
                for (target, sum) in target[first..first + TILE_LANES].iter_mut().zip(sums) {
                    *target = simd.mul_add_e_f32s(scale, sum, *target);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(at: usize) -> f32 {
        ((at * 37 + 11) % 101) as f32 / 101.0 - 0.5
    }

    #[test]
    fn a_lone_signal_gets_the_very_numbers_it_gets_among_others() {
        let rows = (0..30).map(|user| {
            let items = (0..21).filter(move |item| (user * 7 + item * 5) % 4 == 0);
            items
                .map(move |item| (item, 0.1 + wave((user + item) as usize).abs()))
                .collect()
        });
        let rows = SparseMatrix::from_rows(21, rows).unwrap();
        let many: Vec<Lanes<32>> = (0..21)
            .map(|item| std::array::from_fn(|lane| wave(item * 32 + lane)))
            .collect();
        let panels: Vec<[f32; PANEL]> = (0..21usize.div_ceil(PANEL) * 5)
            .map(|at| std::array::from_fn(|item| wave(at * PANEL + item)))
            .collect();
        let scales: Vec<f32> = (0..21).map(wave).collect();
        let columns = rows.transpose();
        let profile = |lane: usize| {
            let items = (0..21).step_by(lane % 5 + 2);
            items.map(|item| (item, wave(item + lane))).collect()
        };
        let profiles: Vec<Profile> = (0..32).map(profile).collect();
        let mut users = vec![[0.0; 32]; 30];
        add_profiles(&columns, &profiles, &mut users);
        let mut all = many.clone();
        add_product(&columns, 0.7, &users, &mut all);
        users.fill([0.0; 32]);
        add_product(&rows, 1.0, &many, &mut users);
        add_product(&columns, 0.3, &users, &mut all);
        add_low_rank(&panels, &scales, &mut [(many[..5].to_vec(), &mut all)]);
        subtract_from_negated(2.0, &many, &mut all);
        for lane in 0..32 {
            let one: Vec<Lanes<1>> = many.iter().map(|lanes| [lanes[lane]]).collect();
            let (mut users, mut sums) = (vec![[0.0]; 30], Vec::new());
            add_profiles(&columns, &profiles[lane..=lane], &mut users);
            let mut alone = one.clone();
            add_transposed_product(&rows, 0.7, &users, (&mut sums, &mut alone));
            users.fill([0.0]);
            add_product(&rows, 1.0, &one, &mut users);
            add_transposed_product(&rows, 0.3, &users, (&mut sums, &mut alone));
            add_low_rank(&panels, &scales, &mut [(one[..5].to_vec(), &mut alone)]);
            subtract_from_negated(2.0, &one, &mut alone);
            for (lanes, [value]) in all.iter().zip(alone) {
                assert_eq!(lanes[lane].to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn the_products_are_those_of_the_matrices() {
        let rows = SparseMatrix::from_rows(3, [vec![(0, 1.0), (2, 2.0)], vec![(1, 3.0)]]).unwrap();
        let mut users = [[0.0]; 2];
        add_product(&rows, 1.0, &[[1.0], [2.0], [3.0]], &mut users);
        assert_eq!(users, [[7.0], [6.0]]);
        let mut target = [[1.0], [0.0], [0.0]];
        add_product(&rows.transpose(), 0.5, &users, &mut target);
        assert_eq!(target, [[4.5], [9.0], [7.0]]);
        let mut users = [[0.0]; 2];
        add_profiles(&rows.transpose(), &[vec![(2, 3.0), (0, 1.0)]], &mut users);
        assert_eq!(users, [[7.0], [0.0]]);
        let similarities = SparseMatrix::from_rows(2, [vec![(1, 2.0)], vec![(0, 2.0)]]).unwrap();
        let mut target = [[0.0], [1.0]];
        add_symmetric(
            &similarities,
            0.5,
            [(0, 3.0), (1, 0.0)].into_iter(),
            &mut target,
        );
        assert_eq!(target, [[0.0], [4.0]]);
        let mut panels = [[0.0; PANEL]; 2];
        panels[0][..2].copy_from_slice(&[1.0, 2.0]);
        panels[1][..2].copy_from_slice(&[10.0, 20.0]);
        let coefficients = vec![[1.0], [0.5]];
        add_low_rank(&panels, &[1.0, 2.0], &mut [(coefficients, &mut target)]);
        assert_eq!(target, [[6.0], [28.0]]);
    }
}
