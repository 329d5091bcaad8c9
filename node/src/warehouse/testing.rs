//! A PostgreSQL server of a test's own, as Debian packages it: in a directory that goes with the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![allow(dead_code, reason = "two tests' programs use it, neither all of it")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{LazyLock, Mutex};
use std::thread;

/// Set where a missing server is a failure and not a skip.
const REQUIRED: &str = "SUMAC_TEST_DATA_REQUIRED";

/// Where Debian puts each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A server that runs.
pub(crate) struct Server {
    directory: PathBuf,
    programs: PathBuf,
    port: u16,
    // While its input is open, the server runs: when this process is gone, however it went, so is the server.
    keeper: Mutex<Child>,
    // What the keeper and the server said that tells how it stands.
    told: Mutex<Receiver<String>>,
}

/// The one server of this process; none, with a clear line, where there are no programs for it.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| programs().map(Server::start));
    if SERVER.is_none() {
        let why = format!(
            "skipped: {VERSIONS} holds no version with bin/initdb (apt-get install postgresql)"
        );
        assert!(std::env::var_os(REQUIRED).is_none(), "{why}, and {REQUIRED} is set");
        eprintln!("{why}");
    }
    SERVER.as_ref()
}

/// The programs of the newest version here.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.map_while(Result::ok);
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<_> = versions
        .filter_map(|entry| Some((number(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").is_file())
        .collect();
    found.sort();
    Some(found.pop()?.1)
}

impl Server {
    fn start(programs: PathBuf) -> Self {
        let directory =
            tempfile::Builder::new().prefix("sumac-postgres-").tempdir().unwrap().keep();
        authorities(&directory);
        let rights = as_whom(&directory);
        let data = directory.join("data");
        let made = Command::new("sh")
            .args([
                "-c",
                &format!(
                    "exec {rights} \"$0\" -D \"$1\" -U postgres -A trust -E UTF8 --locale=C -N"
                ),
            ])
            .args([&programs.join("initdb"), &data])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(
            data.join("pg_hba.conf"),
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
        )
        .unwrap();
        // Given back just before the server takes it: nobody asks the kernel for this one in between.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = format!(
            "postgres=$0; dir=$1; start() {{ {rights} \"$postgres\" -D \"$dir/data\" -p {port} \
             -c unix_socket_directories=\"$dir\" \
             -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file=\"$dir/server.pem\" \
             -c ssl_key_file=\"$dir/server.key\" -c fsync=off -c shared_buffers=32MB \
             -c max_connections=60 -c log_min_messages=log & }}; \
             stop() {{ kill -QUIT $!; wait $!; }}; \
             start; while read -r word; do $word; echo \"done: $word\" >&2; done; stop; rm -rf \"$dir\""
        );
        let mut keeper = Command::new("sh")
            .args(["-c", &script])
            .args([&programs.join("postgres"), &directory])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(keeper.stderr.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let tells = ["ready to accept connections", "done: ", "FATAL"];
                if tells.iter().any(|word| line.contains(word)) {
                    let _ = tell.send(line);
                }
            }
        });
        let server =
            Self { directory, programs, port, keeper: Mutex::new(keeper), told: Mutex::new(told) };
        server.wait_for("ready to accept connections");
        server
    }

    /// A server that nobody else uses, where there are programs for it.
    pub(crate) fn of_its_own() -> Option<Self> {
        programs().map(Self::start)
    }

    /// Stops it at once, as a failing machine would. What it holds is kept.
    pub(crate) fn stop(&self) {
        self.say("stop");
        self.wait_for("done: stop");
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        self.say("start");
        self.wait_for("ready to accept connections");
    }

    fn say(&self, word: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    fn wait_for(&self, words: &str) {
        let told = self.told.lock().unwrap();
        while let Ok(line) = told.recv() {
            assert!(!line.contains("could not"), "PostgreSQL does not start: {line}");
            if line.contains(words) {
                return;
            }
        }
        panic!("PostgreSQL does not start");
    }

    /// The directory of its sockets.
    pub(crate) fn sockets(&self) -> &Path {
        &self.directory
    }

    /// Its port, on 127.0.0.1 and in the name of its socket.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of whoever issued the server's own, which is for 127.0.0.1.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    /// Runs statements in a database as its owner; what they print.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                database,
            ])
            .args(["-p", &self.port.to_string(), "-f", "-", "-h"])
            .arg(&self.directory)
            .env_remove("PGPASSWORD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = psql.stdin.take().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || input.write_all(statements.as_bytes()).unwrap());
            let said = psql.wait_with_output().unwrap();
            let errors = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success(), "{errors}");
            String::from_utf8(said.stdout).unwrap()
        })
    }

    /// An empty database of this name, and a role of the same name with this password.
    pub(crate) fn database(&self, name: &str, password: &str) {
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name};\nCREATE ROLE {name} LOGIN PASSWORD '{password}';"),
        );
    }
}

/// An authority, and what it issued to a server at 127.0.0.1.
fn authorities(directory: &Path) {
    let openssl = |words: &str| {
        let words = words.split_whitespace();
        let said = Command::new("openssl").args(words).current_dir(directory).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    };
    let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30";
    for name in ["authority", "stranger"] {
        openssl(&format!("{key} -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    openssl(&format!(
        "{key} -subj /CN=database -CA authority.pem -CAkey authority.key -keyout server.key -out server.pem \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    ));
}

/// What a command runs under, so that it is not root: a server refuses to be. Gives it the directory.
fn as_whom(directory: &Path) -> &'static str {
    let id = |words: &[&str]| {
        let said = Command::new("id").args(words).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return "";
    }
    let (user, group) = (id(&["-u", "postgres"]), id(&["-g", "postgres"]));
    for path in [directory.to_owned(), directory.join("server.key"), directory.join("server.pem")] {
        std::os::unix::fs::chown(path, user, group).unwrap();
    }
    "setpriv --reuid=postgres --regid=postgres --clear-groups"
}
