//! The idle server: how soon it answers, how much memory it holds.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Bench, Engine, Outcome};

pub(crate) fn run(bench: &Bench) -> Outcome {
    let program = bench.program()?;
    println!("\nIdle server");
    for engine in Engine::ALL {
        let database = bench.database(engine)?;
        // The first start migrates; the second is what a restart costs.
        for what in ["first start", "again"] {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                .local_addr()?
                .port();
            let began = Instant::now();
            let mut server = Command::new(&program)
                .args([
                    "--database",
                    &database,
                    "serve",
                    "--listen",
                    &format!("127.0.0.1:{port}"),
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            let started = answers(port, began);
            std::thread::sleep(Duration::from_secs(2));
            let memory = resident(&server);
            server.kill()?;
            server.wait()?;
            println!(
                "  {} {what}: answers after {:.0} ms, holds {:.1} MB",
                engine.name(),
                started?.as_secs_f64() * 1e3,
                memory?
            );
        }
    }
    Ok(())
}

fn answers(port: u16, began: Instant) -> Outcome<Duration> {
    while began.elapsed() < Duration::from_secs(20) {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            stream.write_all(
                b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(began.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err("the server does not answer".into())
}

/// Resident memory of a process, in megabytes, as Linux tells it.
fn resident(process: &Child) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status
        .lines()
        .find(|l| l.starts_with("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kilobytes / 1_024.0)
}
