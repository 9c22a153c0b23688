//! The connection to the X server that all parts of the input share.

use std::os::fd::AsFd as _;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, CreateWindowAux, EventMask, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::capture::Waker;

/// Why the X server can't be controlled.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("cannot connect: {0}")]
    Connect(#[from] ConnectError),
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server refused a request: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X server refused a request: {0}")]
    ReplyOrId(#[from] ReplyOrIdError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error("cannot wait for the X server: {0}")]
    Wait(#[from] rustix::io::Errno),
}

x11rb::atom_manager! {
    /// The atoms that are used anywhere here.
    pub(super) Atoms:
    AtomsCookie {
        CLIPBOARD,
        TARGETS,
        MULTIPLE,
        TIMESTAMP,
        INCR,
        TEXT,
        ATOM_PAIR,
        UTF8_STRING,
        TEXT_PLAIN: b"text/plain",
        TEXT_PLAIN_UTF8: b"text/plain;charset=utf-8",
        TEXT_HTML: b"text/html",
        IMAGE_PNG: b"image/png",
        EGLDESKTOP_SELECTION,
        MANAGER,
        WM_PROTOCOLS,
        _NET_WM_PING,
        XSETTINGS_S0: b"_XSETTINGS_S0",
        XSETTINGS_SETTINGS: b"_XSETTINGS_SETTINGS",
    }
}

/// See the module.
pub(super) struct Display {
    pub(super) connection: RustConnection,
    pub(super) root: Window,
    /// A window of ours that is never shown, for what needs one.
    pub(super) window: Window,
    pub(super) atoms: Atoms,
    /// Width and height of the screen, as of the events seen so far.
    pub(super) size: (u16, u16),
}

impl Display {
    /// What is listened to on the root window.
    pub(super) const ROOT_EVENTS: EventMask = EventMask::STRUCTURE_NOTIFY;

    /// Connects to a display such as `:0`, or to `$DISPLAY`.
    pub(super) fn open(display_name: Option<&str>) -> Result<Self, InputError> {
        let (connection, number) = x11rb::connect(display_name)?;
        let screen = &connection.setup().roots[number];
        let (root, size) = (screen.root, (screen.width_in_pixels, screen.height_in_pixels));
        let atoms = Atoms::new(&connection)?.reply()?;
        let attributes = ChangeWindowAttributesAux::new().event_mask(Self::ROOT_EVENTS);
        connection.change_window_attributes(root, &attributes)?.check()?;
        let window = connection.generate_id()?;
        let attributes = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection
            .create_window(
                0,
                window,
                root,
                -1,
                -1,
                1,
                1,
                0,
                WindowClass::INPUT_ONLY,
                x11rb::COPY_FROM_PARENT,
                &attributes,
            )?
            .check()?;
        Ok(Self { connection, root, window, atoms, size })
    }

    /// Waits for the X server, for `waker` or for the deadline, whichever comes first. The caller has taken all events
    /// that were there.
    pub(super) fn wait(&self, waker: &Waker, deadline: Option<Instant>) -> Result<(), InputError> {
        let timeout = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() }
        });
        let mut fds = [
            PollFd::from_borrowed_fd(self.connection.stream().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        waker.clear();
        Ok(())
    }
}
