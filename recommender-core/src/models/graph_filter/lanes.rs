//! The two products of the model, for `LANES` signals side by side.
//!
//! A signal has a number per item; of several, the numbers of one item lie together, so that one pass over a matrix
//! serves them all with vector instructions. Each lane is added up in one fixed order whatever `LANES` is: one signal
//! alone gets the very numbers it gets among others.

use pulp::{Arch, Simd, WithSimd};

use crate::sparse::{SparseMatrix, SparseRow};

/// Signals side by side: per item, one number of each.
pub(super) type Lanes<const LANES: usize> = [f32; LANES];

/// Items whose vectors stand together, so that a lone signal fills vector registers with items instead of lanes.
pub(super) const PANEL: usize = 16;

/// Items × vectors in panels: per [`PANEL`] items, vector after vector, the numbers of those items.
pub(super) type Panels<'a> = &'a [[f32; PANEL]];

/// `target += factor · RᵀR · source`, with R the rows of `rows`.
pub(super) fn add_gram<const LANES: usize>(
    rows: &SparseMatrix,
    factor: f32,
    source: &[Lanes<LANES>],
    target: &mut [Lanes<LANES>],
) {
    assert!(source.len() == rows.cols() && target.len() == rows.cols());
    Arch::new().dispatch(AddGram {
        rows,
        factor,
        source,
        target,
    });
}

struct AddGram<'a, const LANES: usize> {
    rows: &'a SparseMatrix,
    factor: f32,
    source: &'a [Lanes<LANES>],
    target: &'a mut [Lanes<LANES>],
}

impl<const LANES: usize> WithSimd for AddGram<'_, LANES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let registers = LANES / S::F32_LANES;
        for row in self.rows.iter_rows() {
            if registers > 0 && registers.is_multiple_of(4) {
                for first in (0..registers).step_by(4) {
                    self.add_row::<S, 4>(simd, row, first);
                }
            } else if registers > 0 && registers.is_multiple_of(2) {
                for first in (0..registers).step_by(2) {
                    self.add_row::<S, 2>(simd, row, first);
                }
            } else if registers > 0 && LANES.is_multiple_of(S::F32_LANES) {
                for first in 0..registers {
                    self.add_row::<S, 1>(simd, row, first);
                }
            } else {
                for lane in 0..LANES {
                    self.add_row_to_lane(simd, row, lane);
                }
            }
        }
    }
}

impl<const LANES: usize> AddGram<'_, LANES> {
    /// What one row adds, in `REGISTERS` vector registers from `first` on.
    #[inline(always)]
    fn add_row<S: Simd, const REGISTERS: usize>(
        &mut self,
        simd: S,
        row: SparseRow<'_>,
        first: usize,
    ) {
        let mut sums = [simd.splat_f32s(0.0); REGISTERS];
        for (&item, &value) in row.indices.iter().zip(row.values) {
            let lanes = &S::as_simd_f32s(&self.source[item as usize]).0[first..first + REGISTERS];
            let value = simd.splat_f32s(value);
            for (sum, &lanes) in sums.iter_mut().zip(lanes) {
                *sum = simd.mul_add_e_f32s(value, lanes, *sum);
            }
        }
        let factor = simd.splat_f32s(self.factor);
        for sum in &mut sums {
            *sum = simd.mul_f32s(*sum, factor);
        }
        for (&item, &value) in row.indices.iter().zip(row.values) {
            let target = S::as_mut_simd_f32s(&mut self.target[item as usize]).0;
            let value = simd.splat_f32s(value);
            for (target, &sum) in target[first..first + REGISTERS].iter_mut().zip(&sums) {
                *target = simd.mul_add_e_f32s(value, sum, *target);
            }
        }
    }

    /// As [`AddGram::add_row`], for a lane that fills no register: with the same instructions, which round once.
    #[inline(always)]
    fn add_row_to_lane<S: Simd>(&mut self, simd: S, row: SparseRow<'_>, lane: usize) {
        let mut sum = 0.0;
        for (&item, &value) in row.indices.iter().zip(row.values) {
            sum = multiply_add(simd, value, self.source[item as usize][lane], sum);
        }
        sum *= self.factor;
        for (&item, &value) in row.indices.iter().zip(row.values) {
            let target = &mut self.target[item as usize][lane];
            *target = multiply_add(simd, value, sum, *target);
        }
    }
}

/// `a · b + c` as the registers of `simd` do it.
#[inline(always)]
fn multiply_add<S: Simd>(simd: S, a: f32, b: f32, c: f32) -> f32 {
    let [a, b, c] = [a, b, c].map(|number| simd.splat_f32s(number));
    bytemuck::cast_slice(&[simd.mul_add_e_f32s(a, b, c)])[0]
}

/// `target += factor · S · source` with S symmetric, skipping what the source does not hold: for one signal, mostly
/// zeroes.
pub(super) fn add_symmetric(
    similarities: &SparseMatrix,
    factor: f32,
    source: &[Lanes<1>],
    target: &mut [Lanes<1>],
) {
    for (item, &[value]) in source.iter().enumerate() {
        if value != 0.0 {
            for (other, similarity) in similarities.row(item).iter() {
                target[other as usize][0] += factor * value * similarity;
            }
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

/// `target_i += scale_i · Σ_k panels_ik coefficients_k`, k ascending.
pub(super) fn add_low_rank<const LANES: usize>(
    panels: Panels<'_>,
    coefficients: &[Lanes<LANES>],
    scales: &[f32],
    target: &mut [Lanes<LANES>],
) {
    let rank = coefficients.len();
    if rank == 0 {
        return;
    }
    assert!(panels.len() == rank * target.len().div_ceil(PANEL) && scales.len() == target.len());
    Arch::new().dispatch(AddLowRank {
        panels,
        coefficients,
        scales,
        target,
    });
}

struct AddLowRank<'a, const LANES: usize> {
    panels: Panels<'a>,
    coefficients: &'a [Lanes<LANES>],
    scales: &'a [f32],
    target: &'a mut [Lanes<LANES>],
}

impl<const LANES: usize> WithSimd for AddLowRank<'_, LANES> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let panels = self.panels.chunks_exact(self.coefficients.len());
        let tasks = panels.zip(self.scales.chunks(PANEL));
        for ((panel, scales), target) in tasks.zip(self.target.chunks_mut(PANEL)) {
            let product = (panel, self.coefficients);
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
        let mut all = many.clone();
        add_gram(&rows, 0.7, &many, &mut all);
        add_low_rank(&panels, &many[..5], &scales, &mut all);
        subtract_from_negated(2.0, &many, &mut all);
        for lane in 0..32 {
            let one: Vec<Lanes<1>> = many.iter().map(|lanes| [lanes[lane]]).collect();
            let mut alone = one.clone();
            add_gram(&rows, 0.7, &one, &mut alone);
            add_low_rank(&panels, &one[..5], &scales, &mut alone);
            subtract_from_negated(2.0, &one, &mut alone);
            for (lanes, [value]) in all.iter().zip(alone) {
                assert_eq!(lanes[lane].to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn the_products_are_those_of_the_matrices() {
        let rows = SparseMatrix::from_rows(3, [vec![(0, 1.0), (2, 2.0)], vec![(1, 3.0)]]).unwrap();
        let mut target = [[1.0], [0.0], [0.0]];
        add_gram(&rows, 0.5, &[[1.0], [2.0], [3.0]], &mut target);
        assert_eq!(target, [[4.5], [9.0], [7.0]]);
        let similarities = SparseMatrix::from_rows(2, [vec![(1, 2.0)], vec![(0, 2.0)]]).unwrap();
        let mut target = [[0.0], [1.0]];
        add_symmetric(&similarities, 0.5, &[[3.0], [0.0]], &mut target);
        assert_eq!(target, [[0.0], [4.0]]);
        let mut panels = [[0.0; PANEL]; 2];
        panels[0][..2].copy_from_slice(&[1.0, 2.0]);
        panels[1][..2].copy_from_slice(&[10.0, 20.0]);
        add_low_rank(&panels, &[[1.0], [0.5]], &[1.0, 2.0], &mut target);
        assert_eq!(target, [[6.0], [28.0]]);
    }
}
