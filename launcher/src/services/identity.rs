//! A name for a user that has only a number: some clusters run containers as one that `/etc/passwd` does not know, and
//! then shells, ssh, git and Wine refuse or complain. nss_wrapper reads another `passwd` in the programs that load it;
//! programs that gain privileges do not (ld.so(8), LD_PRELOAD).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{getgid, getuid};

use crate::supervise::ChildEnvironment;

const LIBRARY: &str = "libnss_wrapper.so";
const NAME: &str = "user";

/// Makes the files below the runtime folder, where they are needed.
pub(super) fn give_name(environment: &mut ChildEnvironment, runtime: &Path) -> io::Result<()> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if knows(&users, uid) {
        return Ok(());
    }
    let Some(library) = library() else {
        tracing::debug!("the user {uid} stays without a name: {LIBRARY} is not installed");
        return Ok(());
    };
    let home = env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    let shell = env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
    let mut groups = fs::read_to_string("/etc/group").unwrap_or_default();
    if !knows(&groups, gid) {
        groups += &format!("{NAME}:x:{gid}:\n");
    }
    for (variable, file, text) in [
        ("NSS_WRAPPER_PASSWD", "passwd", with_user(&users, uid, gid, &home, &shell)),
        ("NSS_WRAPPER_GROUP", "group", groups),
    ] {
        let path = runtime.join(file);
        fs::write(&path, text)?;
        environment.set(variable, path);
    }
    environment.preload(&library);
    Ok(())
}

/// Whether the third field of a line is this number, as it is in passwd(5) and in group(5).
fn knows(table: &str, number: u32) -> bool {
    table.lines().any(|line| line.split(':').nth(2) == Some(&number.to_string()))
}

/// The table, where the name means this user.
fn with_user(table: &str, uid: u32, gid: u32, home: &str, shell: &str) -> String {
    let taken = format!("{NAME}:");
    let others = table.lines().filter(|line| !line.starts_with(&taken)).map(|line| line.to_owned() + "\n");
    others.chain([format!("{NAME}:x:{uid}:{gid}::{home}:{shell}\n")]).collect()
}

fn library() -> Option<PathBuf> {
    let triplet = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH);
    [triplet.as_str(), "/usr/lib", "/usr/lib64"]
        .iter()
        .map(|folder| Path::new(folder).join(LIBRARY))
        .find(|it| it.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_means_the_user_that_has_none() {
        let table = "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n";
        assert!(knows(table, 1000) && !knows(table, 100));
        let other = with_user(table, 1_234_567, 0, "/home/user", "/bin/bash");
        assert_eq!(other, "root:x:0:0:root:/root:/bin/bash\nuser:x:1234567:0::/home/user:/bin/bash\n");
    }
}
