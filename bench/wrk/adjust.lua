-- One sale of one unit: POST …/adjust.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, init, done = shared.setup, shared.init, shared.done
response = function(status) shared.count(status) end

local headers = shared.headers
local body = '{"delta":-1,"reason":"sale"}'

function request()
  headers['idempotency-key'] = shared.key()
  local path = '/api/inventory/stores/main/inventory/' .. shared.sku() .. '/adjust'
  return wrk.format('POST', path, headers, body)
end
