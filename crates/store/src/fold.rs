//! Folding: what makes case, accents and punctuation irrelevant to a search.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower-case letters and digits without accents, words parted by one space each. Apostrophes and
/// full stops vanish (`O'BRIEN` is `obrien`, `M.D.` is `md`); other punctuation parts words.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        // Nearly all of the registry: what follows below, without looking each letter up.
        for byte in text.bytes() {
            match byte {
                b'\'' | b'.' | b'`' => {}
                b if b.is_ascii_alphanumeric() => folded.push(char::from(b.to_ascii_lowercase())),
                _ if folded.is_empty() || folded.ends_with(' ') => {}
                _ => folded.push(' '),
            }
        }
        folded.truncate(folded.trim_end().len());
        return folded;
    }
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            '\'' | '.' | '`' | '´' | 'ʼ' | '‘' | '’' => {}
            'ß' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'ø' | 'Ø' => folded.push('o'),
            'ł' | 'Ł' => folded.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            'þ' | 'Þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            c if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
            _ if folded.is_empty() || folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The key a list is sorted by: upper case, without accents, punctuation kept, as the registry
/// sorts its answers.
pub fn sort_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_punctuation_are_irrelevant() {
        assert_eq!(fold("O'BRIEN"), fold("obrien"));
        assert_eq!(fold("Müller-Lüdenscheidt"), "muller ludenscheidt");
        assert_eq!(fold("  ST.  JOHN’S , M.D. "), "st johns md");
        assert_eq!(fold("NGUYỄN"), "nguyen");
        assert_eq!(fold("Strauß & Sons"), "strauss sons");
        assert_eq!(fold("Ørsted Łukasz"), "orsted lukasz");
    }

    #[test]
    fn the_sort_key_keeps_what_the_registry_sorts_by() {
        assert_eq!(sort_key("O'Brien Ana"), "O'BRIEN ANA");
        assert_eq!(sort_key("Núñez"), "NUNEZ");
    }

    proptest! {
        #[test]
        fn plain_letters_fold_as_any_others(text in "[ -~]{0,40}") {
            // A letter beyond ASCII takes the other way, and stays apart.
            let other = fold(&format!("{text} é"));
            let plain = fold(&text);
            let plain = if plain.is_empty() { "e".to_owned() } else { format!("{plain} e") };
            prop_assert_eq!(plain, other);
        }

        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn words_are_parted_by_one_space(text in "\\PC{0,40}") {
            let folded = fold(&text);
            prop_assert!(!folded.contains("  ") && folded.trim() == folded);
        }
    }
}
