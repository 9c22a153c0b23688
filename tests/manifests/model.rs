//! As much of the Kubernetes API as our manifests use. Nothing else may be in them: a misspelt field is one that the API
//! server drops or refuses.

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) type Labels = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
pub(crate) enum Document {
    Deployment(Workload),
    StatefulSet(Workload),
    Service(Service),
    NetworkPolicy(NetworkPolicy),
}

macro_rules! model {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Debug, Clone, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[allow(dead_code, reason = "that a field is allowed is what its being here says")]
        pub(crate) struct $name { $(pub(crate) $field: $kind),* }
    )*};
}

model! {
    Workload { apiVersion: String, metadata: Metadata, spec: WorkloadSpec }
    Metadata { name: String, labels: Option<Labels> }
    WorkloadSpec {
        replicas: u32,
        strategy: Option<Kind>,
        service_name: Option<String>,
        pod_management_policy: Option<String>,
        selector: Selector,
        template: Template,
        volume_claim_templates: Option<Vec<VolumeClaim>>,
    }
    Kind { r#type: String }
    Selector { match_labels: Labels }
    Template { metadata: TemplateMetadata, spec: Pod }
    TemplateMetadata { labels: Labels }
    Pod {
        hostname: Option<String>,
        automount_service_account_token: bool,
        enable_service_links: bool,
        termination_grace_period_seconds: u32,
        security_context: PodSecurity,
        containers: Vec<Container>,
        volumes: Vec<Volume>,
    }
    PodSecurity {
        run_as_non_root: bool,
        run_as_user: u32,
        run_as_group: u32,
        fs_group: u32,
        fs_group_change_policy: Option<String>,
        seccomp_profile: Kind,
    }
    Container {
        name: String,
        image: String,
        image_pull_policy: String,
        security_context: ContainerSecurity,
        command: Option<Vec<String>>,
        args: Option<Vec<String>>,
        env: Option<Vec<Variable>>,
        ports: Vec<ContainerPort>,
        startup_probe: Option<Probe>,
        readiness_probe: Probe,
        liveness_probe: Probe,
        resources: Resources,
        volume_mounts: Vec<Mount>,
    }
    ContainerSecurity {
        allow_privilege_escalation: bool,
        read_only_root_filesystem: bool,
        capabilities: Capabilities,
    }
    Capabilities { drop: Vec<String> }
    Variable { name: String, value: Option<String>, value_from: Option<Source> }
    Source { secret_key_ref: Option<KeyRef>, field_ref: Option<FieldRef> }
    KeyRef { name: String, key: String, optional: Option<bool> }
    FieldRef { field_path: String }
    ContainerPort { name: String, container_port: u16, protocol: String }
    Probe {
        http_get: Option<HttpGet>,
        tcp_socket: Option<TcpSocket>,
        period_seconds: u32,
        timeout_seconds: Option<u32>,
        failure_threshold: Option<u32>,
    }
    HttpGet { path: String, port: String }
    TcpSocket { port: String }
    Resources { requests: BTreeMap<String, Quantity>, limits: BTreeMap<String, Quantity> }
    Mount { name: String, mount_path: String, sub_path_expr: Option<String>, read_only: Option<bool> }
    Volume { name: String, empty_dir: Option<EmptyDir>, secret: Option<SecretVolume> }
    EmptyDir { medium: Option<String>, size_limit: Option<String> }
    SecretVolume { secret_name: String, items: Option<Vec<Item>> }
    Item { key: String, path: String }
    VolumeClaim { metadata: Metadata, spec: VolumeClaimSpec }
    VolumeClaimSpec { access_modes: Vec<String>, resources: ClaimResources }
    ClaimResources { requests: BTreeMap<String, Quantity> }
    Service { apiVersion: String, metadata: Metadata, spec: ServiceSpec }
    ServiceSpec {
        r#type: Option<String>,
        clusterIP: Option<String>,
        external_traffic_policy: Option<String>,
        selector: Labels,
        ports: Vec<ServicePort>,
    }
    ServicePort { name: String, port: u16, target_port: String, protocol: String }
    NetworkPolicy { apiVersion: String, metadata: Metadata, spec: NetworkPolicySpec }
    NetworkPolicySpec {
        pod_selector: PeerSelector,
        policy_types: Vec<String>,
        ingress: Vec<IngressRule>,
        egress: Vec<EgressRule>,
    }
    PeerSelector { match_labels: Labels }
    IngressRule { from: Vec<Peer>, ports: Vec<PolicyPort> }
    EgressRule { to: Vec<Peer>, ports: Option<Vec<PolicyPort>> }
    Peer {
        pod_selector: Option<PeerSelector>,
        namespace_selector: Option<PeerSelector>,
        ip_block: Option<IpBlock>,
    }
    IpBlock { cidr: String, except: Option<Vec<String>> }
    PolicyPort { port: u16, end_port: Option<u16>, protocol: String }
}

/// A number, or text with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by its Debug only")]
pub(crate) enum Quantity {
    Number(u64),
    Text(String),
}
