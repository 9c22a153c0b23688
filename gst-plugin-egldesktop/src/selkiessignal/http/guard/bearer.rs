//! What a player shows that has no browser around it: a token to watch (RFC 6750).

use std::time::Instant;

use hyper::header::{self, HeaderMap};

use super::{By, Guard, Open, Verdict, Visitor, client, digest, is_local_name};
use crate::selkiessignal::http::capability::Capabilities;
use crate::selkiessignal::http::listen::Peer;
use crate::selkiessignal::roster::Access;

impl Guard {
    /// As [`Guard::judge`], and by a token: a link to watch that is good for everybody, or the password to watch.
    pub(in super::super) fn judge_player(
        &self,
        peer: Peer,
        headers: &HeaderMap,
        capabilities: &Capabilities,
        now: Instant,
    ) -> Verdict {
        let Some(token) = token(headers) else { return self.judge(peer, headers, capabilities, now) };
        if self.open == Open::Local && !is_local_name(peer, headers) {
            return Verdict::Foreign;
        }
        let address = client::address(peer, headers, &self.proxies);
        // Held while the token is compared: many at once are as many guesses.
        let mut limiter = self.limiter();
        if let Some(wait) = limiter.wait(address, now) {
            return Verdict::Locked(wait);
        }
        let watches = |link| Verdict::In(Visitor { access: Access::View, by: By::Token(link) });
        if let Some(link) = capabilities.guest(token, now) {
            return watches(Some(link));
        }
        if self.passwords.as_ref().is_some_and(|passwords| passwords.is_to_watch(token)) {
            return watches(None);
        }
        // Where something else lets in, the token is for that.
        let proxy = self.proxy_login.as_ref().and_then(|login| login.access(peer, headers));
        if let Some(access) = proxy {
            return Verdict::In(Visitor { access, by: By::Proxy });
        }
        if self.open != Open::No {
            return Verdict::In(Visitor { access: Access::View, by: By::Nothing });
        }
        limiter.failed(address, digest(token.as_bytes()), now);
        Verdict::Wrong
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{PASSWORDS, guard, headers, peer, settings};
    use super::*;

    #[test]
    fn a_token_lets_watch_and_nothing_else() {
        let (guard, capabilities, now) = guard(&settings());
        let fields = |token: &str| headers(&[("authorization", &format!("bearer {token}"))]);
        let judge = |token: &str| guard.judge_player(peer("192.0.2.1"), &fields(token), &capabilities, now);
        let hour = Duration::from_secs(3600);
        let link = capabilities.link(false, hour, now).unwrap();
        for token in [PASSWORDS.1, &link] {
            let Verdict::In(visitor) = judge(token) else { panic!("{token} does not let in") };
            assert_eq!(visitor.access, Access::View);
            assert_eq!(visitor.link().is_some(), token == link);
            let elsewhere = guard.judge(peer("192.0.2.2"), &fields(token), &capabilities, now);
            assert_eq!(elsewhere, Verdict::Wrong, "a page is no player");
        }
        let once = capabilities.link(true, hour, now).unwrap();
        let session = capabilities.session(Access::Control, hour, now).unwrap();
        for wrong in [PASSWORDS.0, "", "x", &once] {
            assert_eq!(judge(wrong), Verdict::Wrong, "{wrong}");
        }
        capabilities.revoke_links(now);
        for wrong in [link.as_str(), &session] {
            assert!(matches!(judge(wrong), Verdict::Wrong | Verdict::Locked(_)));
        }
        assert!(matches!(judge(PASSWORDS.1), Verdict::Locked(_)), "who guesses has to wait");
    }
}
