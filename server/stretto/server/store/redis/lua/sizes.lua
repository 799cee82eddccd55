-- How many entries indexes have. ARGV: the indexes.
local found = {}
for i, index in ipairs(ARGV) do found[i] = number(redis.call('ZCARD', prefix .. index)) end
return array(found)
