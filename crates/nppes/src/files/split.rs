//! Splitting one row of a CSV file into its fields.
//!
//! The dissemination files quote every value and most values are empty: of the 330 fields of a row
//! some 300 are `""`. The quick way leans on that and gives up at the first sign of anything else;
//! the strict way then reads the row letter by letter, as RFC 4180 has it.

/// Sixteen empty quoted fields.
const EMPTY_16: &[u8; 48] = br#""","","","","","","","","","","","","","","","","#;
/// Four of them.
const EMPTY_4: &[u8; 12] = br#""","","","","#;
/// One of them.
const EMPTY_1: &[u8; 3] = br#""","#;

/// Why a row can't be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitError {
    /// A quote inside an unquoted field, or letters after the closing quote of a quoted one.
    StrayQuote {
        /// In which field, from 1.
        field: usize,
    },
    /// The row ends inside a quoted field.
    Unclosed {
        /// In which field, from 1.
        field: usize,
    },
}

impl std::fmt::Display for SplitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StrayQuote { field } => {
                write!(
                    f,
                    "field {field} has a quote that neither opens nor closes it"
                )
            }
            Self::Unclosed { field } => {
                write!(f, "the quote that opens field {field} is not closed")
            }
        }
    }
}

/// Splits a row of which every field is quoted and none holds a quote. Calls `on` with the number
/// of the field, from 0, and the place of its value in the row, for each field that is not empty.
///
/// Gives the number of fields, or none when the row is of another form: `on` may have been called
/// for some fields then.
pub(super) fn quick(row: &[u8], mut on: impl FnMut(usize, usize, usize)) -> Option<usize> {
    let mut at = 0;
    let mut field = 0;
    loop {
        let mut rest = row.get(at..)?;
        while begins_with_16(rest) {
            rest = &rest[EMPTY_16.len()..];
            field += 16;
        }
        while rest.first_chunk() == Some(EMPTY_4) {
            rest = &rest[EMPTY_4.len()..];
            field += 4;
        }
        while rest.first_chunk() == Some(EMPTY_1) {
            rest = &rest[EMPTY_1.len()..];
            field += 1;
        }
        at = row.len() - rest.len();
        if *rest.first()? != b'"' {
            return None;
        }
        let length = memchr::memchr(b'"', &rest[1..])?;
        if length > 0 {
            on(field, at + 1, at + 1 + length);
        }
        field += 1;
        match rest.get(length + 2) {
            None => return Some(field),
            Some(b',') => at += length + 3,
            Some(_) => return None,
        }
    }
}

/// Whether a row goes on with [`EMPTY_16`]. Compared as three numbers, which takes a few
/// instructions; arrays of this size are compared by a call.
fn begins_with_16(rest: &[u8]) -> bool {
    rest.first_chunk::<48>().is_some_and(|found| {
        let (found, _) = found.as_chunks::<16>();
        let (empty, _) = EMPTY_16.as_chunks::<16>();
        found
            .iter()
            .zip(empty)
            .all(|(a, b)| u128::from_ne_bytes(*a) == u128::from_ne_bytes(*b))
    })
}

/// Splits any row that RFC 4180 knows, quoted or not. `values` is overwritten with the values, one
/// after another, without their quotes; `on` is called with the number of the field, from 0, and
/// the place of its value in `values`, for each field that is not empty.
///
/// Gives the number of fields.
///
/// # Errors
/// When the quotes of the row do not match.
pub(super) fn strict(
    row: &str,
    values: &mut String,
    mut on: impl FnMut(usize, usize, usize),
) -> Result<usize, SplitError> {
    values.clear();
    let mut rest = row;
    let mut field = 0;
    loop {
        let start = values.len();
        field += 1;
        let more = if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                let (value, after) = rest.split_once('"').ok_or(SplitError::Unclosed { field })?;
                values.push_str(value);
                let Some(escaped) = after.strip_prefix('"') else {
                    rest = after;
                    break;
                };
                values.push('"');
                rest = escaped;
            }
            match rest.strip_prefix(',') {
                Some(after) => {
                    rest = after;
                    true
                }
                None if rest.is_empty() => false,
                None => return Err(SplitError::StrayQuote { field }),
            }
        } else {
            let (value, after) = match rest.split_once(',') {
                Some((value, after)) => (value, Some(after)),
                None => (rest, None),
            };
            if value.contains('"') {
                return Err(SplitError::StrayQuote { field });
            }
            values.push_str(value);
            rest = after.unwrap_or_default();
            after.is_some()
        };
        if values.len() > start {
            on(field - 1, start, values.len());
        }
        if !more {
            return Ok(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quick_fields(row: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let count = quick(row.as_bytes(), |field, start, end| {
            found.push((field, row[start..end].to_owned()));
        })?;
        Some(spread(count, found))
    }

    fn strict_fields(row: &str) -> Result<Vec<String>, SplitError> {
        let mut found = Vec::new();
        let mut values = String::new();
        let count = strict(row, &mut values, |field, start, end| {
            found.push((field, start, end));
        })?;
        let found = found
            .into_iter()
            .map(|(field, start, end)| (field, values[start..end].to_owned()))
            .collect();
        Ok(spread(count, found))
    }

    fn spread(count: usize, found: Vec<(usize, String)>) -> Vec<String> {
        let mut all = vec![String::new(); count];
        for (field, value) in found {
            all[field] = value;
        }
        all
    }

    fn by_csv(row: &str) -> Vec<String> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(row.as_bytes())
            .records()
            .next()
            .unwrap()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect()
    }

    fn written(fields: &[String], style: csv::QuoteStyle) -> String {
        let mut writer = csv::WriterBuilder::new()
            .quote_style(style)
            .from_writer(Vec::new());
        writer.write_record(fields).unwrap();
        let mut row = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(row.pop(), Some('\n'));
        row
    }

    #[test]
    fn runs_of_empty_fields_are_counted() {
        for (length, kept) in (1..70).flat_map(|n| (0..n).map(move |k| (n, k))) {
            let mut fields = vec![String::new(); length];
            fields[kept] = "VALUE".to_owned();
            let row = written(&fields, csv::QuoteStyle::Always);
            assert_eq!(quick_fields(&row).unwrap(), fields);
        }
        assert_eq!(quick_fields("\"\"").unwrap(), [""]);
    }

    #[test]
    fn the_quick_way_leaves_other_forms_to_the_strict_one() {
        for row in [
            r#""a",b"#,
            r#""a""b","c""#,
            r#""a","#,
            r#""a"b,"c""#,
            r#""a","b"#,
            "",
            r#"""#,
        ] {
            assert_eq!(quick_fields(row), None, "{row}");
        }
        assert_eq!(strict_fields(r#""a","#).unwrap(), ["a", ""]);
        assert_eq!(strict_fields("").unwrap(), [""]);
    }

    #[test]
    fn quotes_that_do_not_match_are_named() {
        for (row, error) in [
            (r#""a","b"#, SplitError::Unclosed { field: 2 }),
            (r#""a"b,"c""#, SplitError::StrayQuote { field: 1 }),
            (r#"a,b"c,d"#, SplitError::StrayQuote { field: 2 }),
            (r#"""""#, SplitError::Unclosed { field: 1 }),
        ] {
            assert_eq!(strict_fields(row), Err(error), "{row}");
        }
    }

    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just(String::new()),
            3 => "[A-Z0-9 .,'é]{1,12}",
            1 => "[\"\r\n,a]{0,6}",
            1 => any::<String>(),
        ]
    }

    proptest! {
        #[test]
        fn any_quoted_content_is_split_as_the_csv_crate_does(
            fields in prop::collection::vec(field(), 1..80),
        ) {
            let row = written(&fields, csv::QuoteStyle::Always);
            prop_assert_eq!(&strict_fields(&row).unwrap(), &fields);
            if let Some(quick) = quick_fields(&row) {
                prop_assert_eq!(&quick, &fields);
            } else {
                prop_assert!(fields.iter().any(|f| f.contains('"')));
            }
        }

        #[test]
        fn unquoted_fields_are_split_too(fields in prop::collection::vec(field(), 2..40)) {
            let row = written(&fields, csv::QuoteStyle::Necessary);
            prop_assert_eq!(&strict_fields(&row).unwrap(), &fields);
        }

        #[test]
        fn what_is_accepted_of_any_text_is_split_as_the_csv_crate_does(
            row in "[\",ab ]{1,24}",
        ) {
            if let Ok(fields) = strict_fields(&row) {
                prop_assert_eq!(&fields, &by_csv(&row));
            }
            if let Some(fields) = quick_fields(&row) {
                prop_assert_eq!(fields, by_csv(&row));
            }
        }
    }
}
