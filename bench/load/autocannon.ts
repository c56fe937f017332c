import type { HttpLoad, LoadSample } from './http-load.ts';
import { createRequestMaker } from './request-mix.ts';

/** The stand-in for wrk. It takes more of the machine, so both sides come out slower. */
export async function runAutocannon(load: HttpLoad): Promise<LoadSample> {
  // Loaded only here: machines with wrk do not need it.
  const { default: autocannon } = await import('autocannon');
  const nextRequest = createRequestMaker(load);
  const authorization = `Bearer ${load.apiKey}`;
  let rejected = 0;
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    requests: [
      {
        setupRequest: (request) => {
          const { method, path, headers, body } = nextRequest();
          const all = { ...headers, authorization };
          return {
            ...request,
            method,
            path,
            headers: all,
            ...(body === undefined ? {} : { body }),
          };
        },
        onResponse: (_status, body) => {
          if (load.request === 'mutations' && body.includes('"rejected"')) rejected += 1;
        },
      },
    ],
  });
  const countOf = (status: `${number}`): number => result.statusCodeStats?.[status]?.count ?? 0;
  const conflict = countOf('409');
  const busy = countOf('503');
  return {
    rate: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    seconds: result.duration,
    failures: {
      conflict,
      busy,
      fault: result['5xx'] - busy,
      other: result['3xx'] + result['4xx'] - conflict,
      socket: result.errors,
      rejected,
      unsorted: 0,
    },
  };
}
