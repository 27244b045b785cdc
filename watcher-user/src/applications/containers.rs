//! Names of containers, from the files of the engines. No engine is asked: that would take a connection to it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::books::read;

/// Ids whose names are remembered, found or not. An engine writes the name before it starts the first process.
const MOST: usize = 4_096;
/// Docker's file of one container, bytes.
const DOCKER: u64 = 1 << 20;
/// Podman's file of all containers, bytes.
const PODMAN: u64 = 8 << 20;
/// Links to logs that are looked through.
const LOGS: usize = 8_192;

/// A container's name, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub file: PathBuf,
}

#[derive(Debug)]
pub struct Containers {
    root: PathBuf,
    known: HashMap<String, Option<Named>>,
}

impl Containers {
    pub fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), known: HashMap::new() }
    }

    /// The name of a container by its whole id: 64 hexadecimal digits.
    pub fn name(&mut self, id: &str) -> Option<Named> {
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        let found = self.docker(id).or_else(|| self.podman(id)).or_else(|| self.kubernetes(id));
        let found = found.filter(|found| !found.name.is_empty());
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(id.to_owned(), found.clone());
        found
    }

    fn docker(&self, id: &str) -> Option<Named> {
        #[derive(Deserialize)]
        struct Config {
            #[serde(rename = "Name")]
            name: String,
        }
        let file = self.root.join("var/lib/docker/containers").join(id).join("config.v2.json");
        let Config { name } = serde_json::from_str(&read(&file, DOCKER)?).ok()?;
        // Docker keeps it with a slash before it and shows it without.
        Some(Named { name: name.strip_prefix('/').map(str::to_owned).unwrap_or(name), file })
    }

    fn podman(&self, id: &str) -> Option<Named> {
        #[derive(Deserialize)]
        struct Container {
            id: String,
            #[serde(default)]
            names: Vec<String>,
        }
        let file = self.root.join("var/lib/containers/storage/overlay-containers/containers.json");
        let all: Vec<Container> = serde_json::from_str(&read(&file, PODMAN)?).ok()?;
        let name = all.into_iter().find(|container| container.id == id)?.names.into_iter().next()?;
        Some(Named { name, file })
    }

    /// The kubelet links to the log of each container by `<pod>_<namespace>_<container>-<id>.log`.
    fn kubernetes(&self, id: &str) -> Option<Named> {
        let logs = fs::read_dir(self.root.join("var/log/containers")).ok()?;
        let end = format!("-{id}.log");
        logs.take(LOGS).flatten().find_map(|log| {
            let file = log.file_name().into_string().ok()?;
            let [_, _, name] = <[&str; 3]>::try_from(file.strip_suffix(&end)?.split('_').collect::<Vec<_>>()).ok()?;
            Some(Named { name: name.to_owned(), file: log.path() })
        })
    }
}
