// Loaded into a process before its program (`node --import`): its clock is then so much off, for
// the program and for every library in it, while timers go on as they do.
const offsetMs = Number(process.env['SKEW_MS'] ?? 0);
const rightDate = globalThis.Date;
const now = (): number => rightDate.now() + offsetMs;

globalThis.Date = new Proxy(rightDate, {
  construct: (target, given: unknown[], made) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, made) as object,
  apply: () => new rightDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
