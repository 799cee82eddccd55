-- Deletes rows of sessions that were deleted before a time and are purged. ARGV: the time, and how many to look at.
local count = 0
local old = redis.call('ZRANGEBYSCORE', prefix .. 'sessions:deleted', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(old) do
  if not was_deleted(id) then
    redis.call('UNLINK', prefix .. 's:' .. id)
    count = count + redis.call('ZREM', prefix .. 'sessions:deleted', id)
  end
end
return number(count)
