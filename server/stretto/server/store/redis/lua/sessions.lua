-- Sessions by their ids, deleted or not. ARGV: the ids.
local found = {}
for _, id in ipairs(ARGV) do found[#found + 1] = redis.call('HGET', prefix .. 's:' .. id, 'd') or NIL end
return array(found)
