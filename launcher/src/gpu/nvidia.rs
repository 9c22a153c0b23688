//! NVIDIA: the driver's management library (NVML), loaded where there is one.

use std::ffi::OsStr;

use nvml_wrapper::{Nvml, error::NvmlError};

use super::Statistics;

/// The name without its version belongs to development packages, which nobody has.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// See the module.
#[derive(Debug)]
pub(crate) struct Nvidia {
    library: Nvml,
    number: u32,
}

impl Nvidia {
    pub(super) fn open(number: u32) -> Option<Self> {
        let library = Nvml::builder().lib_path(OsStr::new(LIBRARY)).init();
        let this = Self { library: library.map_err(|error| tracing::debug!("no NVML: {error}")).ok()?, number };
        this.read().map(|_| this)
    }

    pub(super) fn read(&self) -> Option<Statistics> {
        self.ask().map_err(|error| tracing::debug!("NVIDIA GPU {}: {error}", self.number)).ok()
    }

    fn ask(&self) -> Result<Statistics, NvmlError> {
        let device = self.library.device_by_index(self.number)?;
        let memory = device.memory_info()?;
        let load = f64::from(device.utilization_rates()?.gpu) / 100.0;
        Ok(Statistics { load, memory_used: memory.used, memory_total: memory.total })
    }
}
