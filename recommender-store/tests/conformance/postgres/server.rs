//! A PostgreSQL server made of the machine's own binaries, in a directory of its own.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use recommender_store::postgres::PostgresConfig;
use tempfile::TempDir;

/// Where the binaries are that make and run a server.
#[derive(Debug, Clone)]
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// Looks on the PATH and where Debian and Red Hat put them; the newest comes first.
    pub(crate) fn find() -> Result<Self, String> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = env::split_paths(&path).collect();
        for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr"] {
            let children = fs::read_dir(parent).into_iter().flatten().flatten();
            let mut children: Vec<PathBuf> = children.map(|child| child.path()).collect();
            children.sort();
            places.extend(children.into_iter().rev().map(|child| child.join("bin")));
        }
        let has = |place: &PathBuf| {
            ["initdb", "postgres"]
                .iter()
                .all(|name| place.join(name).is_file())
        };
        let place = places.into_iter().find(has);
        place
            .map(Self)
            .ok_or_else(|| "needs initdb and postgres".into())
    }

    /// A command that does not run as root, which a server refuses.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join(name));
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        if let Some((user, group)) = servant() {
            command.uid(user).gid(group);
        }
        command
    }
}

/// User and group of a server, if this process is root.
fn servant() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let is_root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
        Some((ids.next()?, ids.next()?))
    };
    is_root.then(|| user("postgres").or_else(|| user("nobody")))?
}

/// A running server.
pub(crate) struct Server {
    binaries: Binaries,
    directory: TempDir,
    port: u16,
    /// The server, which is stopped when its input ends.
    keeper: Mutex<Option<Child>>,
    schemas: AtomicU32,
}

/// Becomes the server, and leaves behind who stops it when the input ends: that happens however this process ends.
const KEEPER: &str = "exec 3<&0; (read -r _ <&3; kill -QUIT $$) & exec \"$@\" </dev/null 3<&-";

impl Server {
    /// Makes a server and starts it.
    pub(crate) fn start(binaries: Binaries) -> Self {
        let directory = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        if let Some((user, group)) = servant() {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let mut make = binaries.command("initdb");
        make.args([
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ]);
        let made = make.arg(directory.path().join("data")).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            port: free.local_addr().unwrap().port(),
            binaries,
            directory,
            keeper: Mutex::default(),
            schemas: AtomicU32::new(0),
        };
        drop(free);
        server.run();
        server
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts the server, which may have to wait for the last processes of one that was killed, and waits for it.
    pub(crate) fn run(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let mut keeper = self.keep();
            while keeper.try_wait().unwrap().is_none() && Instant::now() < deadline {
                if self.answers() {
                    *self.keeper.lock().unwrap() = Some(keeper);
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
            end(keeper);
        }
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        panic!("the server did not start:\n{log}");
    }

    fn keep(&self) -> Child {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .unwrap();
        let mut command = self.binaries.command("/bin/sh");
        command.args(["-c", KEEPER, "sh"]);
        command
            .arg(self.binaries.0.join("postgres"))
            .arg("-D")
            .arg(self.data());
        let (port, sockets) = (self.port, self.directory.path().display());
        for setting in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            format!("unix_socket_directories={sockets}"),
            "fsync=on".into(),
            "shared_buffers=64MB".into(),
            "max_connections=200".into(),
            "log_min_messages=fatal".into(),
            "log_min_error_statement=panic".into(),
        ] {
            command.arg("-c").arg(setting);
        }
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.process_group(0).spawn().unwrap()
    }

    fn answers(&self) -> bool {
        postgres::Client::connect(&self.url(), postgres::NoTls).is_ok()
    }

    /// Where the server is.
    pub(crate) fn url(&self) -> String {
        let sockets = self.directory.path().display();
        format!(
            "host={sockets} port={} user=postgres dbname=postgres",
            self.port
        )
    }

    /// Where the server is, over TCP.
    pub(crate) fn tcp_url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Settings for a new schema.
    pub(crate) fn config(&self) -> PostgresConfig {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        PostgresConfig {
            url: self.url(),
            schema: format!("store_{number}"),
            buckets: 3,
            ..PostgresConfig::default()
        }
    }

    /// Has the server take connections over TCP only if they are encrypted, and to the database `sealed` only if the client
    /// has a certificate of the `authority`.
    pub(crate) fn encrypt(&self, certificate: &str, key: &str, authority: &str) {
        let rules = "local all all trust\nhostssl sealed all 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n";
        let files = [
            ("server.crt", certificate),
            ("server.key", key),
            ("clients.crt", authority),
            ("pg_hba.conf", rules),
        ];
        for (name, text) in files {
            let path = self.data().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = servant() {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        let ask = |sql: &str| {
            let mut client = postgres::Client::connect(&self.url(), postgres::NoTls).unwrap();
            client.simple_query(sql).unwrap();
            let row = client.query_one("SHOW ssl", &[]).unwrap();
            row.get::<_, String>(0) == "on"
        };
        for sql in [
            "CREATE DATABASE sealed",
            "ALTER SYSTEM SET ssl_ca_file = 'clients.crt'",
            "ALTER SYSTEM SET ssl = on",
            "SELECT pg_reload_conf()",
        ] {
            ask(sql);
        }
        while !ask("SELECT 1") {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The port the server listens at.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The socket the server listens at.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory
            .path()
            .join(format!(".s.PGSQL.{}", self.port))
    }

    /// A connection that sees the tables of a schema.
    pub(crate) fn client(&self, config: &PostgresConfig) -> postgres::Client {
        let mut client = postgres::Client::connect(&self.url(), postgres::NoTls).unwrap();
        let sql = format!("SET search_path TO {}", config.schema);
        client.batch_execute(&sql).unwrap();
        client
    }

    /// The files of the database's tables, without the write-ahead log.
    pub(crate) fn files(&self) -> PathBuf {
        let mut client = postgres::Client::connect(&self.url(), postgres::NoTls).unwrap();
        let sql = "SELECT oid::text FROM pg_database WHERE datname = current_database()";
        let oid: String = client.query_one(sql, &[]).unwrap().get(0);
        self.data().join("base").join(oid)
    }

    /// Kills every process of the server at once, as by a power cut, and waits until they are gone.
    pub(crate) fn kill(&self) {
        let Some(mut keeper) = self.keeper.lock().unwrap().take() else {
            return;
        };
        let mut victims = children(keeper.id());
        victims.push(keeper.id());
        let mut kill = Command::new("kill");
        kill.arg("-KILL").args(victims.iter().map(u32::to_string));
        kill.stderr(Stdio::null()).status().unwrap();
        keeper.wait().unwrap();
        while victims.iter().any(|&pid| is_running(pid)) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processes that one started.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

/// State and parent stand after the name in brackets.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.into(), fields.next()?.parse().ok()?))
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid).map(|(_, parent)| parent)
}

fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

fn end(mut keeper: Child) {
    drop(keeper.stdin.take());
    keeper.wait().unwrap();
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.lock().unwrap().take() {
            end(keeper);
        }
    }
}

/// Counts the places where `text` stands in the files below `directory`.
pub(crate) fn occurrences(directory: &Path, text: &str) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    let of_entry = |entry: fs::DirEntry| {
        let path = entry.path();
        if path.is_dir() {
            return occurrences(&path, text);
        }
        match fs::read(&path) {
            Ok(bytes) => bytes
                .windows(text.len())
                .filter(|part| *part == text.as_bytes())
                .count(),
            // The server removes files while they are listed.
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => panic!("{}: {error}", path.display()),
        }
    };
    entries.map(|entry| of_entry(entry.unwrap())).sum()
}
