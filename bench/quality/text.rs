//! What is on the screen: text, after something has moved.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use egldesktop_bench::pattern::{Random, pattern};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat, Pixmap, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::compare::Luma;

const WIDTH: u16 = 1920;
const HEIGHT: u16 = 1080;
/// Of each character of the X server's own font, `fixed`.
const CHARACTER: (u16, u16) = (6, 13);
/// From the top of a line to where its letters stand.
const ASCENT: u16 = 11;
const BACKGROUND: u32 = 0xff_ffff;
/// Of an editor: most black, some blue, green and red.
const INKS: [u32; 6] = [0, 0, 0, 0x00_2080, 0x00_6020, 0xa0_1010];
/// What moves is wider than the screen by this.
const PAN: u16 = 256;

/// What moves, and then does no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// A document scrolls by a line a frame: paragraphs of lines of 100 characters, in the middle of the screen.
    Document,
    /// Text in the whole width of the screen scrolls by a line a frame.
    Scroll,
    /// A picture moves in the whole screen; then a page of text takes its place.
    Page,
}

/// An X client that covers the screen.
pub(crate) struct Text {
    connection: RustConnection,
    root: Window,
    window: Window,
    gc: Gcontext,
    scene: Scene,
    moving: Pixmap,
    random: Random,
}

impl Text {
    pub(crate) fn start(display: &str, scene: Scene) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let screen = connection.setup().roots[number].clone();
        let (depth, root) = (screen.root_depth, screen.root);
        let [window, gc, font, moving] = [(); 4].map(|()| connection.generate_id());
        let (window, gc, font, moving) = (window?, gc?, font?, moving?);
        let attributes = CreateWindowAux::new().background_pixel(BACKGROUND).override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(depth, window, root, 0, 0, WIDTH, HEIGHT, 0, class, 0, &attributes)?;
        connection.map_window(window)?;
        connection.open_font(font, b"fixed")?.check().context("the X server has no font \"fixed\"")?;
        let values = CreateGCAux::new().graphics_exposures(0).background(BACKGROUND).font(font);
        connection.create_gc(gc, window, &values)?;
        connection.create_pixmap(depth, moving, root, WIDTH + PAN, HEIGHT)?;
        // A request has to be shorter than 256 kB.
        for top in (0..HEIGHT).step_by(16) {
            let rows = 16.min(HEIGHT - top);
            let data = pattern(WIDTH + PAN, top, rows);
            let y = i16::try_from(top)?;
            connection.put_image(ImageFormat::Z_PIXMAP, moving, gc, WIDTH + PAN, rows, 0, y, 0, depth, &data)?;
        }
        let mut text = Self { connection, root, window, gc, scene, moving, random: Random::new(1) };
        text.page()?;
        text.connection.sync()?;
        Ok(text)
    }

    /// Moves for this long, and then no more; returns when the X server has drawn the last of it.
    pub(crate) fn move_and_stop(&mut self, time: Duration) -> Result<Instant> {
        let (start, mut due) = (Instant::now(), Instant::now());
        for frame in 0_u32.. {
            if start.elapsed() >= time {
                break;
            }
            match self.scene {
                Scene::Document | Scene::Scroll => self.scroll()?,
                Scene::Page => {
                    let x = (frame * 7 % u32::from(PAN)) as i16;
                    self.connection.copy_area(self.moving, self.window, self.gc, x, 0, 0, 0, WIDTH, HEIGHT)?;
                }
            }
            self.connection.sync()?;
            due += Duration::from_nanos(1_000_000_000 / 60);
            // The pace of what is drawn: there is nothing to wait for.
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        if self.scene == Scene::Page {
            self.page()?;
        }
        self.connection.sync()?;
        Ok(Instant::now())
    }

    /// What the X server shows.
    pub(crate) fn pixels(&self) -> Result<Luma> {
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, WIDTH, HEIGHT, u32::MAX)?;
        Luma::of_screen(WIDTH.into(), HEIGHT.into(), &image.reply()?.data)
    }

    /// A whole page of other text.
    fn page(&mut self) -> Result<()> {
        self.connection.clear_area(false, self.window, 0, 0, 0, 0)?;
        for line in 0..HEIGHT / CHARACTER.1 {
            self.line(line)?;
        }
        Ok(())
    }

    /// All lines but the first go up, and a new one comes.
    fn scroll(&mut self) -> Result<()> {
        let line = CHARACTER.1;
        let rest = HEIGHT / line * line - line;
        self.connection.copy_area(self.window, self.window, self.gc, 0, line as i16, 0, 0, WIDTH, rest)?;
        self.line(HEIGHT / line - 1)
    }

    fn line(&mut self, line: u16) -> Result<()> {
        let random = &mut self.random;
        let ink = INKS[usize::from(random.below(INKS.len() as u16))];
        self.connection.change_gc(self.gc, &ChangeGCAux::new().foreground(ink))?;
        let (start, end) = match self.scene {
            Scene::Document if random.below(6) == 0 => (0, 0),
            Scene::Document => (110, 180 + random.below(30)),
            Scene::Scroll | Scene::Page => (4 * random.below(6), 40 + random.below(280)),
        };
        let mut letters = vec![b' '; usize::from(start)];
        while letters.len() < usize::from(end) {
            let length = 2 + random.below(9);
            letters.extend((0..length).map(|_| b'a' + random.below(26) as u8));
            letters.push(b' ');
        }
        letters.resize(usize::from(WIDTH / CHARACTER.0), b' ');
        let y = i16::try_from(line * CHARACTER.1 + ASCENT)?;
        // A request has room for 255 characters.
        for (part, index) in letters.chunks(160).zip(0..) {
            self.connection.image_text8(self.window, self.gc, index * 160 * CHARACTER.0 as i16, y, part)?;
        }
        Ok(())
    }
}
