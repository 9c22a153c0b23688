//! Slows down who guesses passwords. Pure: the time comes from the caller.
//!
//! What counts is where guesses come from: an IPv4 address, or the /64 of an IPv6 address, which is what one customer has
//! at least. After a few wrong guesses nobody from there is heard for a second, after the next one for two, and so on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::auth::Digest;

/// Places that are remembered, at some 100 bytes each.
const MAX_PLACES: usize = 10_000;
/// A place from where nothing wrong has come for so long is forgotten.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// The first time that nobody is heard.
const FIRST: Duration = Duration::from_secs(1);

/// How much is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Wrong guesses that cost nothing.
    pub(super) attempts: u32,
    /// The longest that nobody is heard.
    pub(super) longest: Duration,
}

/// Where a guess comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    V4(Ipv4Addr),
    /// The first half of the address.
    V6(u64),
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

#[derive(Debug)]
struct Record {
    failures: u32,
    /// The last guess. A browser that repeats an old password learns nothing, so it is no further guess.
    last: Digest,
    at: Instant,
    /// Nobody is heard before.
    until: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    records: HashMap<Place, Record>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, records: HashMap::new() }
    }

    /// How long nobody from there is heard; `None` where somebody is.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let until = self.records.get(&address.into())?.until;
        until.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// Somebody there gave this wrong password.
    pub(super) fn failed(&mut self, address: IpAddr, guess: Digest, now: Instant) {
        let place = Place::from(address);
        if !self.records.contains_key(&place) {
            self.make_room(now);
        }
        let record = self.records.entry(place).or_insert(Record { failures: 0, last: guess, at: now, until: now });
        if record.failures > 0 && record.last == guess {
            return;
        }
        (record.failures, record.last, record.at) = (record.failures.saturating_add(1), guess, now);
        if let Some(beyond) = record.failures.checked_sub(self.limits.attempts) {
            record.until = now + FIRST.saturating_mul(1 << beyond.min(30)).min(self.limits.longest);
        }
    }

    /// Somebody there knows the password.
    pub(super) fn succeeded(&mut self, address: IpAddr) {
        self.records.remove(&address.into());
    }

    /// Who has a million addresses must not use up our memory. Those go first who have guessed least.
    fn make_room(&mut self, now: Instant) {
        if self.records.len() < MAX_PLACES {
            return;
        }
        self.records.retain(|_, record| now.saturating_duration_since(record.at) < MEMORY);
        while self.records.len() >= MAX_PLACES {
            let least = self.records.iter().min_by_key(|(_, record)| (record.failures, record.at));
            let Some(place) = least.map(|(place, _)| *place) else { return };
            self.records.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { attempts: 5, longest: Duration::from_secs(900) };

    fn guess(number: u64) -> Digest {
        let mut digest = Digest::default();
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_guess_after_the_fifth_doubles_the_time() {
        let (mut limiter, mut now) = (Limiter::new(LIMITS), Instant::now());
        let here = ip("192.0.2.1");
        let mut waits = Vec::new();
        for number in 0..17 {
            limiter.failed(here, guess(number), now);
            let wait = limiter.wait(here, now);
            waits.push(wait.map_or(0, |wait| wait.as_secs()));
            now += wait.unwrap_or_default();
            assert_eq!(limiter.wait(here, now), None, "it is over when it said");
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(limiter.wait(ip("192.0.2.2"), now), None, "the neighbour is another one");
        limiter.succeeded(here);
        limiter.failed(here, guess(99), now);
        assert_eq!(limiter.wait(here, now), None, "who knows it starts afresh");
    }

    #[test]
    fn the_same_wrong_password_again_is_no_guess() {
        let (mut limiter, now) = (Limiter::new(LIMITS), Instant::now());
        for _ in 0..1000 {
            limiter.failed(ip("192.0.2.1"), guess(1), now);
        }
        assert_eq!(limiter.wait(ip("192.0.2.1"), now), None);
    }

    #[test]
    fn a_whole_64_counts_as_one_and_mapped_addresses_as_what_they_are() {
        let (mut limiter, now) = (Limiter::new(LIMITS), Instant::now());
        for number in 0..5 {
            limiter.failed(ip(&format!("2001:db8:1:2:{number}::1")), guess(number), now);
            limiter.failed(ip("::ffff:192.0.2.1"), guess(number), now);
        }
        assert!(limiter.wait(ip("2001:db8:1:2:ffff::"), now).is_some());
        assert!(limiter.wait(ip("2001:db8:1:3::1"), now).is_none());
        assert!(limiter.wait(ip("192.0.2.1"), now).is_some());
    }

    #[test]
    fn a_million_addresses_neither_use_memory_nor_free_who_guessed_more() {
        let (mut limiter, now) = (Limiter::new(LIMITS), Instant::now());
        for number in 0..6 {
            limiter.failed(ip("192.0.2.1"), guess(number), now);
        }
        for number in 0..MAX_PLACES as u128 + 50 {
            limiter.failed(IpAddr::V6((number << 64).into()), guess(1), now);
        }
        assert_eq!(limiter.records.len(), MAX_PLACES);
        assert!(limiter.wait(ip("192.0.2.1"), now).is_some());
        // Tomorrow nobody of them is remembered.
        limiter.failed(ip("198.51.100.1"), guess(1), now + MEMORY);
        assert_eq!(limiter.records.len(), 1);
    }

    proptest! {
        /// However guesses are spread over time, no more than the limit allow get through: the free ones, and then one for
        /// each time that has passed.
        #[test]
        fn no_schedule_of_guesses_beats_the_limit(pauses in prop::collection::vec(0u64..2000, 1..200)) {
            let (mut limiter, start) = (Limiter::new(LIMITS), Instant::now());
            let (mut now, mut heard) = (start, 0u32);
            for (number, pause) in pauses.into_iter().enumerate() {
                now += Duration::from_secs(pause);
                if limiter.wait(ip("192.0.2.1"), now).is_none() {
                    limiter.failed(ip("192.0.2.1"), guess(number as u64), now);
                    heard += 1;
                }
            }
            let mut needed = Duration::ZERO;
            for beyond in 0..heard.saturating_sub(LIMITS.attempts) {
                needed += FIRST.saturating_mul(1 << beyond.min(30)).min(LIMITS.longest);
            }
            prop_assert!(now - start >= needed, "{heard} in {:?}", now - start);
        }
    }
}
