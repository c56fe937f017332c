import { z } from 'zod';
import { urlProblem } from './outgoing-http.ts';

/** A setting that names where requests are made to. */
export function urlSetting(allowPrivateAddresses: boolean): z.ZodType<string> {
  return z
    .string()
    .max(2_048)
    .superRefine((url, issues) => {
      const problem = urlProblem(url, allowPrivateAddresses);
      if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem });
    });
}

/** A URL with a path of its own as it is; a host alone with the path given. */
export function withPath(url: string, path: string): string {
  const parsed = new URL(url);
  if (parsed.pathname !== '/') return url;
  parsed.pathname = path;
  return parsed.href;
}
