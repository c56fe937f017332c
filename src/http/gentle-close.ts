import type { Server as HttpServer } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * How long connections that are open but idle may still bring a request: time in which this
 * process was held up does not count, for then its clients may be as well, up to a limit.
 */
const lastCallMs = 250;
const longestLastCallMs = 2_000;
const tickMs = 25;
/** As many connections wait at most to be taken. */
export const backlog = 1_024;

/**
 * Watches a server from its beginning. The result ends it: it takes no new connections, lets
 * requests finish, and resolves when all is closed, with whether every request was answered.
 *
 * `http.Server.close` destroys idle connections at once, and a request that a client is just
 * sending on one would meet a reset. So only the listening ends; whoever still asks is answered
 * (with `Connection: close`, which is the caller's part); what is idle after a moment is closed,
 * and what still runs after `timeoutMs` is cut off.
 */
export function closerOf(server: HttpServer): (timeoutMs: number) => Promise<boolean> {
  const connections = new Set<Socket>();
  let underWay = 0;
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (_, response) => {
    underWay += 1;
    response.on('close', () => (underWay -= 1));
  });
  return async (timeoutMs) => {
    const deadline = performance.now() + timeoutMs;
    let isWhole = true;
    await takeWaiting(server);
    const closed = new Promise<void>((resolve) => {
      NetServer.prototype.close.call(server, () => resolve());
    });
    const idleFrom = Math.min(performance.now() + longestLastCallMs, deadline);
    let lastCallTicks = lastCallMs / tickMs;
    let tickedAt = performance.now();
    const endThose = (): void => {
      const now = performance.now();
      if (now - tickedAt < 2 * tickMs) lastCallTicks -= 1;
      tickedAt = now;
      if (now >= deadline) {
        isWhole &&= underWay === 0;
        server.closeAllConnections();
      } else if (now >= idleFrom || lastCallTicks <= 0) {
        server.closeIdleConnections();
        // To Node a connection on which nothing was ever said is not an idle one.
        for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
      }
    };
    // Timers run before what has arrived is read. A process that stood still would take
    // connections for idle whose request is there already: so it reads first.
    const timer = setInterval(() => setImmediate(endThose), tickMs);
    await closed;
    clearInterval(timer);
    // Ends the server's own timers; nothing is open any more.
    server.close();
    return isWhole;
  };
}

/**
 * Takes the connections that the kernel has let in already: it resets those that wait when the
 * listening ends.
 */
async function takeWaiting(server: HttpServer): Promise<void> {
  let taken = 0;
  const count = (): number => (taken += 1);
  server.on('connection', count);
  for (;;) {
    const known = taken;
    // The second comes after a look at all sockets, which may take one connection only.
    await nextTurn();
    await nextTurn();
    if (taken === known || taken >= backlog) break;
  }
  server.off('connection', count);
}
