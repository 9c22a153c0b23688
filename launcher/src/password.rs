//! The password of the web page: the one that is set, else a random one. There is no default password.

use anyhow::Context as _;

use crate::settings::{Secret, Settings};

/// Without the letters and digits that look alike in some fonts (0 O, 1 I l): people copy this from a terminal by eye.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// 20 of 57 letters: 116 bits.
const LENGTH: usize = 20;

/// Who may come in.
#[derive(Debug)]
pub(crate) enum Access {
    /// Basic authentication is off.
    Open,
    /// The password of a variable.
    Set { password: Secret, variable: &'static str },
    /// Nobody set one, so it was made for this run.
    Random { password: Secret },
}

impl Access {
    pub(crate) fn of(settings: &Settings) -> anyhow::Result<Self> {
        if !settings.basic_auth {
            return Ok(Self::Open);
        }
        Ok(match &settings.password {
            Some((password, variable)) => Self::Set { password: password.clone(), variable },
            None => Self::Random { password: random()? },
        })
    }

    pub(crate) fn password(&self) -> Option<&Secret> {
        match self {
            Self::Open => None,
            Self::Set { password, .. } | Self::Random { password } => Some(password),
        }
    }
}

fn random() -> anyhow::Result<Secret> {
    let mut text = String::with_capacity(LENGTH);
    while text.len() < LENGTH {
        let mut bytes = [0; 2 * LENGTH];
        getrandom::fill(&mut bytes).context("the system's random number generator failed")?;
        text.extend(letters(&bytes).take(LENGTH - text.len()));
    }
    Ok(Secret::new(text))
}

/// Bytes that would make the first letters of the alphabet likelier than the others are left out.
fn letters(bytes: &[u8]) -> impl Iterator<Item = char> {
    let fair = 256 - 256 % ALPHABET.len();
    bytes
        .iter()
        .map(|&byte| usize::from(byte))
        .filter(move |&byte| byte < fair)
        .map(|byte| char::from(ALPHABET[byte % ALPHABET.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    #[test]
    fn random_passwords_are_long_readable_and_different() {
        let (first, second) = (random().unwrap(), random().unwrap());
        assert_ne!(first, second);
        assert_eq!(first.expose().len(), LENGTH);
        assert!(first.expose().bytes().all(|letter| ALPHABET.contains(&letter)));
        assert!(!ALPHABET.iter().any(|letter| b"0O1Il".contains(letter)));
    }

    #[test]
    fn every_letter_is_equally_likely() {
        let all: Vec<u8> = (0..=255).collect();
        let mut counts = [0; 128];
        letters(&all).for_each(|letter| counts[letter as usize] += 1);
        assert!(ALPHABET.iter().all(|&letter| counts[usize::from(letter)] == 256 / ALPHABET.len()));
    }

    #[test]
    fn a_password_is_made_only_where_one_is_needed() {
        let access = |pairs| Access::of(&Settings::read(&pairs).unwrap()).unwrap();
        assert!(matches!(access(Environment::from([])), Access::Random { .. }));
        assert!(matches!(access(Environment::from([("PASSWD", "x")])), Access::Set { variable: "PASSWD", .. }));
        assert!(matches!(access(Environment::from([("ENABLE_BASIC_AUTH", "false")])), Access::Open));
    }
}
