//! The inner loops, written once over the SIMD width.

use pulp::{Arch, Simd, WithSimd};

/// Rows of this many numbers fill whole registers of every width.
pub(crate) const LANES: usize = 16;

/// Rows taken together, so that a vector loaded once meets several.
const TOGETHER: usize = 4;

/// Runs `kernel` compiled for the widest registers of this processor.
#[inline]
pub(crate) fn on_best_simd<K: WithSimd>(kernel: K) -> K::Output {
    Arch::new().dispatch(kernel)
}

/// Rows of one width, a multiple of [`LANES`], one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Views `values` as rows of `width`.
    #[inline]
    pub(crate) fn new(values: &'a [f32], width: usize) -> Self {
        assert!(width.is_multiple_of(LANES), "rows fill whole registers");
        Self { values, width }
    }

    #[inline(always)]
    fn row<S: Simd>(&self, row: u32) -> &'a [S::f32s] {
        S::as_simd_f32s(self.values(row)).0
    }

    /// Some rows at once. (Here and below loops stand where closures would not be compiled for the widest registers.)
    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, rows: &[u32; N]) -> [&'a [S::f32s]; N] {
        let mut registers: [&[S::f32s]; N] = [&[]; N];
        for (registers, &row) in registers.iter_mut().zip(rows) {
            *registers = self.row::<S>(row);
        }
        registers
    }

    /// Numbers of a row, its padding included.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    #[expect(clippy::cast_possible_truncation, reason = "rows are numbered by u32")]
    pub(crate) fn count(&self) -> u32 {
        (self.values.len() / self.width) as u32
    }

    /// Row `row`.
    #[inline(always)]
    pub(crate) fn values(&self, row: u32) -> &'a [f32] {
        &self.values[row as usize * self.width..][..self.width]
    }

    /// Adds to `sums`, for every `(row, weight)`, the row times `weight · (base + slope · (row · vector))`.
    #[inline(always)]
    pub(crate) fn accumulate<S: Simd>(
        &self,
        simd: S,
        (rows, weights): (&[u32], &[f32]),
        (vector, sums): (&[f32], &mut [f32]),
        (base, slope): (f32, f32),
    ) {
        let vector = S::as_simd_f32s(vector).0;
        let sums = S::as_mut_simd_f32s(sums).0;
        let (many, rest) = rows.as_chunks::<TOGETHER>();
        let (many_weights, rest_weights) = weights.as_chunks::<TOGETHER>();
        for (rows, weights) in many.iter().zip(many_weights) {
            let rows = self.rows::<S, TOGETHER>(rows);
            let dots = dots(simd, rows, vector);
            let mut shares = *weights;
            for (share, dot) in shares.iter_mut().zip(dots) {
                *share *= base + slope * dot;
            }
            add(simd, rows, shares, sums);
        }
        for (&row, &weight) in rest.iter().zip(rest_weights) {
            let row = [self.row::<S>(row)];
            let [dot] = dots(simd, row, vector);
            add(simd, row, [weight * (base + slope * dot)], sums);
        }
    }
}

impl Rows<'_> {
    /// Adds to `sums` every row times its weight.
    #[inline(always)]
    pub(crate) fn add_weighted<S: Simd>(
        &self,
        simd: S,
        (rows, weights): (&[u32], &[f32]),
        sums: &mut [f32],
    ) {
        let sums = S::as_mut_simd_f32s(sums).0;
        let (many, rest) = rows.as_chunks::<TOGETHER>();
        let (many_weights, rest_weights) = weights.as_chunks::<TOGETHER>();
        for (rows, weights) in many.iter().zip(many_weights) {
            add(simd, self.rows::<S, TOGETHER>(rows), *weights, sums);
        }
        for (&row, &weight) in rest.iter().zip(rest_weights) {
            add(simd, [self.row::<S>(row)], [weight], sums);
        }
    }
}

#[inline(always)]
fn dots<S: Simd, const N: usize>(simd: S, rows: [&[S::f32s]; N], vector: &[S::f32s]) -> [f32; N] {
    let rows = cut(rows, vector.len());
    let mut sums = [simd.splat_f32s(0.0); N];
    for (at, &value) in vector.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = simd.mul_add_e_f32s(row[at], value, *sum);
        }
    }
    let mut dots = [0.0; N];
    for (dot, sum) in dots.iter_mut().zip(sums) {
        *dot = total::<S>(sum);
    }
    dots
}

/// The first registers of each row.
#[inline(always)]
fn cut<R, const N: usize>(mut rows: [&[R]; N], count: usize) -> [&[R]; N] {
    for row in &mut rows {
        *row = &row[..count];
    }
    rows
}

/// The sum of a register, halved again and again.
#[inline(always)]
fn total<S: Simd>(register: S::f32s) -> f32 {
    let mut numbers = [0.0; LANES];
    let lanes = bytemuck::cast_slice(std::slice::from_ref(&register));
    numbers[..S::F32_LANES].copy_from_slice(lanes);
    let mut count = S::F32_LANES;
    while count > 1 {
        count /= 2;
        let (low, high) = numbers.split_at_mut(count);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
    }
    numbers[0]
}

#[inline(always)]
fn add<S: Simd, const N: usize>(
    simd: S,
    rows: [&[S::f32s]; N],
    shares: [f32; N],
    sums: &mut [S::f32s],
) {
    let rows = cut(rows, sums.len());
    for (at, sum) in sums.iter_mut().enumerate() {
        for (row, share) in rows.iter().zip(shares) {
            *sum = simd.mul_add_e_f32s(row[at], simd.splat_f32s(share), *sum);
        }
    }
}

/// The inner product of two rows that fill whole registers, always summed in the same order.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let [sum] = dots(simd, [S::as_simd_f32s(a).0], S::as_simd_f32s(b).0);
    sum
}
