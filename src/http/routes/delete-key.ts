import { refuse } from '../../errors.ts';
import { revokeKey } from '../../merchants/index.ts';
import { ownId } from '../fields.ts';
import { defineOperation } from '../operation.ts';
import { empty } from '../reply.ts';

export const deleteKey = defineOperation({
  method: 'delete',
  path: '/api/keys/{keyId}',
  tag: 'Merchants',
  summary: 'Revoke a key',
  description: 'It stops working at once here, and within 5 seconds on every other process.',
  access: 'admin',
  params: { keyId: ownId },
  responses: { 204: { description: 'It is revoked' } },
  refusals: ['KEY.NOT_FOUND'],
  async handle({ caller, params: { keyId }, services, knownKeys }) {
    const revoked = await revokeKey(services.db, caller.merchantId, keyId);
    knownKeys.forget(keyId);
    return revoked ? empty(204) : refuse('KEY.NOT_FOUND', 'There is no such key.', { keyId });
  },
});
