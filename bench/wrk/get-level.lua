-- One level: GET …/{sku}.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, done = shared.setup, shared.done

function init(args)
  shared.init(args)
  request = shared.template('GET', '/api/inventory/stores/main/inventory/{sku}')
end
