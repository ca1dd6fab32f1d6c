//! Which parts of which sequences are learned from together.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::parameters::INNER;

/// Some items in their order: each but the first is foretold from those before it.
pub(crate) type Window<'a> = &'a [u32];

/// Most numbers of one layer in a task. The tensor library hands larger sums to threads of its own, which wait by turning
/// round and round; below it, tasks run side by side on ours. Fixed, so that sums do not depend on the number of threads.
const NUMBERS_PER_TASK: usize = 1 << 16;

/// Cuts `sequences`, each of as many rows of `factors` as `length` says, into tasks.
pub(crate) fn tasks<T>(
    mut sequences: &[T],
    factors: usize,
    length: impl Fn(&T) -> usize,
) -> Vec<&[T]> {
    let most = (NUMBERS_PER_TASK - 1) / (INNER * factors);
    let mut tasks = Vec::new();
    while !sequences.is_empty() {
        let (mut count, mut longest) = (0, 0);
        for sequence in sequences {
            longest = length(sequence).max(longest);
            if count > 0 && (count + 1) * longest > most {
                break;
            }
            count += 1;
        }
        let (task, rest) = sequences.split_at(count);
        tasks.push(task);
        sequences = rest;
    }
    tasks
}

/// The windows of `sequences`: each item but the first of a sequence is foretold in one of them, from at most `length`
/// before it.
pub(crate) fn windows<'a>(sequences: &[Window<'a>], length: usize) -> Vec<Window<'a>> {
    let mut windows = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let mut end = sequence.len();
        while end > 1 {
            let start = end.saturating_sub(length + 1);
            windows.push(&sequence[start..end]);
            end = start + 1;
        }
    }
    windows
}

/// All `windows` in a random order, cut into batches; those of a batch by length, so that tasks get equal ones.
pub(crate) fn shuffled<'a>(
    windows: &mut [Window<'a>],
    batch_size: usize,
    random: &mut ChaCha8Rng,
) -> Vec<Vec<Window<'a>>> {
    windows.shuffle(random);
    let batches = windows.chunks(batch_size).map(|batch| {
        let mut batch = batch.to_vec();
        batch.sort_by_key(|window| window.len());
        batch
    });
    batches.collect()
}
