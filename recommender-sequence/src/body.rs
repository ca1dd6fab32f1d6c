//! From the vectors of a sequence's items to its hidden states.

use candle_core::{Device, Result, Tensor};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::operations::{CausalSoftmax, LayerNorm};
use crate::parameters::{BLOCKS, PER_BLOCK, POSITIONS};
use crate::settings::Settings;

/// Leaves numbers out at random, the rest made greater by as much.
pub(crate) struct Dropout {
    random: ChaCha8Rng,
    /// Of 65,536 draws, how many leave a number out.
    out: u32,
}

impl Dropout {
    /// Leaves out `share` of the numbers, drawn from `seed`.
    #[expect(clippy::cast_possible_truncation, reason = "a share of 65,536")]
    #[expect(clippy::cast_sign_loss, reason = "a share is not below 0")]
    pub(crate) fn new(share: f32, seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            out: (share * 65_536.0) as u32,
        }
    }

    fn of(&mut self, x: &Tensor) -> Result<Tensor> {
        if self.out == 0 {
            return Ok(x.clone());
        }
        let count = x.elem_count();
        let mut bytes = vec![0; 2 * count];
        self.random.fill_bytes(&mut bytes);
        let kept = 65_536.0 / (65_536 - self.out) as f32;
        let (draws, _) = bytes.as_chunks::<2>();
        let of_draw = |draw: &[u8; 2]| {
            if u32::from(u16::from_le_bytes(*draw)) < self.out {
                0.0
            } else {
                kept
            }
        };
        let mask: Vec<f32> = draws.iter().map(of_draw).collect();
        x * Tensor::from_vec(mask, x.shape(), &Device::Cpu)?
    }
}

/// The self-attention blocks over their parameters.
pub(crate) struct Body<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) parameters: &'a [Tensor],
}

impl Body<'_> {
    /// Hidden states of sequences, `sequences × length × factors`, from the vectors of their items.
    pub(crate) fn hidden(&self, items: &Tensor, dropout: &mut Dropout) -> Result<Tensor> {
        let (_, length, _) = items.dims3()?;
        let positions = self.parameters[POSITIONS].narrow(0, 0, length)?;
        let mut x = dropout.of(&items.broadcast_add(&positions)?)?;
        for block in 0..self.settings.blocks {
            let at = BLOCKS + block * PER_BLOCK;
            let parameters = &self.parameters[at..at + PER_BLOCK];
            x = (&x + self.attention(&x, &parameters[..7], dropout)?)?;
            x = (&x + forward(&x, &parameters[7..], dropout)?)?;
        }
        let last = &self.parameters[BLOCKS + self.settings.blocks * PER_BLOCK..];
        x.apply_op3(&last[0], &last[1], LayerNorm)
    }

    fn attention(&self, x: &Tensor, weights: &[Tensor], dropout: &mut Dropout) -> Result<Tensor> {
        let (sequences, length, factors) = x.dims3()?;
        let heads = self.settings.heads;
        let width = factors / heads;
        let normed = x.apply_op3(&weights[0], &weights[1], LayerNorm)?;
        let mixed = linear(&normed, &weights[2], &weights[3])?
            .reshape((sequences, length, 3, heads, width))?;
        let part = |which: usize| {
            mixed
                .narrow(2, which, 1)?
                .squeeze(2)?
                .transpose(1, 2)?
                .contiguous()
        };
        let (queries, keys, values) = (part(0)?, part(1)?, part(2)?);
        let scale = (width as f32).sqrt().recip();
        let scores = queries.matmul(&keys.transpose(2, 3)?.contiguous()?)?;
        let shares = scores.apply_op2(&weights[4], CausalSoftmax { scale })?;
        let seen = dropout.of(&shares)?.matmul(&values)?;
        let seen = seen
            .transpose(1, 2)?
            .contiguous()?
            .reshape((sequences, length, factors))?;
        dropout.of(&linear(&seen, &weights[5], &weights[6])?)
    }
}

fn forward(x: &Tensor, weights: &[Tensor], dropout: &mut Dropout) -> Result<Tensor> {
    let normed = x.apply_op3(&weights[0], &weights[1], LayerNorm)?;
    let inner = linear(&normed, &weights[2], &weights[3])?.relu()?;
    let inner = dropout.of(&inner)?;
    dropout.of(&linear(&inner, &weights[4], &weights[5])?)
}

/// `x · weight + bias`.
fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (sequences, length, inputs) = x.dims3()?;
    let rows = x.reshape((sequences * length, inputs))?;
    let out = rows.matmul(weight)?.broadcast_add(bias)?;
    out.reshape((sequences, length, weight.dim(1)?))
}
