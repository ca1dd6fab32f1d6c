//! What stands in files and may change while the server runs.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use ring::digest::{Context, SHA256};

use crate::error::ServeError;

/// Reads files, and notes what stood in them.
pub(crate) struct Files {
    seen: Context,
}

impl Files {
    /// What stands in `path`; what is wrong with it, as a text that shows nothing of it.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        self.seen.update(&bytes.len().to_le_bytes());
        self.seen.update(&bytes);
        Ok(bytes)
    }
}

/// Makes a `T` of files.
type Reading<T> = dyn Fn(&mut Files) -> Result<T, String> + Send + Sync;

/// A `T` made of files, and made anew when they change. A handle: clones share it.
pub(crate) struct Watched<T> {
    what: &'static str,
    reading: Arc<Reading<T>>,
    now: Arc<ArcSwap<T>>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self {
            what: self.what,
            reading: Arc::clone(&self.reading),
            now: Arc::clone(&self.now),
            seen: Arc::clone(&self.seen),
        }
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.what).finish()
    }
}

fn read<T>(reading: &Reading<T>) -> Result<(T, Vec<u8>), String> {
    let mut files = Files {
        seen: Context::new(&SHA256),
    };
    let made = reading(&mut files)?;
    Ok((made, files.seen.finish().as_ref().to_vec()))
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Reads the files for the first time; `what` names what they hold in messages.
    ///
    /// # Errors
    /// [`ServeError::File`] if they can't be used.
    pub(crate) fn open(
        what: &'static str,
        reading: impl Fn(&mut Files) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, ServeError> {
        let (made, seen) = read(&reading).map_err(|reason| ServeError::File { what, reason })?;
        Ok(Self {
            what,
            reading: Arc::new(reading),
            now: Arc::new(ArcSwap::from_pointee(made)),
            seen: Arc::new(Mutex::new(seen)),
        })
    }

    /// What holds at this moment.
    pub(crate) fn now(&self) -> Arc<T> {
        self.now.load_full()
    }

    /// Reads the files again, and takes what they hold if they changed. Files that can't be used change nothing.
    ///
    /// # Errors
    /// What is wrong with the files.
    fn look(&self) -> Result<bool, String> {
        let (made, digest) = read(&*self.reading)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == digest {
            return Ok(false);
        }
        *seen = digest;
        self.now.store(Arc::new(made));
        Ok(true)
    }

    /// Looks every so often, for ever.
    pub(crate) async fn follow(self, every: Duration) {
        let mut complaint = None;
        loop {
            tokio::time::sleep(every).await;
            let files = self.clone();
            let looked = tokio::task::spawn_blocking(move || files.look()).await;
            let what = self.what;
            match looked.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(true) => tracing::info!(what, "read anew"),
                Ok(false) => complaint = None,
                // Said once, not at every look.
                Err(reason) if complaint.as_ref() != Some(&reason) => {
                    tracing::error!(what, %reason, "can't be read anew; what was read before holds on");
                    complaint = Some(reason);
                }
                Err(_) => (),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_taken_and_what_is_broken_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let path = file.clone();
        let watched = Watched::open("a number", move |files| {
            let text = String::from_utf8(files.read(&path)?).map_err(|error| error.to_string())?;
            text.parse::<u32>().map_err(|error| error.to_string())
        })
        .unwrap();
        assert_eq!(watched.look(), Ok(false));
        std::fs::write(&file, "2").unwrap();
        assert_eq!((watched.look(), *watched.now()), (Ok(true), 2));
        std::fs::write(&file, "two").unwrap();
        assert!(watched.look().is_err());
        assert_eq!(*watched.now(), 2);
        std::fs::remove_file(&file).unwrap();
        assert!(watched.look().unwrap_err().contains("number"));
        assert_eq!(*watched.now(), 2);
    }
}
