//! What the machine does, as Linux tells it: load of the processors, and memory (`proc(5)`).

use selkies_protocol::control::SystemStatistics;

/// Counts from one reading to the next.
#[derive(Debug, Default)]
pub(super) struct Machine(Option<Times>);

/// In ticks since the machine started, of all processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    busy: u64,
    total: u64,
}

impl Machine {
    /// Since the last reading; none at the first one, and where the system does not tell.
    pub(super) fn read(&mut self) -> Option<SystemStatistics> {
        let times = Times::parse(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let (memory_used, memory_total) = memory(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
        let cpu_percent = times.load_since(self.0.replace(times)?)?;
        Some(SystemStatistics { cpu_percent, memory_used, memory_total })
    }
}

impl Times {
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user already.
        let fields: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        let total = fields.iter().fold(0_u64, |sum, field| sum.saturating_add(*field));
        let idle = fields.get(3)?.saturating_add(*fields.get(4)?);
        Some(Self { busy: total.saturating_sub(idle), total })
    }

    /// In per cent, with one digit after the point.
    fn load_since(self, before: Self) -> Option<f64> {
        let total = self.total.checked_sub(before.total).filter(|total| *total > 0)?;
        // Idle time can go backwards a little.
        let busy = self.busy.saturating_sub(before.busy).min(total);
        Some((busy as f64 / total as f64 * 1000.0).round() / 10.0)
    }
}

/// Used and all, in bytes. Used is what cannot be had without swapping.
fn memory(text: &str) -> Option<(u64, u64)> {
    let kibibytes = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let (total, available) = (kibibytes("MemTotal")?, kibibytes("MemAvailable")?);
    Some((total.saturating_sub(available).saturating_mul(1024), total.saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_what_was_not_idle_in_between() {
        let before = Times::parse("cpu  100 0 100 700 100 0 0 0 5 5\ncpu0 1 2 3 4\n").unwrap();
        let after = Times::parse("cpu  150 0 125 850 175 0 0 0 9 9\n").unwrap();
        assert_eq!((before.busy, before.total), (200, 1000));
        assert_eq!(after.load_since(before), Some(25.0));
        assert_eq!(before.load_since(before), None);
        assert_eq!(before.load_since(after), None);
        for bad in ["", "cpu", "cpu  1 2 3\n", "cpu  a b c d e f g h\n"] {
            assert_eq!(Times::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn memory_is_what_is_not_available() {
        let text = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n";
        assert_eq!(memory(text), Some((600 * 1024, 1000 * 1024)));
        assert_eq!(memory("MemTotal: 1000 kB\n"), None);
    }

    #[test]
    fn this_machine_tells() {
        let mut machine = Machine::default();
        assert_eq!(machine.read(), None);
        // Ticks are 10 ms long.
        let reading = std::iter::repeat_with(|| machine.read()).find_map(|reading| reading).unwrap();
        assert!((0.0..=100.0).contains(&reading.cpu_percent), "{reading:?}");
        assert!(reading.memory_used > 0 && reading.memory_used < reading.memory_total, "{reading:?}");
    }
}
