// One HTTP/2 connection to the services, replaced as soon as it can take no more calls.
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";

/** Milliseconds until an attempt to connect is given up. */
const CONNECT_TIMEOUT = 5_000;

/** The peer is asked for a sign of life this often, and given this long, milliseconds. */
const PING_INTERVAL = 10_000;
const PING_TIMEOUT = 5_000;

/**
 * Flow control, bytes. A client that reads a stream slowly holds back one stream's window; the connection's is wide enough
 * for hundreds of those, so that they never hold back anyone else.
 */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 64 * 1024 * 1024;

const SETTINGS = {
  settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
  // The services say how many streams they take; until they have, no guess of Node's holds calls back.
  peerMaxConcurrentStreams: 0xffff_ffff,
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
};

export class Connection {
  readonly #authority: string;
  #session: ClientHttp2Session | undefined;

  /** @param address "host:port" */
  constructor(address: string) {
    this.#authority = `http://${address}`;
  }

  /**
   * The session that takes new calls; a new one when the last was lost or is closing. Its calls wait until it stands, and fail
   * when it never does. Nobody waits before the next attempt: one attempt at a time, shared by all calls, is gentle enough,
   * and services that are back are found by the very next call.
   */
  session(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = this.#open();
    }
    return this.#session;
  }

  close(): void {
    this.#session?.destroy();
  }

  #open(): ClientHttp2Session {
    const session = connect(this.#authority, SETTINGS);
    const timer = setTimeout(() => session.destroy(), CONNECT_TIMEOUT);
    const pulse = setInterval(() => ping(session), PING_INTERVAL);
    const forget = (): void => {
      if (this.#session === session) {
        this.#session = undefined;
      }
    };
    session.once("connect", () => {
      clearTimeout(timer);
      session.setLocalWindowSize(CONNECTION_WINDOW);
    });
    // The calls report what went wrong; the session only has to be out of the way.
    session.on("error", forget);
    session.once("goaway", forget);
    session.once("close", () => {
      forget();
      clearTimeout(timer);
      clearInterval(pulse);
    });
    return session;
  }
}

function ping(session: ClientHttp2Session): void {
  if (session.destroyed || session.connecting) {
    return;
  }
  const timer = setTimeout(() => session.destroy(), PING_TIMEOUT);
  session.ping(() => clearTimeout(timer));
}
