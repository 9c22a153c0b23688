//! The manifests for Kubernetes and Compose, and the Dockerfile: read as strictly as an API server does, and held to what
//! its policies ask of a pod that nobody has to trust ("restricted", of the Pod Security Standards).

// Kubernetes has its own spelling.
#![allow(non_snake_case)]

mod model;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use model::{Container, Document, Pod, Probe, Service, Workload};
use serde::Deserialize as _;

const MANIFESTS: &[&str] =
    &["egl.yml", "docs/kubernetes/turn.yml", "docs/kubernetes/users.yml", "docs/kubernetes/network-policy.yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> Result<String> {
    std::fs::read_to_string(root().join(name)).context(name.to_owned())
}

fn documents(name: &str) -> Result<Vec<Document>> {
    let text = read(name)?;
    let documents = serde_norway::Deserializer::from_str(&text).map(Document::deserialize);
    documents.collect::<Result<_, _>>().with_context(|| name.to_owned())
}

fn workloads(name: &str) -> Result<Vec<Workload>> {
    let workload = |document| match document {
        Document::Deployment(it) | Document::StatefulSet(it) => Some(it),
        Document::Service(_) | Document::NetworkPolicy(_) => None,
    };
    Ok(documents(name)?.into_iter().filter_map(workload).collect())
}

#[test]
fn manifests_have_the_fields_of_their_kinds_and_the_versions_of_the_api() -> Result<()> {
    for name in MANIFESTS {
        for document in documents(name)? {
            let (version, expected) = match &document {
                Document::Deployment(it) | Document::StatefulSet(it) => (&it.apiVersion, "apps/v1"),
                Document::Service(it) => (&it.apiVersion, "v1"),
                Document::NetworkPolicy(it) => (&it.apiVersion, "networking.k8s.io/v1"),
            };
            assert_eq!(version, expected, "{name}");
        }
    }
    Ok(())
}

#[test]
fn a_misspelt_field_is_noticed() -> Result<()> {
    let text = read("egl.yml")?;
    for (right, wrong) in [("readOnlyRootFilesystem", "readOnlyRootFileSystem"), ("periodSeconds", "period")] {
        let first = text.replace(right, wrong);
        let first = serde_norway::Deserializer::from_str(&first).next().context("no document")?;
        assert!(Document::deserialize(first).is_err(), "{wrong} is taken");
    }
    Ok(())
}

#[test]
fn pods_are_restricted() -> Result<()> {
    for name in MANIFESTS {
        for workload in workloads(name)? {
            let pod = &workload.spec.template.spec;
            let security = &pod.security_context;
            ensure!(security.run_as_non_root && security.run_as_user > 0 && security.run_as_group > 0, "{name}: root");
            ensure!(security.seccomp_profile.r#type == "RuntimeDefault", "{name}: seccomp");
            ensure!(
                !pod.automount_service_account_token && !pod.enable_service_links,
                "{name}: what a pod need not know"
            );
            for container in &pod.containers {
                let security = &container.security_context;
                ensure!(
                    !security.allow_privilege_escalation && security.read_only_root_filesystem,
                    "{name}: privileges"
                );
                ensure!(security.capabilities.drop == ["ALL"], "{name}: capabilities");
            }
        }
    }
    Ok(())
}

#[test]
fn containers_have_probes_resources_and_a_version() -> Result<()> {
    for name in MANIFESTS {
        for workload in workloads(name)? {
            for container in &workload.spec.template.spec.containers {
                check_container(container, &workload.spec.template.spec).with_context(|| name.to_string())?;
            }
        }
    }
    Ok(())
}

fn check_container(container: &Container, pod: &Pod) -> Result<()> {
    let tag = container.image.rsplit_once(':').map_or("", |(_, tag)| tag);
    ensure!(!tag.is_empty() && tag != "latest", "image {}", container.image);
    let ports: BTreeSet<_> = container.ports.iter().map(|port| port.name.as_str()).collect();
    let probed = |probe: &Probe| match (&probe.http_get, &probe.tcp_socket) {
        (Some(get), None) => Ok(get.port.clone()),
        (None, Some(socket)) => Ok(socket.port.clone()),
        _ => Err(anyhow::anyhow!("a probe of something else")),
    };
    for probe in [Some(&container.readiness_probe), Some(&container.liveness_probe), container.startup_probe.as_ref()] {
        let Some(probe) = probe else { continue };
        let port = probed(probe)?;
        ensure!(ports.contains(port.as_str()) && probe.period_seconds > 0, "probe of {port}");
    }
    for name in ["cpu", "memory"] {
        let (requests, limits) = (&container.resources.requests, &container.resources.limits);
        ensure!(requests.contains_key(name) && limits.contains_key(name), "resources: {name}");
    }
    let mut volumes: BTreeSet<_> = pod.volumes.iter().map(|volume| volume.name.as_str()).collect();
    volumes.insert("home");
    for mount in &container.volume_mounts {
        ensure!(volumes.contains(mount.name.as_str()), "no volume {}", mount.name);
    }
    // What everybody on the node can read.
    let words = container.args.iter().flatten().chain(container.command.iter().flatten());
    ensure!(words.clone().all(|word| !word.contains("secret") || word.starts_with('/')), "a secret in the arguments");
    for variable in container.env.iter().flatten() {
        let secret = ["PASS", "SECRET", "TOKEN"].iter().any(|part| variable.name.contains(part));
        ensure!(
            !secret || variable.name.ends_with("_FILE") || variable.value.is_none(),
            "{} has a value",
            variable.name
        );
    }
    Ok(())
}

#[test]
fn desktops_have_memory_to_share_and_somewhere_to_write() -> Result<()> {
    for name in ["egl.yml", "docs/kubernetes/users.yml"] {
        let workload = workloads(name)?.into_iter().next().context("no desktop")?;
        let pod = workload.spec.template.spec;
        let container = pod.containers.into_iter().next().context("no container")?;
        let mounted = |path: &str| container.volume_mounts.iter().find(|mount| mount.mount_path == path);
        for path in ["/home/user", "/tmp", "/run", "/dev/shm"] {
            mounted(path).with_context(|| format!("{name}: nothing at {path}"))?;
        }
        let shared = mounted("/dev/shm").context("no /dev/shm")?;
        let volume = pod.volumes.iter().find(|volume| volume.name == shared.name).context("no volume")?;
        let memory = volume.empty_dir.as_ref().context("it is no emptyDir")?;
        ensure!(memory.medium.as_deref() == Some("Memory") && memory.size_limit.is_some(), "{name}: {memory:?}");
        // Draining takes ten seconds.
        ensure!(pod.termination_grace_period_seconds > 10, "{name}");
        let probe = |probe: &Option<Probe>| probe.as_ref()?.http_get.as_ref().map(|get| get.path.clone());
        assert_eq!(probe(&container.startup_probe).as_deref(), Some("/ready"));
        assert_eq!(probe(&Some(container.readiness_probe)).as_deref(), Some("/ready"));
        assert_eq!(probe(&Some(container.liveness_probe)).as_deref(), Some("/health"));
    }
    Ok(())
}

#[test]
fn services_find_their_pods() -> Result<()> {
    for name in MANIFESTS {
        let workloads = workloads(name)?;
        for document in documents(name)? {
            let Document::Service(service) = document else { continue };
            ensure!(workloads.iter().any(|workload| finds(&service, workload)), "{name}: {}", service.metadata.name);
        }
        for workload in workloads {
            let labels = &workload.spec.template.metadata.labels;
            ensure!(
                workload.spec.selector.match_labels.iter().all(|label| labels.get_key_value(label.0) == Some(label))
            );
        }
    }
    Ok(())
}

fn finds(service: &Service, workload: &Workload) -> bool {
    let mut labels = workload.spec.template.metadata.labels.clone();
    // What a StatefulSet adds.
    if let Some(pod) = service.spec.selector.get("statefulset.kubernetes.io/pod-name") {
        let number = pod.strip_prefix(&format!("{}-", workload.metadata.name)).and_then(|it| it.parse::<u32>().ok());
        if number.is_none_or(|number| number >= workload.spec.replicas) {
            return false;
        }
        labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), pod.clone());
    }
    let ports: BTreeSet<_> =
        workload.spec.template.spec.containers.iter().flat_map(|it| &it.ports).map(|port| &port.name).collect();
    service.spec.selector.iter().all(|label| labels.get_key_value(label.0) == Some(label))
        && service.spec.ports.iter().all(|port| ports.contains(&port.target_port))
}

/// The names of the variables table, with their defaults.
fn variables() -> Result<Vec<(Vec<String>, String)>> {
    let program = egldesktop_tests::process::built("egldesktop")?;
    let output = Command::new(program).arg("--print-variables-markdown").output()?;
    let table = String::from_utf8(output.stdout)?;
    let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
        let names = std::iter::once(cells[0]).chain(cells[1].split(", ")).map(plain).filter(|name| !name.is_empty());
        (names.collect(), plain(cells[2]))
    });
    Ok(rows.collect())
}

#[test]
fn manifests_set_variables_that_there_are() -> Result<()> {
    let known: BTreeSet<String> = variables()?.into_iter().flat_map(|(names, _)| names).collect();
    let is_known = |name: &str| known.contains(name.strip_suffix("_FILE").unwrap_or(name)) || name == "POD_NAME";
    for name in ["egl.yml", "docs/kubernetes/users.yml"] {
        for workload in workloads(name)? {
            for variable in workload.spec.template.spec.containers[0].env.iter().flatten() {
                ensure!(is_known(&variable.name), "{name}: {}", variable.name);
            }
        }
    }
    let compose: serde_norway::Value = serde_norway::from_str(&read("docs/docker-compose.yml")?)?;
    let environment = compose["services"]["desktop"]["environment"].as_mapping().context("no environment")?;
    for name in environment.keys().filter_map(|name| name.as_str()) {
        ensure!(is_known(name), "docker-compose.yml: {name}");
    }
    let desktop = &compose["services"]["desktop"];
    ensure!(desktop["read_only"] == true && desktop["cap_drop"][0] == "ALL", "docker-compose.yml: privileges");
    Ok(())
}

/// `NAME=value` of the image.
fn environment_of_the_image() -> Result<Vec<(String, String)>> {
    let text = read("Dockerfile")?;
    let (_, rest) = text.split_once("\nENV ").context("no ENV")?;
    let lines = rest.lines().take_while(|line| !line.is_empty()).filter(|line| !line.trim_start().starts_with('#'));
    let pairs = lines.map(|line| line.trim().trim_end_matches('\\').trim().split_once('='));
    pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())).context("no NAME=value")).collect()
}

#[test]
fn the_image_sets_only_what_differs_by_the_name_that_is_looked_at_last() -> Result<()> {
    let table = variables()?;
    for (name, value) in environment_of_the_image()? {
        let Some((names, default)) = table.iter().find(|(names, _)| names.contains(&name)) else { continue };
        assert_eq!(names.last(), Some(&name), "who runs the image could not use {names:?}");
        assert_ne!(&value, default, "{name} is the default already");
    }
    // Every variable of the old image is one of the program, with the same default.
    for (name, default) in [
        ("SIZEW", "1920"),
        ("SIZEH", "1080"),
        ("REFRESH", "60"),
        ("DPI", "96"),
        ("CDEPTH", "24"),
        ("NOVNC_ENABLE", "false"),
        ("WEBRTC_ENABLE_RESIZE", "false"),
        ("ENABLE_AUDIO", "true"),
        ("ENABLE_BASIC_AUTH", "true"),
    ] {
        let found = table.iter().find(|(names, _)| names.iter().any(|it| it == name)).context(name)?;
        assert_eq!(found.1, default, "{name}");
    }
    Ok(())
}

#[test]
fn nothing_is_downloaded_without_a_checksum() -> Result<()> {
    let dockerfile = read("Dockerfile")?;
    for (number, line) in dockerfile.lines().enumerate() {
        let fetches =
            ["curl -", "curl http", "wget -", "wget http", "ADD http", "pip install", "npm install", "git clone"];
        let found = fetches.iter().find(|it| line.contains(**it) && !line.trim_start().starts_with('#'));
        ensure!(found.is_none(), "line {}: {line}", number + 1);
    }
    ensure!(dockerfile.contains("cargo build --release --locked"));
    let (_, commit) = dockerfile.split_once("ARG VIRTUALGL_COMMIT=").context("no commit")?;
    let commit: String = commit.chars().take_while(char::is_ascii_hexdigit).collect();
    ensure!(commit.len() == 40, "{commit}");
    Ok(())
}

#[test]
fn scripts_pass_shellcheck() -> Result<()> {
    let scripts = ["scripts/setup.sh", "scripts/container/install-packages.sh", ".ci/run"];
    let output = Command::new("shellcheck").args(scripts).current_dir(root()).output().context("package shellcheck")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
