//! Who is connected, and who of them controls the desktop. Pure: the hub keeps it, and asks it for each message.

use std::net::IpAddr;

use selkies_protocol::control::{ViewerEntry, Viewers};

use super::http::LinkId;
use super::settings::ControlPolicy;

/// The most that a login allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To watch, and to control.
    Control,
    /// To watch and listen.
    View,
}

/// Who a viewer is, as its login told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    pub(super) access: Access,
    /// The link that it came by.
    pub(super) link: Option<LinkId>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    id: u64,
    caller: Caller,
    /// A second connection for sound only (Selkies' clients) is no viewer of its own.
    sound_only: bool,
    /// The page it belongs to, which may have several.
    page: Option<String>,
    /// Its page uses another one: it is no viewer of its own either, and controls nothing.
    standby: bool,
    /// It has asked for control, and there is no answer yet.
    asks: bool,
}

/// What a connection says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Joining<'a> {
    pub(super) sound_only: bool,
    pub(super) wants_control: bool,
    /// See [`selkies_protocol::signalling::Hello::page`].
    pub(super) page: Option<&'a str>,
}

/// Why something about control was refused; the text goes to the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("too many viewers ({0})")]
    TooMany(usize),
    #[error("You may watch only: control needs the full password")]
    ViewOnly,
    #[error("Somebody else controls the desktop, and keeps control until giving it away or leaving")]
    Occupied,
    #[error("Only who controls the desktop may do that")]
    NotInControl,
    #[error("That viewer has left")]
    NoSuchViewer,
    #[error("That viewer may watch only")]
    CannotControl,
    #[error("This connection is not in use")]
    Standby,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Roster {
    policy: ControlPolicy,
    /// A bound, so that connections can't use up the machine.
    most: usize,
    members: Vec<Member>,
    /// Nobody where the policy is to share.
    controller: Option<u64>,
}

impl Roster {
    pub(super) fn new(policy: ControlPolicy, most: usize) -> Self {
        Self { policy, most, members: Vec::new(), controller: None }
    }

    /// Adds a connection. One that wants control gets it where its login and the policy allow. Where its page has one
    /// already, it stands by until [`Self::use_connection`], or until the other one leaves.
    pub(super) fn join(&mut self, id: u64, caller: Caller, joining: Joining<'_>) -> Result<(), Refusal> {
        if self.members.len() >= self.most {
            return Err(Refusal::TooMany(self.most));
        }
        let Joining { sound_only, wants_control, page } = joining;
        let mut member = Member { id, caller, sound_only, page: page.map(str::to_owned), standby: false, asks: false };
        member.standby = self.members.iter().any(|other| other.is_of_the_page_of(&member));
        let standby = member.standby;
        self.members.push(member);
        if wants_control && !standby {
            // A refusal is no reason to turn a viewer away: it watches.
            let _ = self.take(id);
        }
        Ok(())
    }

    /// Of the connections of a page, `id` is the one in use from now on: what the other one had is its own.
    pub(super) fn use_connection(&mut self, id: u64) -> Result<(), Refusal> {
        let chosen = self.find(id)?.clone();
        let (mut had_control, mut asks) = (false, chosen.asks);
        for member in &mut self.members {
            if member.is_of_the_page_of(&chosen) {
                member.standby = true;
                had_control |= self.controller == Some(member.id);
                asks |= std::mem::take(&mut member.asks);
            }
        }
        let member = self.find_mut(id)?;
        (member.standby, member.asks) = (false, asks);
        if had_control {
            self.hand_to(id);
        }
        Ok(())
    }

    /// Removes a connection. Its page goes on with the one that stands by; else who has asked for control has it, or the
    /// only viewer that is left of those who may.
    pub(super) fn leave(&mut self, id: u64) {
        let Ok(gone) = self.find(id).cloned() else { return };
        let successor = self.members.iter().find(|other| other.id != id && other.is_of_the_page_of(&gone));
        if let Some(successor) = successor.map(|member| member.id).filter(|_| !gone.standby) {
            let _ = self.use_connection(successor);
        }
        self.members.retain(|member| member.id != id);
        if self.controller == Some(id) {
            self.controller = None;
            if let Some(successor) = self.successor() {
                self.hand_to(successor);
            }
        }
    }

    /// Who controls when nobody does: nobody is chosen among several.
    fn successor(&self) -> Option<u64> {
        let candidates = || self.members.iter().filter(|member| member.may_control() && !member.standby);
        let asking = candidates().any(|member| member.asks);
        let mut candidates = candidates().filter(|member| member.asks || !asking);
        let only = candidates.next()?;
        candidates.next().is_none().then_some(only.id)
    }

    /// Makes `id` the one who controls, which is all that it can have asked for.
    fn hand_to(&mut self, id: u64) {
        self.controller = Some(id);
        if let Ok(member) = self.find_mut(id) {
            member.asks = false;
        }
    }

    /// Gives control to `id`, who asks for it.
    pub(super) fn take(&mut self, id: u64) -> Result<(), Refusal> {
        let member = self.find(id)?;
        if member.standby {
            return Err(Refusal::Standby);
        }
        if !member.may_control() {
            return Err(Refusal::ViewOnly);
        }
        match (self.policy, self.controller) {
            (ControlPolicy::Shared, _) => {}
            (ControlPolicy::First, Some(other)) if other != id => return Err(Refusal::Occupied),
            (ControlPolicy::First | ControlPolicy::Takeover, _) => self.hand_to(id),
        }
        Ok(())
    }

    /// `id` asks who controls for control; where nobody does, there is no need to.
    pub(super) fn ask(&mut self, id: u64) -> Result<(), Refusal> {
        let occupied =
            self.policy != ControlPolicy::Shared && self.controller.is_some_and(|controller| controller != id);
        let member = self.find_mut(id)?;
        if occupied && member.may_control() && !member.standby {
            member.asks = true;
            return Ok(());
        }
        self.take(id)
    }

    /// Who controls says no to `whom`.
    pub(super) fn refuse(&mut self, by: u64, whom: u64) -> Result<(), Refusal> {
        self.require_control(by)?;
        self.find_mut(whom)?.asks = false;
        Ok(())
    }

    /// Whether `id` may control, but only when who does agrees.
    fn must_ask(&self, id: u64) -> bool {
        self.policy == ControlPolicy::First
            && self.controller.is_some_and(|controller| controller != id)
            && self.find(id).is_ok_and(|member| member.may_control() && !member.standby)
    }

    /// Hands control over.
    pub(super) fn give(&mut self, by: u64, to: u64) -> Result<(), Refusal> {
        self.require_control(by)?;
        if !self.find(to)?.may_control() {
            return Err(Refusal::CannotControl);
        }
        if self.policy != ControlPolicy::Shared {
            self.hand_to(to);
        }
        Ok(())
    }

    /// Ends the session of `whom`, with its connection for sound; returns the link it came by, which is void then.
    pub(super) fn kick(&mut self, by: u64, whom: u64) -> Result<Option<LinkId>, Refusal> {
        self.require_control(by)?;
        let member = self.find(whom)?.clone();
        let caller = member.caller;
        self.members.retain(|other| other.id == whom || !other.is_of_the_page_of(&member));
        self.leave(whom);
        self.members.retain(|member| !(member.sound_only && member.caller.address == caller.address));
        Ok(caller.link)
    }

    /// Ends the sessions of all who came by a link; they only watch.
    pub(super) fn end_guests(&mut self) {
        self.members.retain(|member| member.caller.link.is_none());
    }

    /// Whether `id` controls the desktop.
    pub(super) fn controls(&self, id: u64) -> bool {
        match self.policy {
            ControlPolicy::Shared => self.find(id).is_ok_and(|member| member.may_control() && !member.standby),
            ControlPolicy::First | ControlPolicy::Takeover => self.controller == Some(id),
        }
    }

    /// Whether `id` is still one of them.
    pub(super) fn contains(&self, id: u64) -> bool {
        self.find(id).is_ok()
    }

    /// How many connections are in use.
    pub(super) fn connections(&self) -> usize {
        self.members.iter().filter(|member| !member.standby).count()
    }

    /// What `you` may know of it.
    pub(super) fn seen_by(&self, you: u64) -> Viewers {
        let control = self.controls(you);
        let viewers = || self.members.iter().filter(|member| !member.sound_only && !member.standby);
        let entry = |member: &Member| ViewerEntry {
            id: member.id,
            address: member.caller.address.to_canonical().to_string(),
            control: self.controls(member.id),
            may_control: member.may_control(),
            asks: member.asks,
        };
        Viewers {
            you,
            control,
            may_control: self.find(you).is_ok_and(Member::may_control),
            must_ask: self.must_ask(you),
            asks: self.find(you).is_ok_and(|member| member.asks),
            count: viewers().count(),
            list: if control { viewers().map(entry).collect() } else { Vec::new() },
        }
    }

    fn find(&self, id: u64) -> Result<&Member, Refusal> {
        self.members.iter().find(|member| member.id == id).ok_or(Refusal::NoSuchViewer)
    }

    fn find_mut(&mut self, id: u64) -> Result<&mut Member, Refusal> {
        self.members.iter_mut().find(|member| member.id == id).ok_or(Refusal::NoSuchViewer)
    }

    fn require_control(&self, id: u64) -> Result<(), Refusal> {
        if self.controls(id) { Ok(()) } else { Err(Refusal::NotInControl) }
    }
}

impl Member {
    fn may_control(&self) -> bool {
        self.caller.access == Access::Control && !self.sound_only
    }

    /// Whether both are connections of one page. What a page calls itself opens nothing that its login does not.
    fn is_of_the_page_of(&self, other: &Self) -> bool {
        let (mine, others) = (&self.caller, &other.caller);
        self.page.is_some()
            && (&self.page, mine.access, mine.link) == (&other.page, others.access, others.link)
            && self.id != other.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(policy: ControlPolicy, members: &[(u64, Access)]) -> Roster {
        let mut roster = Roster::new(policy, 64);
        for &(id, access) in members {
            let caller = Caller { address: [192, 0, 2, id as u8].into(), access, link: None };
            roster.join(id, caller, Joining { wants_control: true, ..Joining::default() }).unwrap();
        }
        roster
    }

    fn controlling(roster: &Roster) -> Vec<u64> {
        (0..10).filter(|&id| roster.controls(id)).collect()
    }

    #[test]
    fn the_policy_decides_who_controls_when_a_second_one_comes() {
        let two = [(1, Access::Control), (2, Access::Control)];
        assert_eq!(controlling(&roster(ControlPolicy::Takeover, &two)), [2]);
        assert_eq!(controlling(&roster(ControlPolicy::First, &two)), [1]);
        assert_eq!(controlling(&roster(ControlPolicy::Shared, &two)), [1, 2]);
        assert_eq!(roster(ControlPolicy::First, &two).take(2), Err(Refusal::Occupied));
    }

    #[test]
    fn who_may_watch_only_never_controls() {
        for policy in [ControlPolicy::Takeover, ControlPolicy::First, ControlPolicy::Shared] {
            let mut roster = roster(policy, &[(1, Access::Control), (2, Access::View)]);
            assert_eq!(controlling(&roster), [1]);
            assert_eq!(roster.take(2), Err(Refusal::ViewOnly));
            assert_eq!(roster.give(1, 2), Err(Refusal::CannotControl));
            assert_eq!(roster.give(2, 2), Err(Refusal::NotInControl));
            assert_eq!(roster.kick(2, 1), Err(Refusal::NotInControl));
            roster.leave(1);
            assert_eq!(controlling(&roster), [0; 0]);
        }
    }

    #[test]
    fn control_is_given_away_and_comes_back() {
        let mut roster = roster(ControlPolicy::First, &[(1, Access::Control), (2, Access::Control)]);
        roster.give(1, 2).unwrap();
        assert_eq!(controlling(&roster), [2]);
        assert_eq!(roster.give(1, 1), Err(Refusal::NotInControl));
        // The only one left.
        roster.leave(2);
        assert_eq!(controlling(&roster), [1]);
    }

    #[test]
    fn who_asks_for_control_gets_an_answer() {
        let three = [(1, Access::Control), (2, Access::Control), (3, Access::View)];
        let mut roster = roster(ControlPolicy::First, &three);
        let asking = |roster: &Roster| {
            let list = roster.seen_by(1).list;
            list.iter().filter(|entry| entry.asks).map(|entry| entry.id).collect::<Vec<_>>()
        };
        assert_eq!(roster.ask(3), Err(Refusal::ViewOnly));
        assert!(roster.seen_by(2).must_ask && !roster.seen_by(1).must_ask && !roster.seen_by(3).must_ask);
        roster.ask(2).unwrap();
        assert_eq!((asking(&roster), roster.seen_by(2).asks, controlling(&roster)), (vec![2], true, vec![1]));
        assert_eq!(roster.refuse(3, 2), Err(Refusal::NotInControl));
        roster.refuse(1, 2).unwrap();
        assert_eq!((asking(&roster), roster.seen_by(2).asks), (vec![], false));
        roster.ask(2).unwrap();
        roster.give(1, 2).unwrap();
        assert_eq!((controlling(&roster), roster.seen_by(2).asks), (vec![2], false));
        assert_eq!(roster.refuse(2, 9), Err(Refusal::NoSuchViewer));
    }

    #[test]
    fn who_has_asked_comes_after_who_leaves() {
        let three = [(1, Access::Control), (2, Access::Control), (3, Access::Control)];
        let mut roster = roster(ControlPolicy::First, &three);
        roster.ask(3).unwrap();
        roster.leave(1);
        assert_eq!((controlling(&roster), roster.seen_by(3).asks), (vec![3], false));
        // Where control is free for the taking, nobody is asked.
        roster.leave(3);
        roster.leave(2);
        let caller = Caller { address: [192, 0, 2, 4].into(), access: Access::Control, link: None };
        for id in [4, 5] {
            roster.join(id, caller, Joining::default()).unwrap();
        }
        roster.ask(5).unwrap();
        assert_eq!(controlling(&roster), [5]);
    }

    #[test]
    fn nobody_is_chosen_among_several() {
        let all = [(1, Access::Control), (2, Access::Control), (3, Access::Control)];
        let mut roster = roster(ControlPolicy::Takeover, &all);
        roster.leave(3);
        assert_eq!(controlling(&roster), [0; 0]);
        roster.take(1).unwrap();
        assert_eq!(controlling(&roster), [1]);
    }

    #[test]
    fn who_was_watching_goes_on_watching_after_a_lost_connection() {
        let mut roster = roster(ControlPolicy::Takeover, &[(1, Access::Control)]);
        let caller = Caller { address: [192, 0, 2, 2].into(), access: Access::Control, link: None };
        roster.join(2, caller, Joining::default()).unwrap();
        assert_eq!(controlling(&roster), [1]);
    }

    #[test]
    fn a_kick_takes_the_sound_along_and_voids_the_link() {
        let mut roster = roster(ControlPolicy::Takeover, &[(1, Access::Control)]);
        let caller = Caller { address: [192, 0, 2, 9].into(), access: Access::View, link: Some(LinkId::for_test(5)) };
        roster.join(2, caller, Joining { wants_control: true, ..Joining::default() }).unwrap();
        roster.join(3, caller, Joining { sound_only: true, wants_control: true, ..Joining::default() }).unwrap();
        assert_eq!(roster.seen_by(1).count, 2);
        assert_eq!(roster.kick(1, 2), Ok(Some(LinkId::for_test(5))));
        assert!(roster.contains(1) && !roster.contains(2) && !roster.contains(3));
        assert_eq!(roster.kick(1, 2), Err(Refusal::NoSuchViewer));
    }

    #[test]
    fn addresses_are_for_who_controls() {
        let roster = roster(ControlPolicy::First, &[(1, Access::Control), (2, Access::View)]);
        assert_eq!(roster.seen_by(1).list.len(), 2);
        let watching = roster.seen_by(2);
        assert!(watching.list.is_empty() && watching.count == 2 && !watching.control && !watching.may_control);
    }

    #[test]
    fn a_page_is_one_viewer_however_many_connections_it_has() {
        for policy in [ControlPolicy::Takeover, ControlPolicy::First, ControlPolicy::Shared] {
            let mut roster = roster(policy, &[(1, Access::View)]);
            let caller = Caller { address: [192, 0, 2, 2].into(), access: Access::Control, link: None };
            let joining = Joining { wants_control: true, page: Some("0123456789abcdef"), ..Joining::default() };
            roster.join(2, caller, joining).unwrap();
            roster.join(3, caller, joining).unwrap();
            assert_eq!((controlling(&roster), roster.seen_by(2).count, roster.connections()), (vec![2], 2, 2));
            assert_eq!(roster.take(3), Err(Refusal::Standby));
            roster.use_connection(3).unwrap();
            assert_eq!((controlling(&roster), roster.seen_by(3).count), (vec![3], 2));
            // The one in use breaks: the other one takes over, with control, though a third person watches.
            roster.leave(3);
            assert_eq!(controlling(&roster), [2]);
        }
    }

    #[test]
    fn the_name_of_a_page_opens_nothing() {
        let mut roster = Roster::new(ControlPolicy::First, 64);
        let joining = Joining { wants_control: true, page: Some("0123456789abcdef"), ..Joining::default() };
        for (id, access) in [(1, Access::Control), (2, Access::View)] {
            let caller = Caller { address: [192, 0, 2, 2].into(), access, link: None };
            roster.join(id, caller, joining).unwrap();
        }
        roster.use_connection(2).unwrap();
        assert_eq!(controlling(&roster), [1]);
    }

    #[test]
    fn a_kick_ends_all_connections_of_a_page() {
        let mut roster = roster(ControlPolicy::First, &[(1, Access::Control)]);
        let caller = Caller { address: [192, 0, 2, 2].into(), access: Access::View, link: None };
        for id in [2, 3] {
            roster.join(id, caller, Joining { page: Some("0123456789abcdef"), ..Joining::default() }).unwrap();
        }
        roster.kick(1, 2).unwrap();
        assert!(roster.contains(1) && !roster.contains(2) && !roster.contains(3));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut roster = Roster::new(ControlPolicy::Takeover, 64);
        let caller = Caller { address: [192, 0, 2, 1].into(), access: Access::View, link: None };
        for id in 0..64 {
            roster.join(id, caller, Joining::default()).unwrap();
        }
        assert_eq!(roster.join(99, caller, Joining::default()), Err(Refusal::TooMany(64)));
    }
}
