//! What a process holds, and whether that grows.

use std::time::Duration;

use anyhow::{Context as _, Result};
use x11rb::protocol::res::ConnectionExt as _;

/// What is counted, with its unit, and the growth in an hour that is none: what is left over from rounds that end in
/// different ways.
const MEASURES: [(&str, f64); 6] = [
    ("descriptors", 60.0),
    ("threads", 120.0),
    ("memory (RSS), KiB", 60.0 * 1024.0),
    ("clients of the X server", 60.0),
    ("resources in the X server", 600.0),
    ("memory of the X server (RSS), KiB", 20.0 * 1024.0),
];

/// The counts at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample([f64; MEASURES.len()]);

impl Sample {
    /// Of a process, and of the X server that it works with.
    pub(crate) fn of(process: u32, x_server: u32, display: &str) -> Result<Self> {
        let entries = |folder: &str| Ok::<_, std::io::Error>(std::fs::read_dir(folder)?.count() as f64);
        let (connection, _) = x11rb::connect(Some(display))?;
        let clients = connection.res_query_clients()?.reply()?.clients;
        let mut resources = 0;
        for client in &clients {
            let types = connection.res_query_client_resources(client.resource_base)?.reply()?.types;
            resources += types.iter().map(|kind| kind.count).sum::<u32>();
        }
        Ok(Self([
            entries(&format!("/proc/{process}/fd"))?,
            entries(&format!("/proc/{process}/task"))?,
            resident(process)?,
            clients.len() as f64,
            f64::from(resources),
            resident(x_server)?,
        ]))
    }
}

/// KiB.
fn resident(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Samples over time.
#[derive(Debug, Default)]
pub(crate) struct Series(Vec<(f64, Sample)>);

/// What became of it.
pub(crate) struct Report {
    pub(crate) table: String,
    /// Whether nothing grows.
    pub(crate) flat: bool,
}

impl Series {
    pub(crate) fn add(&mut self, at: Duration, sample: Sample) {
        self.0.push((at.as_secs_f64() / 3600.0, sample));
    }

    /// A line for each sample, below one with the names.
    pub(crate) fn lines(&self) -> String {
        let names = MEASURES.map(|(name, _)| name.replace(',', ""));
        let line = |(at, sample): &(f64, Sample)| {
            format!("{:.1},{}\n", at * 3600.0, sample.0.map(|value| value.to_string()).join(","))
        };
        std::iter::once(format!("seconds,{}\n", names.join(","))).chain(self.0.iter().map(line)).collect()
    }

    /// The slope of each measure after the first part of the time.
    pub(crate) fn report(&self, warm_up: f64) -> Report {
        let end = self.0.last().map_or(0.0, |(at, _)| *at);
        let late: Vec<_> = self.0.iter().filter(|(at, _)| *at >= end * warm_up).collect();
        let mut table = String::from(
            "| | at first | after warming up | at the end | in an hour | at most |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
        );
        let mut flat = true;
        for (index, (name, most)) in MEASURES.iter().enumerate() {
            let value = |sample: &Sample| sample.0[index];
            let slope = slope(late.iter().map(|(at, sample)| (*at, value(sample))));
            let of = |entry: Option<&(f64, Sample)>| entry.map_or(0.0, |(_, sample)| value(sample));
            let (first, warm, last) = (of(self.0.first()), of(late.first().copied()), of(self.0.last()));
            table += &format!("| {name} | {first:.0} | {warm:.0} | {last:.0} | {slope:+.0} | {most:.0} |\n");
            flat &= slope <= *most;
        }
        Report { table, flat }
    }
}

/// The line that has the median of all slopes between two points (Theil and Sen): a single round that is different does not
/// turn it.
fn slope(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<_> = points.collect();
    let mut slopes = Vec::new();
    for (index, (x, y)) in points.iter().enumerate() {
        slopes.extend(
            points[index + 1..].iter().filter(|(later, _)| later > x).map(|(later, above)| (above - y) / (later - x)),
        );
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}
