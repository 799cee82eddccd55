-- Removes some of what belonged to one deleted session. ARGV: how many workflows at most. Answers with how many keys.
local session = redis.call('SRANDMEMBER', prefix .. 'purge')
if not session then return number(0) end
local count = 0

local function unlink(key)
  count = count + redis.call('UNLINK', prefix .. key)
end

local function leave_indexes(id)
  local row = redis.call('HMGET', prefix .. 'w:' .. id, 'f', 's')
  local _, _, _, kind, _, _, _, _, labels = cmsgpack.unpack_limit(row[1], 8, FEW)
  local _, status = cmsgpack.unpack_limit(row[2], 1, MANY)
  redis.call('ZREM', prefix .. 'all', id)
  redis.call('ZREM', prefix .. 'type:' .. kind, id)
  redis.call('ZREM', prefix .. (kind == 'stretto.orchestrator' and 'turns:' or 'status:') .. status, id)
  for _, label in ipairs(labels and cjson.decode(labels) or {}) do
    redis.call('ZREM', prefix .. 'l:' .. label[1] .. '\0' .. label[2], id)
  end
end

local some = redis.call('ZRANGE', prefix .. 'of:' .. session, 0, ARGV[1] - 1)
for _, id in ipairs(some) do
  leave_indexes(id)
  for _, kind in ipairs({'w:', 'e:', 'c:', 'k:', 'b:', 'p:', 'q:'}) do unlink(kind .. id) end
  redis.call('ZREM', prefix .. 'of:' .. session, id)
end
if #some == 0 then
  for _, kind in ipairs({'j:', 'm:', 't:', 'sa:', 'se:'}) do unlink(kind .. session) end
  count = count + redis.call('SREM', prefix .. 'purge', session)
end
return number(count)
