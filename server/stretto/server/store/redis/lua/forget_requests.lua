-- Deletes request ids that were used before a time. ARGV: the time, and how many at most. Answers with how many.
local old = redis.call('ZRANGEBYSCORE', prefix .. 'requests:age', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(old) do
  redis.call('HDEL', prefix .. 'requests', id)
  redis.call('ZREM', prefix .. 'requests:age', id)
end
return number(#old)
