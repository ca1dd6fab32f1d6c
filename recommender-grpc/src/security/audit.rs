//! Who did what to the service and to what it knows of persons: a log of its own, which names neither persons nor secrets.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use tonic::Code;

use crate::digits::hex;
use crate::error::ServeError;

/// Lines that may wait for the disk; what comes on top is said in the log alone.
const WAITING: usize = 4096;

/// What files say of the audit in messages.
const WHAT: &str = "the audit file";

/// A call that is written down.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Who called.
    pub(crate) caller: &'a str,
    /// Path of the method.
    pub(crate) method: &'a str,
    /// The resource name it was about: written as a keyed digest, since names of users are personal.
    pub(crate) resource: Option<&'a [u8]>,
    /// How it ended.
    pub(crate) outcome: Code,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// Writes calls down. A handle: clones share it.
///
/// Each is a line of the log under the target `audit` and, where there is a file, a JSON object on a line of it. Lines
/// are on disk within moments (written by a thread of their own, flushed together), not before the call is answered.
#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    inner: Arc<Inner>,
}

struct Inner {
    key: hmac::Key,
    writer: Option<Writer>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("file", &self.writer.is_some())
            .finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Writes to `file` too, if one is given, after what stands in it already.
    ///
    /// # Errors
    /// [`ServeError::File`] if it can't be written.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, ServeError> {
        let opened = match file {
            Some(file) => key(Some(file)).and_then(|key| Ok((key, Some(Writer::open(file)?)))),
            None => key(None).map(|key| (key, None)),
        };
        let (key, writer) = opened.map_err(|reason| ServeError::File { what: WHAT, reason })?;
        let inner = Arc::new(Inner {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            writer,
        });
        Ok(Self { inner })
    }

    /// Writes a call down, without waiting for the disk.
    pub(crate) fn record(&self, entry: &Entry<'_>) {
        let resource = entry.resource.map(|name| self.digest(name));
        let time = prost_types::Timestamp::from(SystemTime::now()).to_string();
        let outcome = format!("{:?}", entry.outcome);
        let millis = u64::try_from(entry.elapsed.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "audit",
            caller = entry.caller, method = entry.method, resource, outcome, millis,
            "called"
        );
        let Some(writer) = &self.inner.writer else {
            return;
        };
        let line = serde_json::json!({
            "time": time, "caller": entry.caller, "method": entry.method,
            "resource": resource, "outcome": outcome, "millis": millis,
        });
        if !writer.write(line.to_string()) {
            tracing::error!(target: "audit", "the disk is too slow: a line of the audit file is lost");
        }
    }

    /// The name by which the file calls a resource: the same for the same resource, and no way back without the key.
    fn digest(&self, name: &[u8]) -> String {
        let digest = hmac::sign(&self.inner.key, name);
        hex(&digest.as_ref()[..16])
    }
}

/// The key of the digests, which stands beside the file: made when there is none.
fn key(file: Option<&Path>) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    let path = file.map(|file| PathBuf::from(format!("{}.key", file.display())));
    if let Some(path) = &path {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        match File::open(path) {
            Ok(mut file) => return file.read_exact(&mut key).map(|()| key).map_err(told),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(told(error)),
            Err(_) => (),
        }
    }
    let random = SystemRandom::new().fill(&mut key);
    random.map_err(|_| "the system gives no random numbers".to_owned())?;
    if let Some(path) = &path {
        let written = private(OpenOptions::new().create_new(true), path);
        let written =
            written.and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(key)
}

/// Opens a file that only its owner may read.
fn private(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.append(true).open(path)
}

/// A thread that writes lines to a file.
struct Writer {
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn open(path: &Path) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = private(OpenOptions::new().create(true), path).map_err(told)?;
        let (lines, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(file, &waiting))
            .map_err(told)?;
        Ok(Self {
            lines: Some(lines),
            thread: Some(thread),
        })
    }

    fn write(&self, line: String) -> bool {
        let lines = self.lines.as_ref();
        lines.is_some_and(|lines| lines.try_send(line).is_ok())
    }
}

impl Drop for Writer {
    /// What was recorded is on disk before the server ends.
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to write.
            let _ = thread.join();
        }
    }
}

/// Writes lines as they come, all that wait at once, and has the disk keep them.
fn write_all(mut file: File, lines: &Receiver<String>) {
    while let Ok(first) = lines.recv() {
        let mut text = first + "\n";
        for line in lines.try_iter().take(WAITING) {
            text.push_str(&line);
            text.push('\n');
        }
        if let Err(error) = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
        {
            tracing::error!(target: "audit", %error, "lines of the audit file are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn erased(name: &[u8]) -> Entry<'_> {
        Entry {
            caller: "office",
            method: "/recommender.v1.UserService/EraseUser",
            resource: Some(name),
            outcome: Code::Ok,
            elapsed: Duration::from_millis(12),
        }
    }

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_call_is_written_down_without_the_person_and_after_what_stands_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for _ in 0..2 {
            let audit = AuditLog::open(Some(&path)).unwrap();
            audit.record(&erased(b"catalogs/default/users/ann"));
            audit.record(&erased(b"catalogs/default/users/bob"));
        }
        let lines = lines(&path);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["caller"], "office");
        assert_eq!(lines[0]["outcome"], "Ok");
        assert_eq!(lines[0]["millis"], 12);
        assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
        // The same person is the same digest, after a restart too; another is another.
        assert_eq!(lines[0]["resource"], lines[2]["resource"]);
        assert_ne!(lines[0]["resource"], lines[1]["resource"]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("ann") && !text.contains("bob"));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        drop(AuditLog::open(Some(&path)).unwrap());
        for name in ["audit.jsonl", "audit.jsonl.key"] {
            let mode = folder
                .path()
                .join(name)
                .metadata()
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = AuditLog::open(Some(Path::new("/nowhere/audit.jsonl"))).unwrap_err();
        assert!(
            error.to_string().contains("/nowhere/audit.jsonl"),
            "{error}"
        );
    }
}
