//! What only a GPU can show. Without one each test says that it was skipped, and the summary counts it as ignored. `GPU`
//! in the environment names another than the first one.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Write as _;
use std::sync::Arc;

use common::{Nv12, World};
use egl_convert::{Choice, Context, Egl, Error, Fence, Frame, Gl, Nv12Shader, Picture};
use libtest_mimic::{Arguments, Failed, Trial};
use tile_convert::Matrix;

fn main() {
    let context = open();
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
        trial("what_is_exported_can_be_imported", around),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn open() -> Result<Context, Error> {
    let choice: Choice = std::env::var("GPU").unwrap_or_default().parse()?;
    Context::open(&Egl::load()?, &choice)
}

fn run(test: fn(&Arc<Gl>)) -> Result<(), Failed> {
    let context = open()?;
    test(&context.make_current()?);
    Ok(())
}

/// The luma of a frame, once around through a dma-buf: as a picture of red alone it has to come back to the same bytes as
/// on the CPU. A driver without dma-bufs says so.
fn around(gl: &Arc<Gl>) {
    let (size, matrix) = ((640, 480), Matrix::default());
    let mut world = World::new(gl, size, matrix);
    let damage = world.screen.draw(0, 0, size.0, size.1);
    world.update(&damage);
    let mut luma = Nv12::new(world.screen.grid, 0);
    luma.download(&world.frame, &damage);
    let [exported, chroma] = match world.frame.export() {
        Ok(planes) => planes,
        Err(error @ (Error::Missing(_) | Error::DmaBuf(_))) => return eprintln!("no dma-bufs: {error}"),
        Err(error) => panic!("{error}"),
    };
    assert_eq!((exported.fourcc, exported.width, exported.height), (u32::from_le_bytes(*b"R8  "), 640, 480));
    assert_eq!((chroma.fourcc, chroma.width, chroma.height), (u32::from_le_bytes(*b"GR88"), 320, 240));
    Fence::new(gl).unwrap().wait().unwrap();

    let picture = Picture::import(gl, &exported).unwrap();
    let frame = Frame::new(gl, size.0, size.1).unwrap();
    Nv12Shader::new(&picture, matrix).unwrap().convert(&picture, &frame, &damage).unwrap();
    for row in 0..480 {
        for column in 0..640 {
            let place = row * world.screen.stride + 4 * column;
            world.screen.pixels[place..place + 4].copy_from_slice(&[0, 0, luma.luma(column, row), 0]);
        }
    }
    let (mut gpu, mut cpu) = (Nv12::new(world.screen.grid, 0), Nv12::new(world.screen.grid, 0));
    gpu.download(&frame, &damage);
    cpu.convert(&world.screen, matrix, &damage);
    gpu.assert_same(&cpu, world.screen.grid, &exported);
}
