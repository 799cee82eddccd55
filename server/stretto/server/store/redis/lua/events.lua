-- A part of a workflow's journal. ARGV: the id, the first index and the last one.
if was_deleted(redis.call('HGET', prefix .. 'w:' .. ARGV[1], 'x')) then return array({}) end
local found = redis.call('LRANGE', prefix .. 'e:' .. ARGV[1], ARGV[2], ARGV[3])
for i, body in ipairs(found) do found[i] = bin(body) end
return array(found)
