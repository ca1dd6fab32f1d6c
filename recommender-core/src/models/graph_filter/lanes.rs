//! The two products of the model, for `LANES` signals side by side.
//!
//! A signal has a number per item; of several, the numbers of one item lie together, so that one pass over a matrix
//! serves them all with vector instructions. Each lane is added up in one fixed order whatever `LANES` is: one signal
//! alone gets the very numbers it gets among others.

use crate::sparse::{SparseMatrix, SparseRow};

/// Signals side by side: per item, one number of each.
pub(super) type Lanes<const LANES: usize> = [f32; LANES];

/// Items whose vectors stand together, so that a lone signal fills vector registers with items instead of lanes.
pub(super) const PANEL: usize = 8;

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
    pulp::Arch::new().dispatch(|| {
        for row in rows.iter_rows() {
            add_row(row, factor, source, target);
        }
    });
}

#[inline(always)]
fn add_row<const LANES: usize>(
    row: SparseRow<'_>,
    factor: f32,
    source: &[Lanes<LANES>],
    target: &mut [Lanes<LANES>],
) {
    let mut sums = [0.0; LANES];
    for (&item, &value) in row.indices.iter().zip(row.values) {
        add_scaled(&mut sums, value, &source[item as usize]);
    }
    for sum in &mut sums {
        *sum *= factor;
    }
    for (&item, &value) in row.indices.iter().zip(row.values) {
        add_scaled(&mut target[item as usize], value, &sums);
    }
}

#[inline(always)]
fn add_scaled<const LANES: usize>(target: &mut Lanes<LANES>, factor: f32, source: &Lanes<LANES>) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += factor * source;
    }
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
    pulp::Arch::new().dispatch(|| {
        for (target, source) in target.iter_mut().zip(source) {
            for (target, source) in target.iter_mut().zip(source) {
                *target = -factor * source - *target;
            }
        }
    });
}

/// Items a task of the low-rank product holds in registers at once, and lanes.
const TILE: (usize, usize) = (4, 16);

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
    pulp::Arch::new().dispatch(|| {
        let tasks = panels.chunks_exact(rank).zip(scales.chunks(PANEL));
        for ((panel, scales), target) in tasks.zip(target.chunks_mut(PANEL)) {
            if LANES.is_multiple_of(TILE.1) {
                add_tiles(panel, coefficients, scales, target);
            } else {
                add_panel(panel, coefficients, scales, target);
            }
        }
    });
}

/// One panel of items for few lanes: vectors of items.
#[inline(always)]
fn add_panel<const LANES: usize>(
    panel: &[[f32; PANEL]],
    coefficients: &[Lanes<LANES>],
    scales: &[f32],
    target: &mut [Lanes<LANES>],
) {
    let mut sums = [[0.0f32; PANEL]; LANES];
    for (items, coefficients) in panel.iter().zip(coefficients) {
        for (sums, coefficient) in sums.iter_mut().zip(coefficients) {
            for (sum, item) in sums.iter_mut().zip(items) {
                *sum += item * coefficient;
            }
        }
    }
    for (item, (target, scale)) in target.iter_mut().zip(scales).enumerate() {
        for (target, sums) in target.iter_mut().zip(&sums) {
            *target += scale * sums[item];
        }
    }
}

/// One panel of items for many lanes: vectors of lanes, a tile of items and lanes at a time.
#[inline(always)]
fn add_tiles<const LANES: usize>(
    panel: &[[f32; PANEL]],
    coefficients: &[Lanes<LANES>],
    scales: &[f32],
    target: &mut [Lanes<LANES>],
) {
    let (items, lanes) = TILE;
    for (first, target) in target.chunks_mut(items).enumerate() {
        let first = first * items;
        for start in (0..LANES).step_by(lanes) {
            let sums = tile(panel, coefficients, (first, start));
            for (item, (target, sums)) in target.iter_mut().zip(&sums).enumerate() {
                for (target, sum) in target[start..start + lanes].iter_mut().zip(sums) {
                    *target += scales[first + item] * sum;
                }
            }
        }
    }
}

#[inline(always)]
fn tile<const LANES: usize>(
    panel: &[[f32; PANEL]],
    coefficients: &[Lanes<LANES>],
    (first, start): (usize, usize),
) -> [[f32; TILE.1]; TILE.0] {
    let mut sums = [[0.0f32; TILE.1]; TILE.0];
    for (items, lanes) in panel.iter().zip(coefficients) {
        let lanes = &lanes[start..start + TILE.1];
        let items = &items[first..first + TILE.0];
        for (sums, item) in sums.iter_mut().zip(items) {
            for (sum, lane) in sums.iter_mut().zip(lanes) {
                *sum += item * lane;
            }
        }
    }
    sums
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
        let panels: Vec<[f32; PANEL]> = (0..3 * 5)
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
