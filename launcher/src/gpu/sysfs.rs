//! AMD and Intel: what the drivers amdgpu and i915 write into sysfs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use super::Statistics;

/// See the module.
#[derive(Debug)]
pub(crate) enum Card {
    /// amdgpu knows its load, in percent, and its memory.
    Amd { device: PathBuf },
    /// i915 counts the milliseconds that the GPU slept. It has no memory of its own, or does not tell.
    Intel { slept: PathBuf, last: Option<(u64, Instant)> },
}

impl Card {
    /// `drm` is `/sys/class/drm`. Of the files that say it, the drivers have one or the other.
    pub(super) fn open(drm: &Path, number: u32) -> Option<Self> {
        let device = drm.join(format!("renderD{}", 128 + number)).join("device");
        if device.join("gpu_busy_percent").is_file() {
            return Some(Self::Amd { device });
        }
        let mut nodes = fs::read_dir(device.join("drm")).ok()?.flatten();
        let card = nodes.find(|node| node.file_name().to_string_lossy().starts_with("card"))?.path();
        let places = ["gt/gt0/rc6_residency_ms", "power/rc6_residency_ms"];
        let slept = places.into_iter().map(|place| card.join(place)).find(|path| path.is_file())?;
        Some(Self::Intel { slept, last: None })
    }

    pub(super) fn read(&mut self, now: Instant) -> Option<Statistics> {
        match self {
            Self::Amd { device } => {
                let percent = number(&device.join("gpu_busy_percent"))?;
                Some(Statistics {
                    load: percent.min(100) as f64 / 100.0,
                    memory_used: number(&device.join("mem_info_vram_used"))?,
                    memory_total: number(&device.join("mem_info_vram_total"))?,
                })
            }
            Self::Intel { slept, last } => {
                let sleep = number(slept)?;
                let (before, then) = last.replace((sleep, now))?;
                let load = load(sleep.checked_sub(before)?, now.duration_since(then).as_secs_f64())?;
                Some(Statistics { load, memory_used: 0, memory_total: 0 })
            }
        }
    }
}

/// The share of the time in which it did not sleep.
fn load(slept_ms: u64, elapsed: f64) -> Option<f64> {
    (elapsed > 0.0).then(|| (1.0 - slept_ms as f64 / 1000.0 / elapsed).clamp(0.0, 1.0))
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A tree with these files in it.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = tree.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    #[test]
    fn amdgpu_tells_load_and_memory() {
        let tree = tree(&[
            ("renderD129/device/gpu_busy_percent", "37\n"),
            ("renderD129/device/mem_info_vram_used", "1073741824\n"),
            ("renderD129/device/mem_info_vram_total", "8589934592\n"),
        ]);
        assert!(Card::open(tree.path(), 0).is_none());
        let read = Card::open(tree.path(), 1).unwrap().read(Instant::now());
        assert_eq!(read, Some(Statistics { load: 0.37, memory_used: 1 << 30, memory_total: 8 << 30 }));
    }

    #[test]
    fn i915_tells_how_long_it_slept() {
        for place in ["gt/gt0", "power"] {
            let name = format!("renderD128/device/drm/card0/{place}/rc6_residency_ms");
            let tree = tree(&[(&name, "5000\n"), ("renderD128/device/drm/renderD128/uevent", "")]);
            let mut card = Card::open(tree.path(), 0).unwrap();
            let start = Instant::now();
            assert_eq!(card.read(start), None);
            fs::write(tree.path().join(&name), "5750\n").unwrap();
            assert_eq!(card.read(start + Duration::from_secs(1)).unwrap().load, 0.25);
            // It was reset, with the driver.
            fs::write(tree.path().join(&name), "3\n").unwrap();
            assert_eq!(card.read(start + Duration::from_secs(2)), None);
        }
    }

    #[test]
    fn what_is_no_number_is_nothing() {
        let tree = tree(&[("renderD128/device/gpu_busy_percent", "busy\n")]);
        assert_eq!(Card::open(tree.path(), 0).unwrap().read(Instant::now()), None);
        assert!(Card::open(Path::new("/nonexistent"), 0).is_none());
        assert_eq!((load(2000, 1.0), load(0, 0.0)), (Some(0.0), None));
    }
}
