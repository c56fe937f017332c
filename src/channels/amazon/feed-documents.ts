import { urlProblem, type HttpClient } from '../../outgoing-http.ts';
import type { PublishFailure } from '../adapter.ts';
import type { AmazonContext } from './settings.ts';

/** What is wrong with a document's transfer; undefined where nothing is. */
export async function upload(
  client: HttpClient,
  context: AmazonContext,
  document: { readonly url: string; readonly contentType: string; readonly body: string },
): Promise<PublishFailure | undefined> {
  const { url, contentType, body } = document;
  const refused = refusedUrl(client, url);
  if (refused !== undefined) return refused;
  // The URL is permission enough: our token is not shown to whoever it leads to.
  const headers = { 'content-type': contentType, 'user-agent': 'onhand' };
  const { signal } = context;
  const answer = await client.request({ method: 'PUT', url, headers, body, signal });
  if (!answer.ok) return { code: answer.code, scope: 'channel' };
  const { status: httpStatus } = answer;
  if (httpStatus >= 200 && httpStatus <= 299) return undefined;
  return { code: 'upload_refused', httpStatus, scope: 'channel' };
}

/** Reads a document that Amazon has written. */
export async function download(
  client: HttpClient,
  context: AmazonContext,
  document: { readonly url: string; readonly isGzip: boolean },
): Promise<
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly failure: PublishFailure }
> {
  const { url, isGzip } = document;
  const refused = refusedUrl(client, url);
  if (refused !== undefined) return { ok: false, failure: refused };
  const headers = { 'user-agent': 'onhand' };
  const { signal } = context;
  const answer = await client.request({ method: 'GET', url, headers, isGzip, signal });
  if (!answer.ok) return { ok: false, failure: { code: answer.code, scope: 'channel' } };
  const { status: httpStatus, text } = answer;
  if (httpStatus === 200) return { ok: true, text };
  return { ok: false, failure: { code: 'download_refused', httpStatus, scope: 'channel' } };
}

function refusedUrl(client: HttpClient, url: string): PublishFailure | undefined {
  if (urlProblem(url, client.allowPrivateAddresses) === undefined) return undefined;
  return { code: 'address_refused', scope: 'channel' };
}
