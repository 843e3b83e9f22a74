//! Values and rows that both engines understand.

use std::error::Error as StdError;

use jiff::Timestamp;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::Error;

/// A parameter or a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Time(Timestamp),
}

macro_rules! from {
    ($($from:ty => $make:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                $make(value)
            }
        }
    )+};
}
from! {
    i64 => Value::Int,
    i32 => |v| Value::Int(i64::from(v)),
    u32 => |v| Value::Int(i64::from(v)),
    f64 => Value::Real,
    bool => Value::Bool,
    String => Value::Text,
    &str => |v: &str| Value::Text(v.to_owned()),
    &String => |v: &String| Value::Text(v.clone()),
    Vec<u8> => Value::Bytes,
    &[u8] => |v: &[u8]| Value::Bytes(v.to_vec()),
    Timestamp => Value::Time,
    canvass_model::Npi => |v: canvass_model::Npi| Value::Int(v.as_i64()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use params;

/// RFC 3339 in UTC with six decimals: of one width, so that its order is that of the times.
pub(crate) fn time_text(time: Timestamp) -> String {
    format!("{time:.6}")
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(v) => ToSqlOutput::Borrowed(ValueRef::Integer(*v)),
            Self::Real(v) => ToSqlOutput::Borrowed(ValueRef::Real(*v)),
            Self::Bool(v) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*v))),
            Self::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Self::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Self::Time(v) => ToSqlOutput::Owned(Owned::Text(time_text(*v))),
        })
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Self::Int(v) if *ty == Type::INT2 => i16::try_from(*v)?.to_sql(ty, out),
            #[expect(
                clippy::cast_precision_loss,
                reason = "no count of ours comes near 2^52"
            )]
            Self::Int(v) if *ty == Type::FLOAT8 => (*v as f64).to_sql(ty, out),
            Self::Int(v) => v.to_sql(ty, out),
            Self::Real(v) => v.to_sql(ty, out),
            Self::Bool(v) => v.to_sql(ty, out),
            Self::Text(v) => v.to_sql(ty, out),
            Self::Bytes(v) => v.to_sql(ty, out),
            Self::Time(v) => {
                let since = std::time::Duration::from_micros(u64::try_from(v.as_microsecond())?);
                (std::time::UNIX_EPOCH + since).to_sql(ty, out)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One row of an answer; columns are taken from left to right or by place.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    fn at(&self, i: usize) -> Result<&Value, Error> {
        self.0
            .get(i)
            .ok_or_else(|| Error::corrupt(format!("no column {i}")))
    }

    fn wrong<T>(&self, i: usize, wanted: &str) -> Result<T, Error> {
        Err(Error::corrupt(format!(
            "column {i} is {:?}, not {wanted}",
            self.at(i)?
        )))
    }

    pub(crate) fn int(&self, i: usize) -> Result<i64, Error> {
        match self.at(i)? {
            Value::Int(v) => Ok(*v),
            Value::Null => Ok(0),
            _ => self.wrong(i, "a whole number"),
        }
    }

    pub(crate) fn int_opt(&self, i: usize) -> Result<Option<i64>, Error> {
        match self.at(i)? {
            Value::Null => Ok(None),
            _ => self.int(i).map(Some),
        }
    }

    pub(crate) fn count(&self, i: usize) -> Result<u64, Error> {
        u64::try_from(self.int(i)?).or_else(|_| self.wrong(i, "a count"))
    }

    pub(crate) fn bool(&self, i: usize) -> Result<bool, Error> {
        match self.at(i)? {
            Value::Bool(v) => Ok(*v),
            Value::Int(v) => Ok(*v != 0),
            _ => self.wrong(i, "yes or no"),
        }
    }

    pub(crate) fn text_opt(&self, i: usize) -> Result<Option<String>, Error> {
        match self.at(i)? {
            Value::Text(v) => Ok(Some(v.clone())),
            Value::Null => Ok(None),
            _ => self.wrong(i, "text"),
        }
    }

    pub(crate) fn text(&self, i: usize) -> Result<String, Error> {
        self.text_opt(i)?.map_or_else(|| self.wrong(i, "text"), Ok)
    }

    pub(crate) fn bytes(&self, i: usize) -> Result<Vec<u8>, Error> {
        match self.at(i)? {
            Value::Bytes(v) => Ok(v.clone()),
            _ => self.wrong(i, "bytes"),
        }
    }

    pub(crate) fn bytes_at(&self, i: usize) -> Result<&[u8], Error> {
        match self.at(i)? {
            Value::Bytes(v) => Ok(v),
            _ => self.wrong(i, "bytes"),
        }
    }

    /// A column of bytes, out of a row of which it is not read again.
    pub(crate) fn take_bytes(&mut self, i: usize) -> Result<Vec<u8>, Error> {
        match self.0.get_mut(i) {
            Some(Value::Bytes(v)) => Ok(std::mem::take(v)),
            _ => self.wrong(i, "bytes"),
        }
    }

    /// A column of microseconds since 1970.
    pub(crate) fn micros(&self, i: usize) -> Result<Timestamp, Error> {
        Timestamp::from_microsecond(self.int(i)?).or_else(|_| self.wrong(i, "a time"))
    }

    pub(crate) fn time_opt(&self, i: usize) -> Result<Option<Timestamp>, Error> {
        match self.at(i)? {
            Value::Time(v) => Ok(Some(*v)),
            Value::Text(v) => match v.parse() {
                Ok(time) => Ok(Some(time)),
                Err(_) => self.wrong(i, "a time"),
            },
            Value::Null => Ok(None),
            _ => self.wrong(i, "a time"),
        }
    }

    pub(crate) fn time(&self, i: usize) -> Result<Timestamp, Error> {
        self.time_opt(i)?
            .map_or_else(|| self.wrong(i, "a time"), Ok)
    }

    pub(crate) fn npi(&self, i: usize) -> Result<canvass_model::Npi, Error> {
        canvass_model::Npi::new(self.count(i)?).map_err(|e| Error::corrupt(e.to_string()))
    }

    /// A column that holds one of the words of an enum.
    pub(crate) fn word<T>(&self, i: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        parse(&self.text(i)?).map_or_else(|| self.wrong(i, "a known word"), Ok)
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, i: usize) -> Result<T, Error> {
        serde_json::from_str(&self.text(i)?).map_err(|e| Error::corrupt(format!("column {i}: {e}")))
    }
}

/// The JSON of a value that is known to have one.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::corrupt(e.to_string()))
}
