import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeApi } from '../../../src/http/openapi.ts';
import { operationsOf } from '../../../src/http/routes/index.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { readContract, type Contract } from './contract.ts';
import { routesOf, type Description, type Route } from './description.ts';
import { anyRequest, fillIn, validRequest, type FuzzRequest } from './requests.ts';
import { worstRequests } from './worst-values.ts';
import { openWire, type Wire, type WireAnswer } from './wire.ts';
import { openWorlds, type World } from './world.ts';

// Every route of the API's description gets requests that are valid, nearly valid and hostile. It
// answers all of them as it promised, and what it refuses changes nothing.
//
// FUZZ_RUNS: runs for each route. FUZZ_SEED and FUZZ_PATH: repeat a failure, as its message says.

const runs = Number(process.env['FUZZ_RUNS'] ?? 10);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['FUZZ_PATH'];

/** The routes by name; that the server publishes the same document is tested below. */
const routes = routesOf(
  describeApi(operationsOf({ version: '0.0.0-test' }), '0.0.0-test') as Description,
);

let app: TestApp;
let wire: Wire;
let contract: Contract;
let newWorld: () => Promise<World>;
/** How many requests were answered so. */
const answered = { accepted: 0, refused: 0 };

beforeAll(async () => {
  // So small that a body can be too large.
  app = await startTestApp({ env: { BODY_LIMIT_KB: '64' } });
  wire = openWire(app.url);
  const published = await app.call('GET', '/api/openapi.json', { key: null });
  const description = JSON.parse(published.text) as Description;
  expect(routesOf(description).map(({ name }) => name)).toEqual(routes.map(({ name }) => name));
  contract = readContract(description);
  newWorld = await openWorlds(app);
  process.stdout.write(`fuzz: FUZZ_SEED=${seed} FUZZ_RUNS=${runs}\n`);
});

afterAll(async () => {
  const { accepted, refused } = answered;
  process.stdout.write(`fuzz: ${accepted} requests were accepted, ${refused} refused\n`);
  wire.close();
  await app.close();
});

async function send(world: World, request: FuzzRequest): Promise<WireAnswer> {
  const { method, target, headers, caller, body, encoding } = request;
  return wire.send(
    method,
    fillIn(target, world.ids),
    { ...headers, ...world.headersOf(caller) },
    body === undefined ? undefined : Buffer.from(fillIn(body, world.ids), encoding),
  );
}

/** Sends requests one after the other and throws where one is not answered as it should be. */
async function keepsPromises(requests: readonly FuzzRequest[]): Promise<void> {
  const world = await newWorld();
  let before = await world.fingerprint();
  for (const request of requests) {
    const answer = await send(world, request);
    answered[answer.status < 400 ? 'accepted' : 'refused'] += 1;
    const after = await world.fingerprint();
    const changed = after !== before;
    const mayChange = answer.status < 300 && request.method !== 'GET';
    const route = routes.find(({ name }) => name === request.route);
    const problems = [
      ...(answer.status >= 500 ? ['a fault'] : []),
      ...(route === undefined ? ['no such route'] : contract(route, answer)),
      ...(answer.headers['x-request-id'] === undefined ? ['no request id'] : []),
      ...(changed && !mayChange ? ['what it refused has changed something'] : []),
    ];
    const said = `${request.method} ${request.target} → ${answer.status}`;
    expect(problems, `${said} ${answer.text.slice(0, 500)}`).toEqual([]);
    before = after;
  }
}

const anything = fc.oneof(...routes.map(anyRequest));

/** Requests to one route, after some to any. */
const storyOf = (route: Route): fc.Arbitrary<FuzzRequest[]> =>
  fc
    .tuple(
      fc.array(anything, { maxLength: 2 }),
      fc.array(anyRequest(route), { minLength: 1, maxLength: 12, size: 'max' }),
    )
    .map(([prelude, own]) => [...prelude, ...own]);

describe('whatever it is sent', () => {
  test.each(routes.map((route) => [route.name, route] as const))(
    '%s answers as described',
    { timeout: 24 * 3_600_000 },
    async (name, route) => {
      const details = await fc.check(fc.asyncProperty(storyOf(route), keepsPromises), {
        numRuns: runs,
        seed,
        ...(path === undefined ? {} : { path }),
      });
      if (!details.failed) return;
      const again = `FUZZ_SEED=${details.seed} FUZZ_PATH=${details.counterexamplePath}`;
      const command = `${again} npx vitest run test/http/fuzz/fuzz.test.ts -t '${name} answers'`;
      const reason = details.errorInstance;
      const why = reason instanceof Error ? reason.message : String(reason);
      expect.fail(`${why}\nto see it again: ${command}\n${fc.defaultReportMessage(details)}`);
    },
  );
});

test.each(routes.map((route) => [route.name, route] as const))(
  '%s takes the worst values in every place',
  (_, route) => keepsPromises(worstRequests(route)),
);

/** What only a channel can sign, and what only a vendor's server can answer. */
const needsVendor = new Set([
  'POST /api/webhooks/{channelId}',
  'POST /api/channels/{channelId}/verify',
  'POST /api/channels/{channelId}/discover',
]);
const guessable = routes.filter(({ name }) => !needsVendor.has(name));

test.each(guessable.map((route) => [route.name, route] as const))(
  '%s is reached: of its valid requests some succeed',
  async (_, route) => {
    const statuses: number[] = [];
    // Always the same ones.
    for (const request of fc.sample(validRequest(route), { numRuns: 200, seed: 1 })) {
      const { status } = await send(await newWorld(), request);
      statuses.push(status);
      if (status < 300) return;
    }
    expect.fail(`never more than ${[...new Set(statuses)].join(', ')}`);
  },
);
