-- One level: GET …/{sku}.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, init, done = shared.setup, shared.init, shared.done
response = function(status) shared.count(status) end

function request()
  local path = '/api/inventory/stores/main/inventory/' .. shared.sku()
  return wrk.format('GET', path, shared.headers)
end
