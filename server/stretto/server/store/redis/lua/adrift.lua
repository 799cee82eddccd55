-- Running workflows whose owner is not among the living. ARGV: how many, and who lives.
local alive, found = {}, {}
for i = 2, #ARGV do alive[ARGV[i]] = true end
for _, owner in ipairs(redis.call('ZRANGE', prefix .. 'owners', 0, -1)) do
  if not alive[owner] then
    local owned = redis.call('ZRANGE', prefix .. 'o:' .. owner, 0, ARGV[1] - 1)
    for _, id in ipairs(owned) do
      if #found < tonumber(ARGV[1]) then found[#found + 1] = parts(id, 'u') end
    end
    if #owned == 0 then redis.call('ZREM', prefix .. 'owners', owner) end
  end
end
return array(found)
