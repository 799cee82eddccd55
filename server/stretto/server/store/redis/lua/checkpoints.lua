-- Checkpoints. ARGV: the workflow's id, and their names; a name that ends in a zero byte stands for the newest of its
-- namespace.
if was_deleted(redis.call('HGET', prefix .. 'w:' .. ARGV[1], 'x')) then return array({}) end
local found = {}
for i = 2, #ARGV do
  local name = ARGV[i]
  if string.sub(name, -1) == '\0' then name = newest(ARGV[1], string.sub(name, 1, -2)) end
  found[#found + 1] = name and checkpoint(ARGV[1], name, 0) or NIL
end
return array(found)
