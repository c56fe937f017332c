-- Many changes in one request, each with a key of its own: POST /api/mutations.
local shared = dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'shared.lua')

setup, init, done = shared.setup, shared.init, shared.done

-- The request succeeds although single mutations were refused: the body has to be looked at.
response = function(status, _, body)
  shared.count(status)
  if body:find('"rejected"', 1, true) then rejected = rejected + 1 end
end

local headers = shared.headers
local mutation = '{"id":"%s","type":"adjust","storeId":"main","sku":"%s","delta":-1,"reason":"sale"}'

function request()
  local mutations = {}
  for number = 1, shared.lines do
    mutations[number] = mutation:format(shared.key(), shared.sku())
  end
  local body = '{"mutations":[' .. table.concat(mutations, ',') .. ']}'
  return wrk.format('POST', '/api/mutations', headers, body)
end
