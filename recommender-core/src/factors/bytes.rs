//! Products of vectors of bytes: many items with a few shoppers, in whole numbers of 16 bits.
//!
//! The bytes of an item are raised by [`ORIGIN`], so that none is negative, and stand in pairs: the processor takes the
//! product of such a pair with one of a shopper, sum included, in one step of 16 bits, which [`MOST_OF_SHOPPER`] keeps
//! from overflowing. Sums of such steps may wrap around on the way: whoever sees to it that the product itself fits 16
//! bits gets it right in the end.

/// Items multiplied together.
pub(super) const BLOCK: usize = 128;

/// What every byte of an item is raised by.
const ORIGIN: u8 = 128;

/// Largest number of an item.
pub(super) const MOST_OF_ITEM: i16 = 127;

/// Largest number of a shopper: twice 255 times as much fits 16 bits.
pub(super) const MOST_OF_SHOPPER: i16 = 63;

/// Shoppers multiplied together, so that items loaded once meet several.
pub(super) const TOGETHER: usize = 2;

/// Two numbers of each of [`BLOCK`] items, those of an item side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair([u8; 2 * BLOCK]);

impl Pair {
    /// Of items whose numbers are all 0.
    pub(super) const ZERO: Self = Self([ORIGIN; 2 * BLOCK]);

    /// Sets the numbers of the item at `place`, none beyond [`MOST_OF_ITEM`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers of an item are made to fit a byte"
    )]
    pub(super) fn set(&mut self, place: usize, numbers: [i16; 2]) {
        let raised = numbers.map(|number| (number + i16::from(ORIGIN)) as u8);
        self.0[2 * place..][..2].copy_from_slice(&raised);
    }
}

/// The numbers of a shopper in pairs, and the product of what the items are raised by.
#[derive(Debug, Default)]
pub(super) struct Shopper {
    pairs: Vec<[i8; 2]>,
    raised: i16,
}

impl Shopper {
    /// Of `numbers`, none beyond [`MOST_OF_SHOPPER`], an even count of them.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the numbers of a shopper are made to fit a byte"
    )]
    pub(super) fn new(numbers: &[i16]) -> Self {
        let (pairs, _) = numbers.as_chunks::<2>();
        let raised =
            |sum: i16, &number: &i16| sum.wrapping_add(i16::from(ORIGIN).wrapping_mul(number));
        Self {
            pairs: pairs.iter().map(|pair| pair.map(|x| x as i8)).collect(),
            raised: numbers.iter().fold(0, raised),
        }
    }
}

/// The way this processor multiplies bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Multiplier {
    #[cfg(target_arch = "x86_64")]
    avx2: Option<pulp::x86::V3>,
}

/// The product of every item of a block with a shopper.
pub(super) type Products = [i16; BLOCK];

impl Multiplier {
    /// The fastest.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            avx2: pulp::x86::V3::try_new(),
        }
    }

    /// The products of every item of `block` with each of `shoppers`. Fast where its caller is compiled for the widest
    /// registers.
    #[inline(always)]
    pub(super) fn products<const SHOPPERS: usize>(
        self,
        block: &[Pair],
        shoppers: [&Shopper; SHOPPERS],
    ) -> [Products; SHOPPERS] {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = self.avx2 {
            return avx2::products(simd, block, shoppers);
        }
        shoppers.map(|shopper| products(block, shopper))
    }
}

/// For every processor.
#[inline(always)]
fn products(block: &[Pair], shopper: &Shopper) -> Products {
    let mut sums = [shopper.raised.wrapping_neg(); BLOCK];
    for (pair, numbers) in block.iter().zip(&shopper.pairs) {
        let [first, second] = numbers.map(i16::from);
        let (items, _) = pair.0.as_chunks::<2>();
        for (sum, &[a, b]) in sums.iter_mut().zip(items) {
            let product = i16::from(a) * first + i16::from(b) * second;
            *sum = sum.wrapping_add(product);
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::x86::V3;

    use super::{BLOCK, Pair, Products, Shopper};

    /// Bytes of a register, and so the items of one register in pairs, and of sums.
    const BYTES: usize = 32;
    const ITEMS: usize = BYTES / 2;

    /// Registers of items at once: with two shoppers the sums and all they are made of stay in registers.
    const REGISTERS: usize = 4;

    #[inline(always)]
    pub(super) fn products<const SHOPPERS: usize>(
        simd: V3,
        block: &[Pair],
        shoppers: [&Shopper; SHOPPERS],
    ) -> [Products; SHOPPERS] {
        let mut products = [[0; BLOCK]; SHOPPERS];
        for first in (0..BLOCK).step_by(REGISTERS * ITEMS) {
            let sums = sums(simd, (block, first), shoppers);
            for (products, sums) in products.iter_mut().zip(sums) {
                let (parts, _) = products[first..].as_chunks_mut::<ITEMS>();
                for (part, sum) in parts.iter_mut().zip(sums) {
                    *part = pulp::cast(sum);
                }
            }
        }
        products
    }

    /// Of the items from `first` on, as many as fit the registers.
    #[inline(always)]
    fn sums<const SHOPPERS: usize>(
        simd: V3,
        (block, first): (&[Pair], usize),
        shoppers: [&Shopper; SHOPPERS],
    ) -> [[__m256i; REGISTERS]; SHOPPERS] {
        let mut sums = [[simd.avx._mm256_setzero_si256(); REGISTERS]; SHOPPERS];
        for shopper in 0..SHOPPERS {
            let start = shoppers[shopper].raised.wrapping_neg();
            sums[shopper] = [simd.avx._mm256_set1_epi16(start); REGISTERS];
        }
        let numbers = shoppers.map(|shopper| &shopper.pairs[..block.len()]);
        for (at, pair) in block.iter().enumerate() {
            let (items, _) = pair.0[2 * first..].as_chunks::<BYTES>();
            let items: &[[u8; BYTES]; REGISTERS] = items
                .first_chunk()
                .expect("a block is a whole number of these");
            // Counted loops: through iterators the sums would not stay in registers.
            for shopper in 0..SHOPPERS {
                let numbers = simd.avx._mm256_set1_epi16(pulp::cast(numbers[shopper][at]));
                for register in 0..REGISTERS {
                    let items = pulp::cast(items[register]);
                    let products = simd.avx2._mm256_maddubs_epi16(items, numbers);
                    let sum = &mut sums[shopper][register];
                    *sum = simd.avx2._mm256_add_epi16(*sum, products);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Simd, WithSimd};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::factors::on_best_simd;

    struct All<'a>(&'a [Pair], [&'a Shopper; TOGETHER]);

    impl WithSimd for All<'_> {
        type Output = [Products; TOGETHER];

        fn with_simd<S: Simd>(self, _: S) -> Self::Output {
            Multiplier::new().products(self.0, self.1)
        }
    }

    /// The products as they should be, in whole numbers without end.
    fn expected(items: &[Vec<i16>], numbers: &[i16]) -> Vec<i64> {
        let product = |item: &Vec<i16>| {
            let pairs = item.iter().zip(numbers);
            pairs.map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
        };
        items.iter().map(product).collect()
    }

    fn check(items: &[Vec<i16>], shoppers: [&[i16]; TOGETHER]) {
        let mut block = vec![Pair::ZERO; items[0].len() / 2];
        for (place, item) in items.iter().enumerate() {
            for (pair, numbers) in block.iter_mut().zip(item.as_chunks::<2>().0) {
                pair.set(place, *numbers);
            }
        }
        let made = shoppers.map(Shopper::new);
        let fast = on_best_simd(All(&block, made.each_ref()));
        for (at, numbers) in shoppers.iter().enumerate() {
            assert_eq!(fast[at], products(&block, &made[at]));
            let found: Vec<i64> = fast[at].iter().map(|&x| i64::from(x)).collect();
            assert_eq!(found, expected(items, numbers));
        }
    }

    #[test]
    fn products_that_fit_are_right_on_every_way() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for width in [16, 64, 112] {
            let mut numbers = |most: i16| -> Vec<i16> {
                (0..width)
                    .map(|_| random.random_range(-most..=most))
                    .collect()
            };
            let items: Vec<Vec<i16>> = (0..BLOCK).map(|_| numbers(17)).collect();
            check(&items, [&numbers(17), &numbers(2)]);
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow_a_step() {
        let items: Vec<Vec<i16>> = (0..BLOCK)
            .map(|item| {
                let sign = if item % 2 == 0 { 1 } else { -1 };
                let mut numbers = vec![0; 16];
                numbers[..2].fill(sign * MOST_OF_ITEM);
                numbers
            })
            .collect();
        let mut shopper = vec![0; 16];
        shopper[..2].fill(MOST_OF_SHOPPER);
        let opposite: Vec<i16> = shopper.iter().map(|x| -x).collect();
        check(&items, [&shopper, &opposite]);
    }
}
