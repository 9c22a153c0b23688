//! Who draws.

use std::fmt;

/// What a GL context says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renderer {
    /// `GL_RENDERER`, such as `NVIDIA GeForce RTX 4090/PCIe/SSE2` or `llvmpipe (LLVM 15.0.6, 256 bits)`.
    pub name: String,
    /// `GL_VENDOR`.
    pub vendor: String,
    /// `GL_VERSION`.
    pub version: String,
}

/// Parts of the names of renderers that are programs on the CPU (Mesa's three, Google's, Microsoft's).
const SOFTWARE: [&str; 5] = ["llvmpipe", "softpipe", "software rasterizer", "swiftshader", "basic render"];

impl Renderer {
    /// Whether it is a program on the CPU: right to test with, and slower than converting on the CPU directly.
    #[must_use]
    pub fn is_software(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        SOFTWARE.iter().any(|software| name.contains(software))
    }
}

impl fmt::Display for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_software() { "software" } else { "hardware" };
        write!(f, "{} ({kind}, {})", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_software(name: &str) -> bool {
        let text = String::from;
        Renderer { name: text(name), vendor: text("Mesa"), version: text("OpenGL ES 3.2") }.is_software()
    }

    #[test]
    fn software_is_told_from_hardware() {
        for name in [
            "llvmpipe (LLVM 15.0.6, 256 bits)",
            "softpipe",
            "Software Rasterizer",
            "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)",
        ] {
            assert!(is_software(name), "{name}");
        }
        for name in [
            "NVIDIA H100 80GB HBM3/PCIe/SSE2",
            "AMD Radeon RX 7900 XT (radeonsi, navi31, LLVM 15.0.6, DRM 3.49)",
            "Mesa Intel(R) Arc(tm) A770 Graphics (DG2)",
        ] {
            assert!(!is_software(name), "{name}");
        }
    }
}
