//! The whole way through GL, on whatever renderers this machine has, against the CPU path.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::os::fd::OwnedFd;

use common::{Nv12, World, contexts};
use egl_convert::{Choice, Context, DmaBuf, Egl, Error, Fence, Frame, Gl, LINEAR, Picture, Plane, Platform};
use tile_convert::{Matrix, TileGrid, TileSet};

#[test]
fn every_device_writes_the_bytes_of_the_cpu() {
    let contexts = contexts();
    assert!(!contexts.is_empty(), "Mesa has a device for software at least");
    for context in contexts {
        assert_eq!(context.platform(), Platform::Device);
        let gl = context.make_current().unwrap();
        World::assert_exact(&gl);
        context.release().unwrap();
    }
}

#[test]
fn hardware_comes_before_software() {
    let egl = Egl::load().unwrap();
    let any = Context::open(&egl, &Choice::Any).unwrap();
    let contexts = contexts();
    let hardware = contexts.iter().any(|context| !context.renderer().is_software());
    for context in &contexts {
        let device = context.device().unwrap();
        assert_eq!(device.is_software(), context.renderer().is_software(), "{device}: {}", context.renderer());
    }
    assert!(!any.renderer().is_software() || !hardware, "{}", any.renderer());
    assert!(!any.renderer().name.is_empty() && any.device().is_some());
}

#[test]
fn a_gpu_that_is_not_there_is_told_with_those_that_are() {
    let egl = Egl::load().unwrap();
    for text in ["63", "ffff:ff:1f.7", "/dev/dri/renderD99"] {
        let error = Context::open(&egl, &text.parse().unwrap()).unwrap_err();
        assert!(
            matches!(&error, Error::NoSuchDevice { wanted, known } if wanted == text && known.starts_with('0')),
            "{error}"
        );
    }
}

/// The whole screen changes each time, but only a part of it is told: nothing else may be touched, in the textures and in
/// memory.
#[test]
fn only_stale_tiles_are_touched() {
    for context in contexts() {
        let gl = context.make_current().unwrap();
        let matrix = Matrix::Bt709Limited;
        let mut world = World::new(&gl, (331, 77), matrix);
        let grid = world.screen.grid;
        let mut all = TileSet::new(grid);
        all.mark_all();
        world.update(&all);
        let mut cpu = Nv12::new(grid, 0);
        cpu.convert(&world.screen, matrix, &all);

        for step in 0..20 {
            world.screen.draw(0, 0, 331, 77);
            let mut damage = TileSet::new(grid);
            damage.mark(step * 67 % 331, step * 29 % 77, 1 + step * 5, 1 + step);
            assert_eq!(world.update(&damage), damage);
            cpu.convert(&world.screen, matrix, &damage);
            let mut gpu = Nv12::new(grid, 0);
            gpu.download(&world.frame, &all);
            gpu.assert_same(&cpu, grid, &step);

            let (mut part, mut expected) = (Nv12::new(grid, 0xA5), Nv12::new(grid, 0xA5));
            part.download(&world.frame, &damage);
            expected.convert(&world.screen, matrix, &damage);
            part.assert_same(&expected, grid, &step);
        }
        assert!(!world.update(&all).is_empty(), "not all of the last change was told");
        assert!(world.update(&all).is_empty(), "the same pixels again are no change");
        context.release().unwrap();
    }
}

#[test]
fn textures_of_somebody_else_can_be_drawn_to() {
    let context = Context::open(&Egl::load().unwrap(), &Choice::Any).unwrap();
    let gl = context.make_current().unwrap();
    let mut world = World::new(&gl, (65, 33), Matrix::Bt601Limited);
    let grid = world.screen.grid;
    let mut all = TileSet::new(grid);
    all.mark_all();
    let theirs = Frame::new(&gl, 65, 33).unwrap();
    world.frame = Frame::of_textures(&gl, theirs.names(), 65, 33).unwrap();
    world.update(&all);
    let (mut gpu, mut cpu) = (Nv12::new(grid, 0), Nv12::new(grid, 0));
    // They outlive the frame that was made of them.
    world.frame = Frame::new(&gl, 65, 33).unwrap();
    gpu.download(&theirs, &all);
    cpu.convert(&world.screen, Matrix::Bt601Limited, &all);
    gpu.assert_same(&cpu, grid, &"a frame of two names");
    assert!(Frame::of_textures(&gl, [0, 1], 65, 33).is_err());
}

#[test]
fn without_the_context_nothing_happens() {
    let egl = Egl::load().unwrap();
    assert!(matches!(Gl::of_current_context(&egl), Err(Error::NotCurrent)));
    let context = Context::open(&egl, &Choice::Any).unwrap();
    let gl = context.make_current().unwrap();
    let frame = Frame::new(&gl, 64, 16).unwrap();
    let all = TileSet::new(TileGrid::new(64, 16));
    context.release().unwrap();
    assert!(matches!(Picture::new(&gl, 64, 16), Err(Error::NotCurrent)));
    assert!(matches!(frame.download(&all, (&mut [0; 1024], 64), (&mut [0; 512], 64)), Err(Error::NotCurrent)));
    assert!(matches!(Fence::new(&gl), Err(Error::NotCurrent)));
    // Another thread may have it now.
    let made = std::thread::spawn(move || Frame::new(&context.make_current().unwrap(), 64, 16).map(drop));
    assert!(made.join().unwrap().is_ok());
}

#[test]
fn what_does_not_fit_is_an_error() {
    let context = Context::open(&Egl::load().unwrap(), &Choice::Any).unwrap();
    let gl = context.make_current().unwrap();
    let mut world = World::new(&gl, (64, 32), Matrix::default());
    let other = World::new(&gl, (64, 16), Matrix::default());
    let mut all = TileSet::new(world.screen.grid);
    all.mark_all();
    assert!(world.shadow.update(&other.screen.source(), &all).is_err());
    assert!(world.picture.upload(&other.shadow, &all).is_err());
    assert!(world.shader.convert(&other.picture, &world.frame, &all).is_err());
    assert!(world.shader.convert(&world.picture, &other.frame, &all).is_err());
    let (luma, chroma) = (64 * 32, 64 * 16);
    for (luma, stride, chroma, chroma_stride) in
        [(luma - 1, 64, chroma, 64), (luma, 64, chroma - 1, 64), (luma, 63, chroma, 64), (luma, 64, 65 * 16, 65)]
    {
        let (mut luma, mut chroma) = (vec![0; luma], vec![0; chroma]);
        let done = world.frame.download(&all, (&mut luma, stride), (&mut chroma, chroma_stride));
        assert!(matches!(done, Err(Error::Size(_))), "{stride} {chroma_stride}: {done:?}");
    }
    assert!(matches!(Picture::new(&gl, u16::MAX, u16::MAX), Err(Error::Gl { .. })), "larger than any texture");
}

/// A file that is no dma-buf: refused with a reason, whether or not the driver could import a real one.
#[test]
fn what_is_no_dmabuf_is_not_imported() {
    for context in contexts() {
        let gl = context.make_current().unwrap();
        let file = rustix::fs::memfd_create("no dma-buf", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&file, 64 * 16 * 4).unwrap();
        let plane = |fd: OwnedFd| Plane { fd, offset: 0, stride: 256 };
        let (fourcc, modifier) = (u32::from_le_bytes(*b"XR24"), Some(LINEAR));
        let mut buffer = DmaBuf { fourcc, width: 64, height: 16, modifier, planes: vec![plane(file)] };
        let error = Picture::import(&gl, &buffer).unwrap_err();
        assert!(matches!(error, Error::Missing(_) | Error::Egl { .. } | Error::DmaBuf(_)), "{error}");
        buffer.planes.clear();
        assert!(Picture::import(&gl, &buffer).is_err());
        context.release().unwrap();
    }
}

#[test]
fn a_fence_is_passed_when_the_gpu_is_done() {
    let context = Context::open(&Egl::load().unwrap(), &Choice::Any).unwrap();
    let gl = context.make_current().unwrap();
    let mut world = World::new(&gl, (640, 480), Matrix::default());
    let damage = world.screen.draw(0, 0, 640, 480);
    world.update(&damage);
    let fence = Fence::new(&gl).unwrap();
    fence.wait().unwrap();
    fence.wait().unwrap();
}
