//! HTTP over a plain socket: to chromedriver, and to canvass as a program would speak to it.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header lines, in lower case.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

/// Sends a request to `address` (host and port) and reads the answer.
pub fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());

    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let line = line(&mut reader)?;
        if line.is_empty() {
            break;
        }
        head.push_str(&line.to_ascii_lowercase());
        head.push('\n');
    }
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let mut bytes = Vec::new();
    if field("transfer-encoding:").is_some() {
        loop {
            let size = line(&mut reader)?;
            let size = u64::from_str_radix(&size, 16).map_err(io::Error::other)?;
            reader.by_ref().take(size).read_to_end(&mut bytes)?;
            line(&mut reader)?;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = field("content-length:").and_then(|length| length.trim().parse().ok());
        reader
            .take(length.unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let malformed = || io::Error::other(format!("no answer of HTTP: {head:?}"));
    Ok(Answer {
        status: status.ok_or_else(malformed)?,
        body: String::from_utf8(bytes).map_err(io::Error::other)?,
        head,
    })
}

/// A line without its end.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
