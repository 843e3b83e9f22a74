use std::fmt;

use crate::Error;

/// Something that proves who somebody is. It is shown once, to that somebody, and kept as a hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A password for somebody who has none yet: as random as a code.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn password() -> Result<Self, Error> {
        Self::code()
    }

    /// 256 random bits in hexadecimal after a prefix that says what it is for.
    pub(super) fn random(prefix: &str) -> Result<Self, Error> {
        let bits: [u8; 32] = random()?;
        Ok(Self(format!(
            "{prefix}{}",
            blake3::Hash::from_bytes(bits).to_hex()
        )))
    }

    /// A code to be typed: 80 random bits as four groups of four letters and digits, without
    /// those that look alike (Crockford's base 32).
    pub(super) fn code() -> Result<Self, Error> {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits: [u8; 16] = random()?;
        let letters: Vec<char> = bits
            .iter()
            .map(|b| char::from(ALPHABET[usize::from(b % 32)]))
            .collect();
        let groups: Vec<String> = letters.chunks(4).map(|g| g.iter().collect()).collect();
        Ok(Self(groups.join("-")))
    }

    pub(super) fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is kept of a secret. It has so many random bits that a plain hash can't be turned back.
pub(super) fn hash(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}

/// What is kept of a code, however it was typed.
pub(super) fn code_hash(code: &str) -> String {
    let typed: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect();
    blake3::hash(typed.as_bytes()).to_hex().to_string()
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::Internal(format!("the system gives no random bytes: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::random("cvs_").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose().len(), 68);
        assert_ne!(secret, Secret::random("cvs_").unwrap());
    }

    #[test]
    fn a_code_may_be_typed_carelessly() {
        let code = Secret::code().unwrap();
        assert_eq!(code.expose().len(), 19);
        let typed = format!(" {} ", code.expose().replace('-', " ").to_lowercase());
        assert_eq!(code_hash(&typed), code_hash(code.expose()));
        assert_eq!(code_hash("o1-iL"), code_hash("0111"));
    }
}
