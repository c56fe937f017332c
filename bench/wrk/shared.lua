-- What the request scripts share. Arguments behind `--`: api key, seed, how SKUs are chosen
-- (`uniform`, `one` or `zipf`), how many there are, the distance between their numbers, the number of
-- lines or mutations of one request, and `apart` where refusals have to be told apart.
local shared = {}

shared.headers = { ['content-type'] = 'application/json' }
shared.lines = 1
local counter, pick = 0, nil
local random = math.random

-- s = 1.1: the first of 20 SKUs takes 29 % of all requests.
local function zipf(count, s)
  local cumulative, total = {}, 0
  for rank = 1, count do
    total = total + 1 / rank ^ s
    cumulative[rank] = total
  end
  return function()
    local point = random() * total
    for rank = 1, count do
      if point <= cumulative[rank] then return rank end
    end
    return count
  end
end

function shared.init(args)
  shared.headers.authorization = 'Bearer ' .. args[1]
  -- `id` is set by setup(): two threads must not send the same keys.
  math.randomseed(tonumber(args[2]) + (id or 0) * 7919)
  for _ = 1, 10 do random() end
  local kind, count, stride = args[3], tonumber(args[4]), tonumber(args[5])
  shared.lines = tonumber(args[6])
  -- With a function `response` wrk makes a table of the headers and a text of the body of every
  -- answer. Without one it counts what is 4xx or 5xx by itself.
  if args[7] == 'apart' then response = shared.count end
  if kind == 'one' then
    pick = function() return 1 end
  elseif kind == 'zipf' then
    pick = zipf(count, 1.1)
  else
    pick = function() return (random(1, count) - 1) * stride + 1 end
  end
end

function shared.sku() return 'SKU-' .. pick() end

-- Random, as clients' keys are: keys in order would spare the index work that pgbench has to do.
function shared.key()
  counter = counter + 1
  local a, b = random(0, 0x7fffffff), random(0, 0x7fffffff)
  return string.format('%08x%08x-%x', a, b, counter)
end

-- Makes requests from one that wrk has put together once: to do that for each costs more than to
-- send it. `{sku}` stands for an SKU, and behind it in the headers `{key}` for a key, if at all.
function shared.template(method, path, body)
  local text = wrk.format(method, path, shared.headers, body)
  local head, middle, tail = text:match('^(.-){sku}(.-){key}(.*)$')
  if tail then
    return function() return head .. shared.sku() .. middle .. shared.key() .. tail end
  end
  head, tail = text:match('^(.-){sku}(.*)$')
  return function() return head .. shared.sku() .. tail end
end

local threads = {}

function shared.setup(thread)
  threads[#threads + 1] = thread
  thread:set('id', #threads)
end

-- Globals of each thread, read again by done().
s4, s409, s503, s5, rejected = 0, 0, 0, 0, 0

function shared.count(status)
  if status == 409 then
    s409 = s409 + 1
  elseif status == 503 then
    s503 = s503 + 1
  elseif status >= 500 then
    s5 = s5 + 1
  elseif status >= 300 then
    s4 = s4 + 1
  end
end

function shared.done(summary, latency)
  local sum = { s4 = 0, s409 = 0, s503 = 0, s5 = 0, rejected = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sum) do sum[name] = sum[name] + thread:get(name) end
  end
  local e = summary.errors
  local apart = sum.s4 + sum.s409 + sum.s503 + sum.s5
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"p50":%d,"p99":%d,"max":%d,"other":%d,"conflict":%d,' ..
      '"busy":%d,"fault":%d,"rejected":%d,"socket":%d,' ..
      '"unsorted":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency.max, sum.s4, sum.s409, sum.s503, sum.s5, sum.rejected,
    e.connect + e.read + e.write + e.timeout, math.max(0, e.status - apart)))
end

return shared
