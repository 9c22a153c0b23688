//! The loop that turns the cadence into frames, without a word of GObject.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egl_convert::DmaBuf;

use crate::capture::{
    Cadence, CaptureError, Choice, Framebuffer, Importer, Method, Pace, Screen, Size, Step, Waker, open_framebuffer,
};

use super::gl::Engine;
use super::maker::Maker;
use super::tally::Tally;

/// For waiting until something happens.
const NEVER: Duration = Duration::from_secs(3600);

/// What the streaming thread works with while started.
pub(super) struct Grabber {
    screen: Screen,
    framebuffer: Box<dyn Framebuffer>,
    method: Method,
    /// Why no better one.
    declined: Option<String>,
    pace: Pace,
    pub(super) cadence: Cadence,
    /// From the first negotiation on.
    pub(super) maker: Option<Maker>,
    /// For frames on the GPU.
    pub(super) engine: Option<Engine>,
    /// The last frame was sent again, because nothing was drawn.
    silent: bool,
    /// What was being drawn is whole.
    whole: bool,
    tally: Arc<Tally>,
}

/// What a step of the capture came to.
pub(super) enum Progress {
    /// A picture to push.
    Picture(gst::Buffer),
    /// What is captured has this size now, which needs new caps.
    Resized(Size),
    /// Nothing yet.
    Nothing,
}

/// Why there is no next step.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrabError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("the pool has no buffer: {0:?}")]
    Flow(#[from] gst::FlowError),
}

impl Grabber {
    /// Connects to the X server. `rate` is that of the frames until caps say another one.
    pub(super) fn open(
        choice: &Choice,
        method: Method,
        rate: f64,
        engine: Option<Engine>,
        tally: Arc<Tally>,
    ) -> Result<Self, CaptureError> {
        let screen = Screen::open(choice)?;
        let pace = if choice.damage { Pace::Damage } else { Pace::Fixed };
        let (framebuffer, declined) = open(&screen, method, engine.as_ref())?;
        let cadence = Cadence::new(pace, rate);
        Ok(Self {
            screen,
            framebuffer,
            method,
            declined,
            pace,
            cadence,
            maker: None,
            engine,
            silent: false,
            whole: false,
            tally,
        })
    }

    /// The size of the picture.
    pub(super) fn size(&self) -> Size {
        self.screen.area().size
    }

    /// How the pixels are read.
    pub(super) fn active_method(&self) -> Method {
        self.framebuffer.method()
    }

    /// Why not by a better method.
    pub(super) fn declined_methods(&self) -> Option<String> {
        self.declined.clone()
    }

    /// What the pixels are in, if they are on the GPU.
    pub(super) fn dma_buf(&self) -> Option<&DmaBuf> {
        self.framebuffer.dma_buf()
    }

    /// Another framebuffer, for another size.
    pub(super) fn reopen(&mut self) -> Result<(), CaptureError> {
        self.framebuffer.close(&self.screen);
        (self.framebuffer, self.declined) = open(&self.screen, self.method, self.engine.as_ref())?;
        Ok(())
    }

    /// Whether nobody watches.
    pub(super) fn set_idle(&mut self, idle: bool) {
        self.cadence.set_idle(idle);
        // Then the X server need not tell of each drawing either.
        self.silent |= idle;
    }

    /// Does the next thing that the cadence wants.
    pub(super) fn advance(
        &mut self,
        waker: &Waker,
        refresh: bool,
        pool: Option<&gst::BufferPool>,
    ) -> Result<Progress, GrabError> {
        self.screen.process_events()?;
        if refresh {
            self.cadence.request_refresh();
        }
        let maker = self.maker.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
        let (now, size) = (Instant::now(), self.screen.area().size);
        if maker.size() != size {
            return Ok(Progress::Resized(size));
        }
        let visible = self.screen.is_viewable();
        let step = self.cadence.step(now, visible && self.screen.is_damaged());
        if step == Step::Capture && visible && !std::mem::take(&mut self.whole) {
            self.whole = self.screen.wait_for_drawing(waker, self.cadence.tolerance())?;
            if self.whole {
                return Ok(Progress::Nothing);
            }
        }
        match step {
            Step::Wait(due) => {
                if std::mem::take(&mut self.silent) {
                    self.screen.rest()?;
                }
                self.screen.wait(waker, due)?;
                return Ok(Progress::Nothing);
            }
            Step::Capture | Step::Repeat if visible => {}
            // The last picture of a window that is hidden now.
            Step::Capture | Step::Repeat if maker.has_last() => return Ok(self.repeat(now)),
            // A window that has not been shown yet has no picture.
            Step::Capture | Step::Repeat => {
                self.screen.wait(waker, now + NEVER)?;
                return Ok(Progress::Nothing);
            }
        }
        // A pointer may have moved without a word, so with one there is something to look for.
        if step == Step::Repeat && maker.has_last() && !self.screen.suspect_pointer() {
            return Ok(self.repeat(now));
        }
        let free = maker.free(pool)?;
        self.screen.take_damage(maker.damage())?;
        let drawn = maker.damage().part();
        let pixels = self.framebuffer.pixels(&self.screen, maker.damage())?;
        let frame = maker.render(free, &pixels, self.screen.overlay().as_ref())?;
        self.tally.looked(maker.take_read(), frame.is_some());
        match frame {
            Some(buffer) => {
                self.silent = false;
                self.cadence.captured(now, drawn);
                Ok(Progress::Picture(buffer))
            }
            None => {
                self.cadence.looked(now);
                let wanted = step == Step::Repeat || self.pace == Pace::Fixed;
                Ok(if wanted { self.repeat(now) } else { Progress::Nothing })
            }
        }
    }

    fn repeat(&mut self, now: Instant) -> Progress {
        self.silent = true;
        self.cadence.repeated(now);
        let last = self.maker.as_ref().and_then(Maker::last);
        last.map_or(Progress::Nothing, |buffer| {
            self.tally.repeated();
            Progress::Picture(buffer)
        })
    }
}

/// The best framebuffer that works, and why no better one.
fn open(
    screen: &Screen,
    method: Method,
    engine: Option<&Engine>,
) -> Result<(Box<dyn Framebuffer>, Option<String>), CaptureError> {
    let mut declined = Vec::new();
    let importer = engine.map(|engine| {
        move |buffer: &DmaBuf| engine.try_import(buffer).map_err(|error| CaptureError::Gl(error.to_string()))
    });
    let importer = importer.as_ref().map(|importer| importer as Importer<'_>);
    let framebuffer =
        open_framebuffer(screen, method, importer, |method, reason| declined.push(format!("{method:?}: {reason}")))?;
    Ok((framebuffer, Some(declined.join("; ")).filter(|text| !text.is_empty())))
}
