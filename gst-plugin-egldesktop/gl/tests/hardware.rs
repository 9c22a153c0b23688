//! What only a GPU can show. Without one each test says that it was skipped, and the summary counts it as ignored.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Write as _;
use std::sync::Arc;

use common::World;
use egl_convert::{Choice, Context, Egl, Error, Fence, Frame, Gl};
use libtest_mimic::{Arguments, Failed, Trial};
use tile_convert::Matrix;

fn main() {
    let context = Egl::load().and_then(|egl| Context::open(&egl, &Choice::Any));
    let missing = match context {
        Ok(context) if context.renderer().is_software() => Some(format!("only {}", context.renderer())),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let trial = |name, test: fn(&Arc<Gl>)| {
        if let Some(reason) = &missing {
            // Not through a macro: the harness would keep it to itself.
            let _ = writeln!(std::io::stderr(), "*** skipped: no GPU ({reason}): {name} ***");
        }
        Trial::test(name, move || run(test)).with_ignored_flag(missing.is_some())
    };
    let trials = vec![
        trial("hardware_writes_the_bytes_of_the_cpu", World::assert_exact),
        trial("both_planes_can_be_exported", export),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(test: fn(&Arc<Gl>)) -> Result<(), Failed> {
    let context = Context::open(&Egl::load()?, &Choice::Any)?;
    test(&context.make_current()?);
    Ok(())
}

/// Descriptors of both planes, with what it takes to find a pixel; a driver that has no export says so.
fn export(gl: &Arc<Gl>) {
    let mut world = World::new(gl, (640, 480), Matrix::default());
    let damage = world.screen.draw(0, 0, 640, 480);
    world.update(&damage);
    Fence::new(gl).unwrap().wait().unwrap();
    let planes = match Frame::export(&world.frame) {
        Ok(planes) => planes,
        Err(Error::Missing(_) | Error::DmaBuf(_)) => return,
        Err(error) => panic!("{error}"),
    };
    for (plane, (fourcc, width)) in planes.iter().zip([(b"R8  ", 640), (b"GR88", 320)]) {
        assert_eq!((plane.fourcc, plane.width), (u32::from_le_bytes(*fourcc), width));
        assert!(plane.planes[0].stride >= 640, "{plane:?}");
        let length = rustix::fs::seek(&plane.planes[0].fd, rustix::fs::SeekFrom::End(0)).unwrap();
        assert!(length >= u64::from(plane.planes[0].stride) * u64::from(plane.height), "{plane:?}, {length} bytes");
    }
}
