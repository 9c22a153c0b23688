//! OpenGL of the programs on the private screen, drawn by a GPU: VirtualGL takes their GLX calls to EGL, and brings the
//! picture to the X server, which has no GPU itself.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use crate::{
    services::session,
    settings::Settings,
    supervise::{ChildEnvironment, Spec},
};

/// The program that starts another one with VirtualGL in it.
const RUN: &str = "vglrun";

/// How to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VirtualGl {
    /// `VGL_DISPLAY`, such as `egl0` or `/dev/dri/card0` (see `vglrun -h`).
    pub(crate) device: String,
    /// In Hz.
    refresh: u32,
}

impl VirtualGl {
    /// `None` where it is not wanted, not installed, or has nothing to draw with.
    pub(crate) fn choose(settings: &Settings) -> Option<Self> {
        Self::choose_from(settings, session::in_path(RUN), has_gpu(Path::new("/dev")))
    }

    fn choose_from(settings: &Settings, installed: bool, gpu: bool) -> Option<Self> {
        let device = match settings.vgl_display.as_deref() {
            Some("none") => return None,
            Some(device) => device.to_owned(),
            None if !gpu => return None,
            None if settings.gpu == 0 => "egl".to_owned(),
            None => format!("egl{}", settings.gpu),
        };
        if !installed {
            tracing::warn!("programs draw on the CPU: {RUN} is not installed (VirtualGL)");
        }
        installed.then_some(Self { device, refresh: settings.screen.refresh })
    }

    /// Has the program started with it. A window manager needs `+wm`: else VirtualGL would make windows of its own.
    pub(super) fn wrap(&self, spec: Spec) -> Spec {
        let mut arguments = vec!["+wm".into(), spec.program.into()];
        arguments.extend(spec.arguments);
        Spec { program: RUN, arguments, package: "virtualgl", ..spec }
    }

    pub(super) fn prepare(&self, environment: &mut ChildEnvironment) {
        environment.set("VGL_DISPLAY", &self.device);
        environment.set("VGL_REFRESHRATE", self.refresh.to_string());
    }
}

/// Whether this user may use a GPU. Kubernetes gives NVIDIA's own device files only.
fn has_gpu(dev: &Path) -> bool {
    let usable = |path: &Path| OpenOptions::new().read(true).write(true).open(path).is_ok();
    let mut nodes = fs::read_dir(dev.join("dri")).into_iter().flatten().flatten();
    let render = nodes.any(|node| node.file_name().to_string_lossy().starts_with("renderD") && usable(&node.path()));
    render || usable(&dev.join("nvidiactl"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn chosen<const N: usize>(pairs: [(&str, &str); N], installed: bool, gpu: bool) -> Option<String> {
        let settings = Settings::read(&Environment::from(pairs)).unwrap();
        VirtualGl::choose_from(&settings, installed, gpu).map(|it| it.device)
    }

    #[test]
    fn it_is_used_where_there_is_a_gpu_or_where_one_is_named() {
        assert_eq!(chosen([], true, true).as_deref(), Some("egl"));
        assert_eq!(chosen([("SELKIES_GPU_ID", "1")], true, true).as_deref(), Some("egl1"));
        assert_eq!(chosen([], true, false), None);
        assert_eq!(chosen([("VGL_DISPLAY", "egl0")], true, false).as_deref(), Some("egl0"));
        assert_eq!(chosen([("VGL_DISPLAY", "none")], true, true), None);
        assert_eq!(chosen([], false, true), None);
    }

    #[test]
    fn the_session_is_an_argument_of_it() {
        let spec = Spec {
            name: "mate-session",
            program: "mate-session",
            arguments: vec!["--debug".into()],
            pass: Vec::new(),
            environment: Vec::new(),
            package: "mate-session-manager",
        };
        let wrapped = VirtualGl { device: "egl".into(), refresh: 60 }.wrap(spec);
        assert_eq!((wrapped.name, wrapped.program), ("mate-session", "vglrun"));
        assert_eq!(wrapped.arguments, ["+wm", "mate-session", "--debug"]);
    }

    #[test]
    fn a_gpu_is_a_device_that_can_be_opened() {
        let dev = tempfile::tempdir().unwrap();
        assert!(!has_gpu(dev.path()));
        fs::create_dir(dev.path().join("dri")).unwrap();
        fs::write(dev.path().join("dri/card0"), "").unwrap();
        assert!(!has_gpu(dev.path()));
        fs::write(dev.path().join("dri/renderD128"), "").unwrap();
        assert!(has_gpu(dev.path()));
    }
}
