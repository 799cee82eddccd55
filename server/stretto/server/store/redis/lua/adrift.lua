-- Running workflows whose owner is not among the living. ARGV: how many, and who lives. Owners of nothing are forgotten,
-- so that a project where nothing runs need not be asked again.
local alive, found = {}, {}
for i = 2, #ARGV do alive[ARGV[i]] = true end
for _, owner in ipairs(redis.call('ZRANGE', prefix .. 'owners', 0, -1)) do
  if redis.call('EXISTS', prefix .. 'o:' .. owner) == 0 then
    redis.call('ZREM', prefix .. 'owners', owner)
  elseif not alive[owner] then
    for _, id in ipairs(redis.call('ZRANGE', prefix .. 'o:' .. owner, 0, ARGV[1] - 1)) do
      if #found < tonumber(ARGV[1]) then found[#found + 1] = parts(id, 'u') end
    end
  end
end
return array(found)
