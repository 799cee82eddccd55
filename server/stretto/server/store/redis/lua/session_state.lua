-- A session and its workflows. ARGV: the id, how many that have not ended, how many that have, and the size up to which
-- values of checkpoints are wanted (none at all below 0). Answers with its row, and with workflows as `state` does.
local row = redis.call('HGET', prefix .. 's:' .. ARGV[1], 'd')
if not row then return NIL end
local bytes_max, found = tonumber(ARGV[4]), {}

local function take(id)
  local workflow = parts(id, 'f')
  if not workflow then return end
  local name = bytes_max >= 0 and newest(id, '')
  found[#found + 1] = '\147' .. workflow .. interrupts(id) .. (name and checkpoint(id, name, bytes_max) or NIL)
end

local function first(index, limit)
  if tonumber(limit) <= 0 then return {} end
  return redis.call('ZREVRANGE', prefix .. index .. ARGV[1], 0, limit - 1)
end

for _, id in ipairs(first('sa:', ARGV[2])) do take(id) end
-- Those that have ended stand in their index with their creation before their id.
for _, member in ipairs(first('se:', ARGV[3])) do take(string.sub(member, 21)) end
return '\146' .. row .. array(found)
