-- The names of a workflow's checkpoints. ARGV: its id.
if was_deleted(redis.call('HGET', prefix .. 'w:' .. ARGV[1], 'x')) then return array({}) end
local found = redis.call('ZRANGE', prefix .. 'k:' .. ARGV[1], 0, -1)
for i, name in ipairs(found) do found[i] = bin(name) end
return array(found)
