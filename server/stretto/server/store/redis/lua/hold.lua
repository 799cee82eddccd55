-- Who has the store open, in one sorted set by the time until which it counts. ARGV: who asks, with x: before its name
-- if it wants the store for itself and s: if it shares it, and for how many microseconds; none to let go.
-- Answers with 1, or with 0 when others stand in its way.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if tonumber(ARGV[2]) == 0 then return number(redis.call('ZREM', KEYS[1], ARGV[1])) end
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local both_share = string.sub(other, 1, 1) == 's' and string.sub(ARGV[1], 1, 1) == 's'
  if other ~= ARGV[1] and not both_share then return number(0) end
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
return number(1)
