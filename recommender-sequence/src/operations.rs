//! Two steps of a block in one pass each, with their gradients: a tensor library's own take a dozen passes over memory.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor};

/// Added to a variance, so that equal numbers can be normalised.
pub(crate) const EPSILON: f32 = 1e-5;

/// Layer normalisation: each row of `x` brought to mean 0 and variance 1, times `scale`, plus `shift`.
pub(crate) struct LayerNorm;

/// Attention of each item to itself and those before it: `softmax(scale · score + distance[i − j])` over j ≤ i, zero over
/// later ones. Scores are `sequences × heads × length × length`, distances `heads × longest`.
pub(crate) struct CausalSoftmax {
    pub(crate) scale: f32,
}

/// The numbers of a tensor that lies in one piece.
fn piece<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| Error::Msg("the tensor lies in pieces".into()))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// Mean of a row, and one over its deviation.
fn moments(row: &[f32]) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = row.iter().sum::<f32>() / count;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
    (mean, (variance + EPSILON).sqrt().recip())
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = piece(x, x_layout)?;
        let (scale, shift) = (piece(scale, scale_layout)?, piece(shift, shift_layout)?);
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(scale.len()) {
            let (mean, inverse) = moments(row);
            let affine = scale.iter().zip(shift);
            let normed = row.iter().zip(affine);
            out.extend(normed.map(|(x, (scale, shift))| (x - mean) * inverse * scale + shift));
        }
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        _normed: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (values, given) = (numbers(x)?, numbers(gradient)?);
        let factors = numbers(scale)?;
        let width = factors.len();
        let mut of_x = vec![0.0; values.len()];
        let (mut of_scale, mut of_shift) = (vec![0.0; width], vec![0.0; width]);
        let rows = values.chunks_exact(width).zip(given.chunks_exact(width));
        for ((row, given), out) in rows.zip(of_x.chunks_exact_mut(width)) {
            let (mean, inverse) = moments(row);
            let (mut sum, mut along) = (0.0f32, 0.0f32);
            for at in 0..width {
                let normed = (row[at] - mean) * inverse;
                of_scale[at] += given[at] * normed;
                of_shift[at] += given[at];
                let scaled = given[at] * factors[at];
                sum += scaled;
                along += scaled * normed;
            }
            let (sum, along) = (sum / width as f32, along / width as f32);
            for at in 0..width {
                let normed = (row[at] - mean) * inverse;
                out[at] = inverse * (given[at] * factors[at] - sum - along * normed);
            }
        }
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(of_x, x.shape(), device)?),
            Some(Tensor::from_vec(of_scale, width, device)?),
            Some(Tensor::from_vec(of_shift, width, device)?),
        ))
    }
}

impl CustomOp2 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(
        &self,
        scores: &CpuStorage,
        scores_layout: &Layout,
        distance: &CpuStorage,
        distance_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, heads, length, _) = scores_layout.shape().dims4()?;
        let (_, longest) = distance_layout.shape().dims2()?;
        let scores = piece(scores, scores_layout)?;
        let distance = piece(distance, distance_layout)?;
        let mut out = vec![0.0; scores.len()];
        let rows = scores
            .chunks_exact(length)
            .zip(out.chunks_exact_mut(length));
        for (number, (scores, out)) in rows.enumerate() {
            let (head, last) = (number / length % heads, number % length);
            let distance = &distance[head * longest..][..=last];
            let mut most = f32::NEG_INFINITY;
            let seen = scores[..=last].iter().zip(distance.iter().rev());
            for (out, (score, near)) in out.iter_mut().zip(seen) {
                *out = self.scale * score + near;
                most = most.max(*out);
            }
            let mut sum = 0.0;
            for out in &mut out[..=last] {
                *out = (*out - most).exp();
                sum += *out;
            }
            out[..=last].iter_mut().for_each(|out| *out /= sum);
        }
        Ok((CpuStorage::F32(out), scores_layout.shape().clone()))
    }

    fn bwd(
        &self,
        scores: &Tensor,
        distance: &Tensor,
        shares: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, heads, length, _) = scores.dims4()?;
        let (_, longest) = distance.dims2()?;
        let (shares, given) = (numbers(shares)?, numbers(gradient)?);
        let mut of_scores = vec![0.0; shares.len()];
        let mut of_distance = vec![0.0; heads * longest];
        let rows = shares.chunks_exact(length).zip(given.chunks_exact(length));
        for (number, (rows, out)) in rows.zip(of_scores.chunks_exact_mut(length)).enumerate() {
            let (head, last) = (number / length % heads, number % length);
            let (shares, given) = (&rows.0[..=last], &rows.1[..=last]);
            let mean: f32 = shares.iter().zip(given).map(|(s, g)| s * g).sum();
            let distance = &mut of_distance[head * longest..][..=last];
            for (at, (share, given)) in shares.iter().zip(given).enumerate() {
                let slope = share * (given - mean);
                out[at] = self.scale * slope;
                distance[last - at] += slope;
            }
        }
        let device = scores.device();
        Ok((
            Some(Tensor::from_vec(of_scores, scores.shape(), device)?),
            Some(Tensor::from_vec(of_distance, (heads, longest), device)?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(shape: &[usize], seed: u64) -> Var {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| random.random_range(-1.0..1.0)).collect();
        Var::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn nudged(var: &Var, at: usize, by: f32) -> Var {
        let mut values = numbers(var.as_tensor()).unwrap();
        values[at] += by;
        Var::from_vec(values, var.shape(), &Device::Cpu).unwrap()
    }

    /// Compares each slope of the sum of `of`'s outputs, weighed at random, to how that sum moves.
    fn check(vars: &[Var], of: impl Fn(&[Var]) -> Tensor) {
        let weights = random(of(vars).dims(), 99);
        let sum = |vars: &[Var]| (of(vars) * weights.as_tensor()).unwrap().sum_all().unwrap();
        let slopes = sum(vars).backward().unwrap();
        for (number, var) in vars.iter().enumerate() {
            let slopes = numbers(slopes.get(var.as_tensor()).unwrap()).unwrap();
            for (at, slope) in slopes.iter().enumerate() {
                let moved = |by: f32| {
                    let mut vars = vars.to_vec();
                    vars[number] = nudged(var, at, by);
                    sum(&vars).to_scalar::<f32>().unwrap()
                };
                let measured = (moved(0.01) - moved(-0.01)) / 0.02;
                assert!(
                    (measured - slope).abs() < 2e-2 * (1.0 + slope.abs()),
                    "{number} {at}: {measured} {slope}"
                );
            }
        }
    }

    #[test]
    fn a_layer_norm_has_mean_zero_and_variance_one_and_the_slopes_it_says() {
        let vars = [random(&[3, 2, 8], 1), random(&[8], 2), random(&[8], 3)];
        check(&vars, |vars| {
            vars[0].apply_op3(&vars[1], &vars[2], LayerNorm).unwrap()
        });
        let one = Var::from_vec(vec![1.0f32; 8], 8, &Device::Cpu).unwrap();
        let zero = one.zeros_like().unwrap();
        let normed = numbers(&vars[0].apply_op3(&one, &zero, LayerNorm).unwrap()).unwrap();
        for row in normed.chunks_exact(8) {
            let (mean, inverse) = moments(row);
            assert!(mean.abs() < 1e-5 && (inverse - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn attention_sees_nothing_later_adds_up_to_one_and_has_the_slopes_it_says() {
        let vars = [random(&[2, 2, 4, 4], 1), random(&[2, 6], 2)];
        let attend = |vars: &[Var]| {
            vars[0]
                .apply_op2(&vars[1], CausalSoftmax { scale: 0.7 })
                .unwrap()
        };
        check(&vars, attend);
        let shares = numbers(&attend(&vars)).unwrap();
        for (number, row) in shares.chunks_exact(4).enumerate() {
            let last = number % 4;
            assert!(row[last + 1..].iter().all(|&share| share == 0.0));
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}
