//! Numbers that are either owned or borrowed from a mapped file, behind one slice.

use std::ops::Deref;

use bytemuck::Pod;
use bytes::Bytes;

use crate::error::{Error, Result};

/// A read-only array of numbers: owned after fitting, shared with a mapped artefact after loading.
#[derive(Debug, Clone)]
pub enum Buffer<T> {
    /// Made in this process.
    Owned(Vec<T>),
    /// Little-endian bytes of someone else's memory, aligned for `T`.
    Shared(Bytes, std::marker::PhantomData<T>),
}

impl<T: Pod> Buffer<T> {
    /// Views `bytes` as numbers without copying them where their alignment allows it.
    ///
    /// # Errors
    /// [`Error::Data`] if the length is no multiple of the size of `T`.
    pub fn from_bytes(bytes: Bytes) -> Result<Self> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(Error::data(
                "tensor",
                format!(
                    "{} bytes are no whole number of {}-byte values",
                    bytes.len(),
                    size_of::<T>()
                ),
            ));
        }
        if bytemuck::try_cast_slice::<u8, T>(&bytes).is_err() {
            let values = bytes
                .chunks_exact(size_of::<T>())
                .map(bytemuck::pod_read_unaligned);
            return Ok(Self::Owned(values.collect()));
        }
        Ok(Self::Shared(bytes, std::marker::PhantomData))
    }

    /// The numbers as bytes, as they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(values) => values,
            Self::Shared(bytes, _) => bytemuck::cast_slice(bytes),
        }
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self::Owned(values)
    }
}

impl<T: Pod + PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_viewed_and_odd_lengths_refused() {
        let owned = Buffer::from(vec![1.0f32, -2.5]);
        let shared = Buffer::<f32>::from_bytes(Bytes::copy_from_slice(owned.as_bytes())).unwrap();
        assert_eq!(owned, shared);
        assert!(Buffer::<f32>::from_bytes(Bytes::from_static(&[0; 7])).is_err());
    }
}
