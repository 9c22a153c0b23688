//! System V shared memory, which `Xvfb -shmem` keeps its framebuffer in.

use std::num::NonZero;
use std::ptr::NonNull;

use rustix::process::Pid;

use super::CaptureError;

/// What the kernel shows in /proc/sysvipc/shm, by the columns' names.
const LIST: &str = "/proc/sysvipc/shm";

/// A segment, attached for reading; detached on drop.
#[derive(Debug)]
pub(super) struct Segment {
    memory: NonNull<u8>,
    length: usize,
}

// SAFETY: the attachment belongs to this value alone and stays at its place until drop.
unsafe impl Send for Segment {}

impl Segment {
    /// The one that a process has made. An X server that has made several is no Xvfb: what its clients share with it they
    /// make themselves.
    pub(super) fn made_by(process: Pid) -> Result<Self, CaptureError> {
        let list = std::fs::read_to_string(LIST)
            .map_err(|_| CaptureError::Declined("the kernel does not list the segments of shared memory"))?;
        let id = find(&list, process.as_raw_nonzero())
            .ok_or(CaptureError::Declined("the X server has no shared memory, or in another IPC namespace"))?;
        Self::attach(id)
    }

    fn attach(id: i32) -> Result<Self, CaptureError> {
        // SAFETY: all zeroes are a valid value of this plain structure of numbers.
        let mut state: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: `state` is the structure that IPC_STAT fills in.
        let known = unsafe { libc::shmctl(id, libc::IPC_STAT, &raw mut state) } == 0;
        // SAFETY: the kernel chooses a free address; nothing here writes to it.
        let memory = unsafe { libc::shmat(id, std::ptr::null(), libc::SHM_RDONLY) };
        const REFUSED: CaptureError = CaptureError::Declined("the X server's shared memory can't be attached");
        let memory = NonNull::new(memory.cast()).filter(|_| memory as isize != -1).ok_or(REFUSED)?;
        // From here on dropping it detaches.
        let segment = Self { memory, length: state.shm_segsz };
        if known { Ok(segment) } else { Err(REFUSED) }
    }

    /// Where it begins. Another process writes to it, so it must not become a slice.
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.memory.as_ptr()
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: attached at this address, and nobody can hold a reference into it any more.
        unsafe { libc::shmdt(self.memory.as_ptr().cast()) };
    }
}

/// The id of the only segment whose creator is this process.
fn find(list: &str, creator: NonZero<i32>) -> Option<i32> {
    let mut lines = list.lines();
    let columns: Vec<&str> = lines.next()?.split_ascii_whitespace().collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (id, cpid) = (column("shmid")?, column("cpid")?);
    let mut made = lines.filter_map(|line| {
        let values: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |column: usize| values.get(column)?.parse::<i32>().ok();
        number(id).filter(|_| number(cpid) == Some(creator.get()))
    });
    made.next().filter(|_| made.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_tells_who_has_made_what() {
        let list = "       key      shmid perms                  size  cpid  lpid nattch   uid\n\
                             0         32   777               8294568  4711  4712      1     0\n\
                             0         33   600                  4096    77    77      1     0\n\
                             0         34   600                  4096    77    77      1     0\n";
        let id = |creator| find(list, NonZero::new(creator).unwrap());
        assert_eq!((id(4711), id(77), id(1)), (Some(32), None, None));
        assert_eq!(find("", NonZero::<i32>::MIN), None);
    }
}
