-- What projects have in indexes. ARGV: a score up to which entries count ('' asks only whether there are any), how many
-- indexes, the indexes, and what the names of the projects' keys begin with. KEYS[1] names no project.
local upto, last = ARGV[1], 2 + ARGV[2]
local found = {}
for i = last + 1, #ARGV do
  local counts = {}
  for j = 3, last do
    local index = ARGV[i] .. ARGV[j]
    counts[#counts + 1] = upto == '' and redis.call('EXISTS', index) or redis.call('ZCOUNT', index, '-inf', upto)
  end
  found[#found + 1] = cmsgpack.pack(counts)
end
return array(found)
