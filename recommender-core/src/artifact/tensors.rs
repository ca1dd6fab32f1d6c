//! Named arrays in the safetensors format: what a model puts down and takes up again.

use std::cmp::Reverse;
use std::io::{self, Write};

use bytemuck::Pod;
use bytes::Bytes;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

use crate::artifact::files::{Hashing, sha256};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::sparse::SparseMatrix;

/// A number type a tensor may hold.
pub trait Element: Pod {
    /// Its name in the format.
    const DTYPE: Dtype;
}

impl Element for u8 {
    const DTYPE: Dtype = Dtype::U8;
}
impl Element for i64 {
    const DTYPE: Dtype = Dtype::I64;
}
impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;
}
impl Element for u32 {
    const DTYPE: Dtype = Dtype::U32;
}
impl Element for u64 {
    const DTYPE: Dtype = Dtype::U64;
}

/// Collects the tensors of one model, borrowed, so that saving copies nothing.
#[derive(Debug, Default)]
pub struct TensorSink<'a> {
    tensors: Vec<NamedTensor<'a>>,
}

/// Name, type, shape and bytes.
type NamedTensor<'a> = (String, Dtype, Vec<usize>, &'a [u8]);

impl<'a> TensorSink<'a> {
    /// Puts `values`, of `shape` in row-major order, under `name`.
    ///
    /// # Panics
    /// If the shape does not fit the number of values.
    pub fn put<T: Element>(&mut self, name: &str, shape: &[usize], values: &'a [T]) {
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "shape of tensor {name}"
        );
        let bytes = bytemuck::cast_slice(values);
        self.tensors
            .push((name.into(), T::DTYPE, shape.to_vec(), bytes));
    }

    /// Puts a sparse matrix under `name.offsets`, `name.indices` and `name.values`; the shape of
    /// `name.width` is its number of columns.
    pub fn put_matrix(&mut self, name: &str, matrix: &'a SparseMatrix) {
        self.put(
            &format!("{name}.offsets"),
            &[matrix.rows() + 1],
            matrix.offsets(),
        );
        self.put(
            &format!("{name}.indices"),
            &[matrix.nnz()],
            matrix.indices(),
        );
        self.put(&format!("{name}.values"), &[matrix.nnz()], matrix.values());
        self.put::<f32>(&format!("{name}.width"), &[0, matrix.cols()], &[]);
    }

    /// Writes everything in the safetensors format, wide types first, so that every tensor is aligned for its
    /// type and can be used where it lies in a mapped file.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut tensors = self.tensors.clone();
        tensors.sort_by_key(|(_, dtype, _, _)| Reverse(dtype.bitsize()));
        out.write_all(&header(&tensors)?)?;
        tensors
            .iter()
            .try_for_each(|(_, _, _, bytes)| out.write_all(bytes))
    }

    /// Writes as [`TensorSink::write`] does, with one more tensor at the end, `sha256`: the digest of every byte
    /// before it. [`Tensors::open_sealed`] checks it.
    ///
    /// # Errors
    /// What `out` gives.
    pub fn write_sealed(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut tensors = self.tensors.clone();
        tensors.sort_by_key(|(_, dtype, _, _)| Reverse(dtype.bitsize()));
        let mut hashing = Hashing::new(out);
        let seal: NamedTensor<'_> = (SEAL.into(), Dtype::U8, vec![SEAL_BYTES], &[0; SEAL_BYTES]);
        let with_seal: Vec<NamedTensor<'_>> = tensors.iter().cloned().chain([seal]).collect();
        hashing.write_all(&header(&with_seal)?)?;
        tensors
            .iter()
            .try_for_each(|(_, _, _, bytes)| hashing.write_all(bytes))?;
        let (_, digest) = hashing.finish();
        out.write_all(&digest)
    }
}

/// Name of the tensor that holds the digest of everything before it.
const SEAL: &str = "sha256";

/// Bytes of a digest.
const SEAL_BYTES: usize = 32;

/// The header of a file that holds `tensors` in this order.
fn header(tensors: &[NamedTensor<'_>]) -> io::Result<Vec<u8>> {
    let mut end = 0;
    let infos = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let start = end;
        end += bytes.len();
        let info = TensorInfo {
            dtype: *dtype,
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    let metadata = Metadata::new(None, infos.collect()).map_err(io::Error::other)?;
    let mut text = serde_json::to_vec(&metadata)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text);
    Ok(header)
}

/// The tensors of one model, over bytes that may be a mapped file.
#[derive(Debug)]
pub struct Tensors {
    origin: String,
    bytes: Bytes,
    header: usize,
    metadata: Metadata,
}

impl Tensors {
    /// Reads the header of `bytes`; `origin` names them in errors.
    ///
    /// # Errors
    /// [`Error::Data`] if the bytes are not in the safetensors format or are cut short.
    pub fn open(origin: &str, bytes: Bytes) -> Result<Self> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| Error::data(origin, error.to_string()))?;
        Ok(Self {
            origin: origin.into(),
            header: header + size_of::<u64>(),
            bytes,
            metadata,
        })
    }

    /// As [`Tensors::open`], for what [`TensorSink::write_sealed`] wrote.
    ///
    /// # Errors
    /// As [`Tensors::open`], and if any byte is not as it was written.
    pub fn open_sealed(origin: &str, bytes: Bytes) -> Result<Self> {
        let sealed = bytes.len().checked_sub(SEAL_BYTES);
        let whole = sealed.is_some_and(|at| sha256(&bytes[..at]) == bytes[at..]);
        if !whole {
            let reason = "the file was cut or altered since it was written";
            return Err(Error::data(origin, reason));
        }
        Self::open(origin, bytes)
    }

    /// The shape and numbers of tensor `name`, not copied where their alignment allows it.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no such tensor or it holds another type.
    pub fn get<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Buffer<T>)> {
        let info = self
            .metadata
            .info(name)
            .ok_or_else(|| Error::data(&self.origin, format!("tensor \"{name}\" is missing")))?;
        if info.dtype != T::DTYPE {
            let reason = format!(
                "tensor \"{name}\" holds {:?}, expected {:?}",
                info.dtype,
                T::DTYPE
            );
            return Err(Error::data(&self.origin, reason));
        }
        let range = self.header + info.data_offsets.0..self.header + info.data_offsets.1;
        Ok((
            info.shape.clone(),
            Buffer::from_bytes(self.bytes.slice(range))?,
        ))
    }

    /// The numbers of tensor `name`, which must have one dimension of `len`.
    ///
    /// # Errors
    /// As [`Tensors::get`], and if the shape is another.
    pub fn vector<T: Element>(&self, name: &str, len: usize) -> Result<Buffer<T>> {
        let (shape, values) = self.get(name)?;
        if shape != [len] {
            let reason = format!("tensor \"{name}\" has shape {shape:?}, expected [{len}]");
            return Err(Error::data(&self.origin, reason));
        }
        Ok(values)
    }

    /// The sparse matrix put down as `name`, checked.
    ///
    /// # Errors
    /// As [`Tensors::get`], and if the parts do not make a matrix.
    pub fn matrix(&self, name: &str) -> Result<SparseMatrix> {
        let (_, offsets) = self.get::<u64>(&format!("{name}.offsets"))?;
        let (_, indices) = self.get::<u32>(&format!("{name}.indices"))?;
        let (_, values) = self.get::<f32>(&format!("{name}.values"))?;
        let (width, _) = self.get::<f32>(&format!("{name}.width"))?;
        SparseMatrix::try_new(width.last().copied().unwrap_or(0), offsets, indices, values)
            .map_err(|error| Error::data(&self.origin, format!("matrix \"{name}\": {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tensor_is_used_where_it_lies() {
        let mut sink = TensorSink::default();
        sink.put("bytes", &[1], &[1u8]);
        sink.put("floats", &[3], &[1.0f32, 2.0, 3.0]);
        sink.put("longs", &[1], &[1u64]);
        let mut out = Vec::new();
        sink.write(&mut out).unwrap();
        // A mapped file begins at a page.
        let mut page = vec![0u64; out.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut page)[..out.len()].copy_from_slice(&out);
        let bytes = Bytes::from_owner(Page(page)).slice(..out.len());
        let tensors = Tensors::open("test", bytes).unwrap();
        assert!(matches!(
            tensors.get::<u64>("longs").unwrap().1,
            Buffer::Shared(..)
        ));
        assert!(matches!(
            tensors.get::<f32>("floats").unwrap().1,
            Buffer::Shared(..)
        ));
    }

    #[test]
    fn a_seal_tells_any_change() {
        let mut sink = TensorSink::default();
        sink.put("text", &[3], b"abc");
        sink.put("longs", &[2], &[1u64, 2]);
        let mut out = Vec::new();
        sink.write_sealed(&mut out).unwrap();
        let tensors = Tensors::open_sealed("test", out.clone().into()).unwrap();
        assert_eq!(*tensors.vector::<u8>("text", 3).unwrap(), *b"abc");
        for position in 0..out.len() {
            let mut altered = out.clone();
            altered[position] ^= 1;
            assert!(Tensors::open_sealed("test", altered.into()).is_err());
            assert!(Tensors::open_sealed("test", out[..position].to_vec().into()).is_err());
        }
    }

    struct Page(Vec<u64>);

    impl AsRef<[u8]> for Page {
        fn as_ref(&self) -> &[u8] {
            bytemuck::cast_slice(&self.0)
        }
    }

    #[test]
    fn tensors_and_matrices_come_back_and_cut_bytes_are_refused() {
        let matrix = SparseMatrix::from_rows(3, [vec![(0, 1.0), (2, 2.0)], vec![]]).unwrap();
        let weights = [1.0f32, 2.0, 3.0];
        let mut sink = TensorSink::default();
        sink.put("text", &[3], b"abc");
        sink.put_matrix("similar", &matrix);
        sink.put("weights", &[3], &weights);
        let mut out = Vec::new();
        sink.write(&mut out).unwrap();

        let tensors = Tensors::open("test", out.clone().into()).unwrap();
        assert_eq!(tensors.matrix("similar").unwrap(), matrix);
        assert_eq!(*tensors.vector::<f32>("weights", 3).unwrap(), weights);
        assert!(tensors.vector::<f32>("weights", 4).is_err());
        assert_eq!(*tensors.vector::<u8>("text", 3).unwrap(), *b"abc");
        assert!(tensors.get::<u32>("weights").is_err());
        assert!(tensors.get::<f32>("nothing").is_err());
        out.pop();
        assert!(Tensors::open("test", out.into()).is_err());
    }
}
