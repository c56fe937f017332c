-- One order of several lines: POST /api/reservations.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, init, done = shared.setup, shared.init, shared.done

local headers = shared.headers
local line = '{"storeId":"main","sku":"%s","quantity":1}'

function request()
  local key = shared.key()
  headers['idempotency-key'] = key
  local lines = {}
  for number = 1, shared.lines do lines[number] = line:format(shared.sku()) end
  local body = '{"orderId":"' .. key .. '","lines":[' .. table.concat(lines, ',') .. ']}'
  return wrk.format('POST', '/api/reservations', headers, body)
end
