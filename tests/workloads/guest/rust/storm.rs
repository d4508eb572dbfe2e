// What Rust's standard library needs: scoped threads, channels, condition variables (futex), panics that unwind,
// processes (posix_spawn, pidfd), files (statx, copy_file_range), unix sockets.
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::{Duration, Instant};

fn threads() -> u64 {
    let total = AtomicU64::new(0);
    let map = RwLock::new(HashMap::new());
    let barrier = Barrier::new(32);
    thread::scope(|s| {
        for t in 0..32u64 {
            let (total, map, barrier) = (&total, &map, &barrier);
            s.spawn(move || {
                barrier.wait();
                for i in 0..2000 {
                    total.fetch_add(i ^ t, Ordering::Relaxed);
                    if i % 50 == 0 {
                        *map.write().unwrap().entry(i).or_insert(0u64) += t;
                    } else {
                        let _ = map.read().unwrap().get(&i);
                    }
                }
            });
        }
    });
    let m = map.into_inner().unwrap();
    total.load(Ordering::SeqCst) + m.values().sum::<u64>() + m.len() as u64
}

fn channels() -> u64 {
    let (tx, rx) = mpsc::sync_channel::<u64>(4);
    let makers: Vec<_> = (0..8)
        .map(|t| {
            let tx = tx.clone();
            thread::Builder::new().name(format!("maker-{t}")).stack_size(64 << 10).spawn(move || (0..1000).for_each(|i| tx.send(i * t).unwrap())).unwrap()
        })
        .collect();
    drop(tx);
    let sum = rx.iter().sum();
    makers.into_iter().for_each(|m| m.join().unwrap());
    sum
}

fn condvars() -> usize {
    let pair = Arc::new((Mutex::new(0usize), Condvar::new()));
    let all: Vec<_> = (0..16)
        .map(|t| {
            let pair = pair.clone();
            thread::spawn(move || {
                let mut turn = pair.0.lock().unwrap();
                for round in 0..20 {
                    while *turn != round * 16 + t {
                        turn = pair.1.wait(turn).unwrap();
                    }
                    *turn += 1;
                    pair.1.notify_all();
                }
            })
        })
        .collect();
    all.into_iter().for_each(|t| t.join().unwrap());
    let guard = pair.0.lock().unwrap();
    let (guard, late) = pair.1.wait_timeout(guard, Duration::from_millis(30)).unwrap();
    assert!(late.timed_out());
    *guard
}

fn panics() -> String {
    std::panic::set_hook(Box::new(|_| {}));
    let inside = thread::spawn(|| {
        let v: Vec<u32> = vec![];
        v[std::env::args().count()]
    })
    .join();
    let poisoned = Arc::new(Mutex::new(1));
    let p = poisoned.clone();
    let _ = thread::spawn(move || {
        let _guard = p.lock().unwrap();
        panic!("with the lock");
    })
    .join();
    format!("{} {}", inside.is_err(), poisoned.is_poisoned())
}

fn processes() -> String {
    let out = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 4"]).output().unwrap();
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = cat.stdin.take().unwrap();
    let feeder = thread::spawn(move || stdin.write_all(&vec![b'y'; 500_000]).unwrap());
    let n = cat.wait_with_output().unwrap().stdout.len();
    feeder.join().unwrap();
    let mut sleeper = Command::new("sleep").arg("100").spawn().unwrap();
    assert!(sleeper.try_wait().unwrap().is_none());
    sleeper.kill().unwrap();
    let killed = sleeper.wait().unwrap().signal();
    let missing = Command::new("/no/such").spawn().unwrap_err().kind();
    let before = unsafe { Command::new("pwd").current_dir("/usr/bin").pre_exec(|| Ok(())).output().unwrap() };
    format!("{:?} {:?} {:?} {n} {killed:?} {missing:?} {:?}", out.status.code(), String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr), String::from_utf8_lossy(&before.stdout))
}

fn files(dir: &str) -> std::io::Result<String> {
    fs::create_dir_all(format!("{dir}/a/b/c"))?;
    let mut f = fs::OpenOptions::new().read(true).write(true).create(true).open(format!("{dir}/f"))?;
    f.write_all(b"hello, world\nsecond line\n")?;
    f.write_at(b"J", 0)?;
    f.seek(SeekFrom::Start(0))?;
    let lines: Vec<String> = BufReader::new(&f).lines().map(|l| l.unwrap()).collect();
    f.set_len(1 << 20)?;
    f.sync_all()?;
    fs::set_permissions(format!("{dir}/f"), fs::Permissions::from_mode(0o604))?;
    let copied = fs::copy(format!("{dir}/f"), format!("{dir}/a/g"))?;
    std::os::unix::fs::symlink("a/g", format!("{dir}/l"))?;
    fs::hard_link(format!("{dir}/a/g"), format!("{dir}/h"))?;
    fs::rename(format!("{dir}/h"), format!("{dir}/a/b/h"))?;
    let m = fs::metadata(format!("{dir}/l"))?;
    let text = format!("{lines:?} {copied} {} {:o} {}", m.nlink(), m.mode(), m.created().is_ok() as u8 + m.modified().is_ok() as u8);
    let mut names: Vec<_> = fs::read_dir(dir)?.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    fs::remove_dir_all(dir)?;
    Ok(format!("{text} {names:?} {:?}", fs::metadata(dir).unwrap_err().kind()))
}

fn sockets() -> usize {
    let _ = fs::remove_file("/tmp/rust.sock");
    let listener = UnixListener::bind("/tmp/rust.sock").unwrap();
    let server = thread::spawn(move || {
        for c in listener.incoming().take(20) {
            let mut c = c.unwrap();
            thread::spawn(move || {
                let mut b = vec![];
                c.read_to_end(&mut b).unwrap();
                c.write_all(&b).unwrap();
            });
        }
    });
    let n = (0..20usize)
        .map(|i| {
            thread::spawn(move || {
                let mut c = UnixStream::connect("/tmp/rust.sock").unwrap();
                c.write_all(&vec![7; i * 1000]).unwrap();
                c.shutdown(std::net::Shutdown::Write).unwrap();
                let mut b = vec![];
                c.read_to_end(&mut b).unwrap()
            })
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|t| t.join().unwrap())
        .sum();
    server.join().unwrap();
    let (a, b) = UnixDatagram::pair().unwrap();
    a.send(b"datagram").unwrap();
    b.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    let mut buf = [0; 100];
    assert_eq!(b.recv(&mut buf).unwrap(), 8);
    assert_eq!(b.recv(&mut buf).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    n
}

fn main() {
    static ONCE: Once = Once::new();
    let start = Instant::now();
    ONCE.call_once(|| println!("threads {}", threads()));
    println!("channels {}", channels());
    println!("condvars {}", condvars());
    println!("processes {}", processes());
    println!("files {}", files("/tmp/rust").unwrap());
    println!("files {}", files("/work/rust").unwrap());
    println!("sockets {}", sockets());
    println!("panics {}", panics());
    thread::sleep(Duration::from_millis(20));
    assert!(start.elapsed() >= Duration::from_millis(20) && thread::available_parallelism().unwrap().get() >= 1);
    std::process::exit(6);
}
