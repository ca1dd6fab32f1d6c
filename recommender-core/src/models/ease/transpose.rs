//! Part of a matrix turned over, by tiles that are read and written in whole cache lines.

/// Rows and columns of a tile: 16 numbers fill a cache line.
const TILE: usize = 16;

/// Numbers in row-major order, so many to a row, of which a part is meant that begins at the first.
pub(super) struct Strided<T> {
    pub(super) values: T,
    pub(super) stride: usize,
}

/// Sets `target[c, r] = source[r, c]` for `rows × columns` of the source.
pub(super) fn transpose(
    source: &Strided<&[f32]>,
    target: &mut Strided<&mut [f32]>,
    rows: usize,
    columns: usize,
) {
    for first_row in (0..rows).step_by(TILE) {
        let height = TILE.min(rows - first_row);
        for first_column in (0..columns).step_by(TILE) {
            let width = TILE.min(columns - first_column);
            // The tile passes through a buffer of its own: rows a power of two apart would push one another out of
            // the cache.
            let mut tile = [0.0f32; TILE * TILE];
            for row in 0..height {
                let from = (first_row + row) * source.stride + first_column;
                let values = &source.values[from..from + width];
                for (column, &value) in values.iter().enumerate() {
                    tile[column * TILE + row] = value;
                }
            }
            for column in 0..width {
                let to = (first_column + column) * target.stride + first_row;
                target.values[to..to + height]
                    .copy_from_slice(&tile[column * TILE..column * TILE + height]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_no_whole_number_of_tiles_is_turned_over() {
        let (rows, columns) = (19, 37);
        let source: Vec<f32> = (0..rows * 40).map(|at| at as f32).collect();
        let mut target = vec![-1.0; columns * 20];
        let from = Strided {
            values: source.as_slice(),
            stride: 40,
        };
        let mut to = Strided {
            values: target.as_mut_slice(),
            stride: 20,
        };
        transpose(&from, &mut to, rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                assert_eq!(target[column * 20 + row], source[row * 40 + column]);
            }
        }
        assert!((0..columns).all(|column| target[column * 20 + rows] < 0.0));
    }
}
