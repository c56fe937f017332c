-- One sale of one unit: POST …/adjust.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, done = shared.setup, shared.done

function init(args)
  shared.init(args)
  shared.headers['idempotency-key'] = '{key}'
  local path = '/api/inventory/stores/main/inventory/{sku}/adjust'
  request = shared.template('POST', path, '{"delta":-1,"reason":"sale"}')
end
