//! Containers of every engine.

use super::{
    super::rules::container::{self, Container, of},
    books, within,
};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn engines_are_known_by_the_cgroups_that_they_make() {
    for path in [
        "/docker/ID",
        "/system.slice/docker-ID.scope",
        "/system.slice/docker-ID.scope/init.scope",
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
        "/machine.slice/libpod-ID.scope",
        "/libpod_parent/libpod-ID",
        "/kubepods/burstable/pod6c1f7d5e/ID",
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod6c.slice/cri-containerd-ID.scope",
        "/kubepods.slice/kubepods-pod6c.slice/crio-ID.scope",
        "/system.slice/nerdctl-ID.scope",
        "/default/ID",
        "/../docker/ID/system.slice/nginx.service",
        "/docker/ID/docker/ffff",
    ] {
        assert_eq!(of(&path.replace("ID", ID)), Some(Container::Id(ID)), "{path}");
    }
    for (path, name) in [
        ("/lxc/web", "web"),
        ("/lxc/web/system.slice/nginx.service", "web"),
        ("/lxc.payload.web/init.scope", "web"),
        ("/lxc.payload/web", "web"),
        ("/machine.slice/machine-debian\\x2d12.scope/payload", "debian-12"),
        ("/machine.slice/systemd-nspawn@build.service/payload", "build"),
    ] {
        assert_eq!(of(path), Some(Container::Name(name.into())), "{path}");
    }
}

#[test]
fn what_is_beside_containers_is_not_in_one() {
    for path in [
        "/",
        "/docker",
        "/docker/short",
        "/system.slice/docker.service",
        "/system.slice/docker-ID",
        "/machine.slice/libpod-conmon-ID.scope",
        "/kubepods.slice/crio-conmon-ID.scope",
        "/lxc.monitor.web",
        "/lxc",
        "/lxc.payload.",
        "/machine.slice",
        "/machine.slice/machine-.scope",
        "/process_api/30cc00a7d54feb37a75f8f58a07f9ff1",
        "/system.slice/machine-x.scope",
    ] {
        let path = path.replace("docker-ID", &format!("docker-{}", &ID[1..])).replace("ID", ID);
        assert_eq!(of(&path), None, "{path}");
    }
}

#[test]
fn a_container_goes_by_the_name_that_its_engine_wrote() {
    let other = ID.replace('0', "1");
    let third = ID.replace('0', "2");
    let root = tempfile::tempdir().unwrap();
    let docker = format!("var/lib/docker/containers/{ID}/config.v2.json");
    let log = format!("var/log/containers/coredns-5d78c_kube-system_coredns-{third}.log");
    let podman = format!(r#"[{{"id":"{ID}x","names":["no"]}},{{"id":"{other}","names":["db","alias"]}}]"#);
    let mut books = books(
        root.path(),
        &[
            (&docker, r#"{"State":{},"Name":"/web-1","Config":{}}"#),
            ("var/lib/containers/storage/overlay-containers/containers.json", &podman),
            (&log, ""),
        ],
    );
    let mut name = |path: String| container::name(&within(&path), &mut books).unwrap();
    let web = name(format!("/docker/{ID}"));
    assert_eq!(&*web.name, "web-1");
    assert!(web.evidence.contains(ID) && web.evidence.ends_with("config.v2.json"), "{}", web.evidence);
    assert_eq!(&*name(format!("/machine.slice/libpod-{other}.scope")).name, "db");
    let borrowed = format!("/user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope");
    assert_eq!(&*name(borrowed).name, &ID[..12], "a user made that cgroup");
    assert_eq!(&*name(format!("/docker/{ID}/user.slice/user@0.service/x.scope")).name, "web-1");
    assert_eq!(&*name(format!("/kubepods/pod1/{third}")).name, "coredns");
}

#[test]
fn a_name_that_cannot_be_read_is_the_short_id_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let file = format!("var/lib/docker/containers/{ID}/config.v2.json");
    let long = format!(r#"{{"Name":"/x","Pad":"{}"}}"#, "x".repeat(2 << 20));
    for text in ["", "{", r#"{"Name":7}"#, r#"{"Name":"/"}"#, r#"{"Other":1}"#, &long] {
        let found = container::name(&within(&format!("/docker/{ID}")), &mut books(root.path(), &[(&file, text)]));
        let found = found.unwrap();
        assert_eq!(&*found.name, "0123456789ab");
        assert!(found.evidence.contains("cannot be read"), "{}", found.evidence);
    }
}
