/** What the server has told about itself on this connection. */

export class Server {
  encoder = '';
  /** @type {number | null} */
  latencyMs = null;
  /** @type {import('../core/protocol.js').GpuMessage | null} */
  gpu = null;
  /** @type {import('../core/protocol.js').MachineMessage | null} */
  machine = null;
  /** Whether it gives the screen the size of a window. */
  resizes = false;

  /** Another connection may be to another server. */
  forget() {
    Object.assign(this, new Server());
  }
}
