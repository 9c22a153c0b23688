//! A private sound server: programs play into a sink that goes nowhere, and the pipeline records what they play.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use tokio::{net::UnixDatagram, sync::oneshot, time::sleep};

use super::{READY_LIMIT, STOP_LIMIT};
use crate::plan::Devices;
use crate::supervise::{Backoff, Child, Keeper, Spawner, Spec, Stopped};

/// Where it listens, which is also where a program that knows no PULSE_SERVER looks.
pub(super) fn address(runtime: &Path) -> String {
    format!("unix:{}", socket(runtime).display())
}

/// Starts it, keeps it running, and returns once it is ready, or when it is clear that it will not be so soon: without
/// sound a desktop is still a desktop. With a microphone, it is what programs record by default.
pub(super) async fn start(spawner: Spawner, runtime: PathBuf, devices: Devices) -> Keeper {
    let (tell, tried) = oneshot::channel();
    let keeper = Keeper::start("pulseaudio", |stopped| keep_running(spawner, (runtime, devices), tell, stopped));
    // An error: it was told to stop before it was ready.
    let _ = tried.await;
    keeper
}

async fn keep_running(
    spawner: Spawner,
    (runtime, devices): (PathBuf, Devices),
    tell: oneshot::Sender<()>,
    mut stopped: Stopped,
) {
    let mut tell = Some(tell);
    let mut backoff = Backoff::new();
    let mut known = String::new();
    loop {
        let began = Instant::now();
        let life = async {
            let child = start_once(&spawner, &runtime, devices).await;
            // Nobody waits any more when the desktop is stopping.
            let _ = tell.take().map(|tell| tell.send(()));
            child
        };
        let ended = tokio::select! {
            child = life => match child {
                Ok(child) => tokio::select! {
                    error = child.unexpected_end() => error,
                    () = stopped.wait() => return child.stop(STOP_LIMIT).await,
                },
                Err(error) => Some(error),
            },
            // What was started is ended with everything else.
            () = stopped.wait() => return,
        };
        let Some(error) = ended else { return };
        let wait = backoff.after(began.elapsed());
        let text = format!("{error:#}");
        if text == known {
            tracing::debug!(child = "pulseaudio", "{text}");
        } else {
            tracing::warn!(child = "pulseaudio", "there is no sound, and another try in {wait:?}: {text}");
        }
        known = text;
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped.wait() => return,
        }
    }
}

/// Where the speakers stand, in PulseAudio's words, for the layouts that Opus has (RFC 7845, 5.1.1.2).
fn channel_map(channels: u32) -> &'static str {
    match channels {
        1 => "mono",
        6 => "surround-51",
        8 => "surround-71",
        _ => "stereo",
    }
}

/// Returns once it has loaded its modules.
async fn start_once(spawner: &Spawner, runtime: &Path, devices: Devices) -> anyhow::Result<Child> {
    let folder = runtime.join("pulse");
    // What one before it has left: it would not listen on a socket that is there.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context(folder.display().to_string());
        }
        Ok(()) | Err(_) => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&folder).with_context(|| folder.display().to_string())?;
    let socket = socket(runtime);

    // PulseAudio tells systemd that it is ready; here it tells us.
    let notify_path = folder.join("notify");
    let notify = UnixDatagram::bind(&notify_path).with_context(|| notify_path.display().to_string())?;

    // The pipeline plays what a viewer says into a sink of its own. Programs record from a source with a name for people;
    // one that is no monitor goes before all that are, and so is the default.
    let modules: &[&str] = &[
        "--load=module-null-sink sink_name=egldesktop-microphone rate=48000 channels=1 norewinds=1 \
         sink_properties=device.description=Browser",
        "--load=module-remap-source master=egldesktop-microphone.monitor source_name=microphone \
         source_properties=device.description=Microphone",
    ];
    let modules = modules.iter().filter(|_| devices.microphone);

    let mut spec = Spec {
        name: "pulseaudio",
        program: "pulseaudio",
        arguments: vec![
            // Nothing but what is said here: no hardware, no Bluetooth, no modules of a user's default.pa.
            "-n".into(),
            "--daemonize=no".into(),
            "--use-pid-file=no".into(),
            "--exit-idle-time=-1".into(),
            "--disallow-exit=yes".into(),
            // Both would ask a system bus for a favour that a null sink does not need.
            "--realtime=no".into(),
            "--high-priority=no".into(),
            "--log-target=stderr".into(),
            // Without rewinds it works in steps of 50 ms at most, and not of 2 s until somebody has asked for less: so long
            // would the first sound, and with it the start of the pipeline, take.
            format!(
                "--load=module-null-sink sink_name=output rate=48000 channels={} channel_map={} norewinds=1 \
                 sink_properties=device.description=Desktop",
                devices.channels,
                channel_map(devices.channels),
            )
            .into(),
            "--load=module-always-sink".into(),
            // What nobody plays to or records from stands still: a sink works 20 times a second, whether there is sound or not.
            "--load=module-suspend-on-idle".into(),
            format!("--load=module-native-protocol-unix auth-cookie-enabled=0 socket={}", socket.display()).into(),
        ],
        pass: Vec::new(),
        environment: vec![
            ("PULSE_RUNTIME_PATH", folder.clone().into()),
            ("PULSE_STATE_PATH", folder.join("state").into()),
            // It needs no bus, and where there is none libdbus would start one that outlives it.
            ("DBUS_SESSION_BUS_ADDRESS", "disabled:".into()),
            ("NOTIFY_SOCKET", notify_path.into()),
        ],
        package: "pulseaudio",
    };
    spec.arguments.extend(modules.map(Into::into));
    let child = spawner.spawn(spec)?;
    let ready = child
        .until_ready(READY_LIMIT, async {
            let mut message = [0; 256];
            let count = notify.recv(&mut message).await?;
            let ready = message[..count].split(|&byte| byte == b'\n').any(|line| line == b"READY=1");
            ensure!(ready, "it does not say that it is ready");
            ensure!(socket.exists(), "PulseAudio runs, but does not listen on {}", socket.display());
            Ok(())
        })
        .await;
    if let Err(error) = ready {
        // The next one needs its place.
        child.stop(STOP_LIMIT).await;
        return Err(error);
    }
    tracing::info!(child = "pulseaudio", "sound server: a private PulseAudio");
    Ok(child)
}

fn socket(runtime: &Path) -> PathBuf {
    runtime.join("pulse/native")
}
