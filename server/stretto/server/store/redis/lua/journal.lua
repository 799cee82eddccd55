-- A part of a session's journal. ARGV: the id, the first index and the last one. An entry that stands for a workflow's
-- event gets that one's body.
if was_deleted(ARGV[1]) then return array({}) end
local found, first = {}, tonumber(ARGV[2])
for i, entry in ipairs(redis.call('LRANGE', prefix .. 'j:' .. ARGV[1], ARGV[2], ARGV[3])) do
  local _, _, workflow, sequence = cmsgpack.unpack_limit(entry, 3, FEW)
  local body = NIL
  if sequence > 0 then body = bin(redis.call('LINDEX', prefix .. 'e:' .. workflow, sequence - 1)) end
  found[i] = '\147' .. number(first + i) .. entry .. body
end
return array(found)
