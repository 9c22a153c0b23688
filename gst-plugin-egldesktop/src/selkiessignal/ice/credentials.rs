//! Short-lived TURN credentials made of a shared secret (draft-uberti-behave-turn-rest-00).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};

/// How long a credential is good for, as Selkies has it.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// User name and password for `user` from `now` on. coTURN's `use-auth-secret` checks them; `separator` is its
/// `rest-api-separator`.
pub(super) fn make(secret: &str, user: &str, separator: char, now: SystemTime) -> (String, String) {
    let expiry = (now + LIFETIME).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // A colon would be a separator in the name, for whoever splits at colons.
    let username = format!("{expiry}{separator}{}", user.replace(':', "-"));
    let password = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(username.as_bytes()).finalize().into_bytes())
        .map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes))
        // HMAC takes keys of any length (RFC 2104).
        .unwrap_or_default();
    (username, password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_openssl_computes_it() {
        let at = UNIX_EPOCH + Duration::from_secs(1_000_000);
        // printf 1086400:a-b | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(make("north", "a:b", ':', at), ("1086400:a-b".into(), "yc1HaAXA2+0aLgs7yu/Iio9d+Fs=".into()));
        // The same with the separator of old servers.
        assert_eq!(make("north", "a:b", '-', at), ("1086400-a-b".into(), "5S2fKQmrhSzm/lOoXutN2BtI3XM=".into()));
    }
}
