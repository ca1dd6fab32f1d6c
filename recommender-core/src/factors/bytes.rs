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
pub(super) enum Multiplier {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    Portable,
}

/// The product of every item of a block with a shopper.
pub(super) type Products = [i16; BLOCK];

impl Multiplier {
    /// The fastest.
    pub(super) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Self::Avx512(simd);
        } else if let Some(simd) = pulp::x86::V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Portable
    }

    /// The products of every item of `block` with each of `shoppers`. Fast where its caller is compiled for the widest
    /// registers.
    #[inline(always)]
    pub(super) fn products<const SHOPPERS: usize>(
        self,
        block: &[Pair],
        shoppers: [&Shopper; SHOPPERS],
    ) -> [Products; SHOPPERS] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => x86::products(simd, block, shoppers),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => x86::products(simd, block, shoppers),
            Self::Portable => shoppers.map(|shopper| products(block, shopper)),
        }
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
mod x86 {
    use std::arch::x86_64::{__m256i, __m512i};

    use bytemuck::Pod;
    use pulp::x86::{V3, V4};

    use super::{BLOCK, Pair, Products, Shopper};

    /// Registers of `BYTES` bytes, of half as many pairs or sums.
    pub(super) trait Registers<const BYTES: usize>: Copy {
        type Register: Pod;

        /// Every sum or pair the same.
        fn splat(self, number: i16) -> Self::Register;

        /// `sums` and the products of pairs with `numbers`.
        fn add(
            self,
            sums: Self::Register,
            pairs: [u8; BYTES],
            numbers: Self::Register,
        ) -> Self::Register;
    }

    impl Registers<32> for V3 {
        type Register = __m256i;

        #[inline(always)]
        fn splat(self, number: i16) -> __m256i {
            self.avx._mm256_set1_epi16(number)
        }

        #[inline(always)]
        fn add(self, sums: __m256i, pairs: [u8; 32], numbers: __m256i) -> __m256i {
            let products = self
                .avx2
                ._mm256_maddubs_epi16(bytemuck::cast(pairs), numbers);
            self.avx2._mm256_add_epi16(sums, products)
        }
    }

    impl Registers<64> for V4 {
        type Register = __m512i;

        #[inline(always)]
        fn splat(self, number: i16) -> __m512i {
            self.avx512f._mm512_set1_epi16(number)
        }

        #[inline(always)]
        fn add(self, sums: __m512i, pairs: [u8; 64], numbers: __m512i) -> __m512i {
            let products = self
                .avx512bw
                ._mm512_maddubs_epi16(bytemuck::cast(pairs), numbers);
            self.avx512bw._mm512_add_epi16(sums, products)
        }
    }

    /// Registers of items at once: with two shoppers the sums and all they are made of stay in registers.
    const REGISTERS: usize = 4;

    #[inline(always)]
    pub(super) fn products<R: Registers<BYTES>, const BYTES: usize, const SHOPPERS: usize>(
        simd: R,
        block: &[Pair],
        shoppers: [&Shopper; SHOPPERS],
    ) -> [Products; SHOPPERS] {
        let mut products = [[0; BLOCK]; SHOPPERS];
        let items = REGISTERS * BYTES / 2;
        for first in (0..BLOCK).step_by(items) {
            let sums = sums(simd, (block, first), shoppers);
            for (products, sums) in products.iter_mut().zip(sums) {
                products[first..][..items].copy_from_slice(bytemuck::cast_slice(&sums));
            }
        }
        products
    }

    /// Of the items from `first` on, as many as fit the registers.
    #[inline(always)]
    fn sums<R: Registers<BYTES>, const BYTES: usize, const SHOPPERS: usize>(
        simd: R,
        (block, first): (&[Pair], usize),
        shoppers: [&Shopper; SHOPPERS],
    ) -> [[R::Register; REGISTERS]; SHOPPERS] {
        let mut sums = [[simd.splat(0); REGISTERS]; SHOPPERS];
        for shopper in 0..SHOPPERS {
            sums[shopper] = [simd.splat(shoppers[shopper].raised.wrapping_neg()); REGISTERS];
        }
        let numbers = shoppers.map(|shopper| &shopper.pairs[..block.len()]);
        for (at, pair) in block.iter().enumerate() {
            let (items, _) = pair.0[2 * first..].as_chunks::<BYTES>();
            let items: &[[u8; BYTES]; REGISTERS] = items
                .first_chunk()
                .expect("a block is a whole number of these");
            // Counted loops: through iterators the sums would not stay in registers.
            for shopper in 0..SHOPPERS {
                let numbers = simd.splat(bytemuck::cast(numbers[shopper][at]));
                for register in 0..REGISTERS {
                    let sum = &mut sums[shopper][register];
                    *sum = simd.add(*sum, items[register], numbers);
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

    struct All<'a>(Multiplier, &'a [Pair], [&'a Shopper; TOGETHER]);

    /// Every way of this processor.
    fn ways() -> Vec<Multiplier> {
        let mut ways = vec![Multiplier::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            ways.extend(pulp::x86::V3::try_new().map(Multiplier::Avx2));
            ways.extend(pulp::x86::V4::try_new().map(Multiplier::Avx512));
        }
        ways
    }

    impl WithSimd for All<'_> {
        type Output = [Products; TOGETHER];

        fn with_simd<S: Simd>(self, _: S) -> Self::Output {
            self.0.products(self.1, self.2)
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
        for way in ways() {
            let products = on_best_simd(All(way, &block, made.each_ref()));
            for (products, numbers) in products.iter().zip(shoppers) {
                let found: Vec<i64> = products.iter().map(|&x| i64::from(x)).collect();
                assert_eq!(found, expected(items, numbers), "{way:?}");
            }
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
