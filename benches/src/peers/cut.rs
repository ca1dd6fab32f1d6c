//! A part of a split: its most popular items alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use recommender_core::{Error, Result};

use crate::split::Split;

/// Which items of the files take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// All of them.
    Whole,
    /// So many of the items with the most training users; users without any of them drop out.
    MostPopular(usize),
}

/// Writes the split `cut` down as adjacency files `train.txt` and `test.txt` in `directory`, items numbered anew from 0
/// in the order of their users, most first, so that matrices of it have no empty columns.
///
/// # Errors
/// [`Error::Data`] if the files can't be written.
pub fn write_cut(split: &Split, items: usize, directory: &Path) -> Result<(PathBuf, PathBuf)> {
    let matrix = split.dataset.interactions().by_item();
    let mut order: Vec<usize> = (0..matrix.rows()).collect();
    order.sort_by_key(|&item| (Reverse(matrix.row(item).len()), item));
    order.truncate(items);
    let place: BTreeMap<u32, usize> = order
        .iter()
        .enumerate()
        .map(|(place, &item)| (split.number(item), place))
        .collect();
    let paths = (directory.join("train.txt"), directory.join("test.txt"));
    let kept = |items: &[u32]| -> Vec<usize> {
        let found = items.iter().filter_map(|item| place.get(item).copied());
        found.collect()
    };
    let mut files = (create(&paths.0)?, create(&paths.1)?);
    for (user, held_out) in split.held_out.iter().enumerate() {
        let history = kept(&split.history(user));
        if !history.is_empty() {
            write_line(&mut files.0, user, &history)?;
            write_line(&mut files.1, user, &kept(held_out))?;
        }
    }
    files.0.flush().map_err(failed)?;
    files.1.flush().map_err(failed)?;
    Ok(paths)
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path).map_err(failed)?))
}

fn write_line(file: &mut impl Write, user: usize, items: &[usize]) -> Result<()> {
    write!(file, "{user}").map_err(failed)?;
    for item in items {
        write!(file, " {item}").map_err(failed)?;
    }
    writeln!(file).map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn failed(error: std::io::Error) -> Error {
    Error::data("cut of a split", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    #[test]
    fn the_popular_items_remain_under_new_numbers() {
        let directory = tempfile::tempdir().unwrap();
        let (train, test) = (
            directory.path().join("a.txt"),
            directory.path().join("b.txt"),
        );
        std::fs::write(&train, "0 5 9\n1 9\n2 5 9 7\n3 7 5\n4 3\n").unwrap();
        std::fs::write(&test, "0 7\n1 5 3\n2 3\n").unwrap();
        let split = Split::read(&train, &test).unwrap();
        let (train, test) = write_cut(&split, 2, directory.path()).unwrap();
        let lines = |path: &Path| -> Vec<String> {
            let file = BufReader::new(File::open(path).unwrap());
            file.lines().map(std::result::Result::unwrap).collect()
        };
        // Items 5 and 9 have three users each; 5 came first.
        assert_eq!(lines(&train), ["0 0 1", "1 1", "2 0 1", "3 0"]);
        assert_eq!(lines(&test), ["0", "1 0", "2", "3"]);
    }
}
