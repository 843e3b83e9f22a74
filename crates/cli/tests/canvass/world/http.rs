//! HTTP/1.0 over a plain socket: what a script without any library would do.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header lines, as they came.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The body as JSON, of an answer that must have this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

/// A server, and the token to show it.
pub struct Api {
    /// Host and port.
    pub address: String,
    /// The token, if any.
    pub token: Option<String>,
}

impl Api {
    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// `POST` of JSON, with these further headers.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send("POST", path, headers, &body.to_string())
    }

    /// `PATCH` of JSON.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], &body.to_string())
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Vec::new();
        let mut line = |text: String| request.extend(format!("{text}\r\n").into_bytes());
        line(format!("{method} {path} HTTP/1.0"));
        line(format!("Host: {}", self.address));
        if let Some(token) = &self.token {
            line(format!("Authorization: Bearer {token}"));
        }
        for (name, value) in headers {
            line(format!("{name}: {value}"));
        }
        if !body.is_empty() {
            line("Content-Type: application/json".into());
            line(format!("Content-Length: {}", body.len()));
        }
        line(String::new());
        request.extend(body.bytes());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}
