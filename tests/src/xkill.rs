//! Who is connected to an X server, and how to cut them off: the extension X-Resource, and `KillClient`, as `xkill` has it.

use anyhow::{Result, bail};
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::ConnectionExt as _;

/// The resources among the first ones of a client that are tried: one that is known to be there is needed.
const TRIED: u32 = 256;

/// The connections that a process has to an X server, each as the first number of its resources.
pub fn connections(display: &str, process: u32) -> Result<Vec<u32>> {
    let (connection, _) = x11rb::connect(Some(display))?;
    let all = ClientIdSpec { client: 0, mask: ClientIdMask::LOCAL_CLIENT_PID };
    let known = connection.res_query_client_ids(&[all])?.reply()?.ids;
    Ok(known.into_iter().filter(|id| id.value.first() == Some(&process)).map(|id| id.spec.client).collect())
}

/// Ends one of these connections, without a word to the client.
pub fn kill(display: &str, client: u32) -> Result<()> {
    let (connection, _) = x11rb::connect(Some(display))?;
    for number in 0..TRIED {
        if connection.kill_client(client + number)?.check().is_ok() {
            return Ok(());
        }
    }
    bail!("client {client:#x} has nothing by which the X server knows it")
}
