//! What the numbers were measured on.

use std::fs;

use anyhow::Result;
use x11rb::connection::Connection as _;

/// Where nothing says how large the last level of the cache is.
const USUAL_CACHE: usize = 32 << 20;

/// The machine, as pairs of a name and a value.
pub fn hardware() -> Result<Vec<(&'static str, String)>> {
    let cpus = std::thread::available_parallelism()?;
    let cache = last_level_cache() >> 20;
    let model = cpu_info("/proc/cpuinfo", "model name").unwrap_or_default();
    Ok(vec![
        ("CPU", format!("{model}, {cpus} cores, {cache} MiB cache")),
        ("Memory", cpu_info("/proc/meminfo", "MemTotal").unwrap_or_default()),
        ("Kernel", read("/proc/sys/kernel/osrelease")),
    ])
}

/// The machine and the software, as pairs of a name and a value.
pub fn describe(display: &str, plugin: &gst::Plugin) -> Result<Vec<(&'static str, String)>> {
    let mut all = hardware()?;
    all.extend([
        ("GStreamer", gst::version_string().to_string()),
        ("X server", x_server(display)?),
        ("egldesktop", plugin.version().to_string()),
    ]);
    Ok(all)
}

/// How busy the machine is: runnable threads on average over the last minute.
pub fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

/// Bytes of the largest cache.
pub fn last_level_cache() -> usize {
    let size = |level: u32| {
        let text = read(&format!("/sys/devices/system/cpu/cpu0/cache/index{level}/size"));
        text.strip_suffix('K')?.parse::<usize>().ok()
    };
    (0..8).filter_map(size).max().map_or(USUAL_CACHE, |kibibytes| kibibytes << 10)
}

fn x_server(display: &str) -> Result<String> {
    let (connection, _) = x11rb::connect(Some(display))?;
    let setup = connection.setup();
    let release = setup.release_number;
    // As `xdpyinfo` does it: 12101007 is 21.1.7.
    let version = [release / 100_000 % 100, release / 1000 % 100, release % 1000].map(|part| part.to_string());
    Ok(format!("Xvfb {}, {}", version.join("."), String::from_utf8_lossy(&setup.vendor)))
}

fn cpu_info(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}
