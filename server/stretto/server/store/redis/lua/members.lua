-- Members, in one hash: m:<id> what one told last, t:<id> when, by this server's clock, d:<id> whether it shall drain.
-- ARGV: what to do, and with what.
local key = KEYS[1]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])

local function forget(id)
  return redis.call('HDEL', key, 'm:' .. id, 't:' .. id, 'd:' .. id)
end

local function presence(id)
  local row = redis.call('HMGET', key, 'm:' .. id, 't:' .. id)
  return row[1] and '\146' .. row[1] .. number(now - row[2]) or NIL
end

local verbs = {}

function verbs.renew(id, row)
  redis.call('HSET', key, 'm:' .. id, row, 't:' .. id, now)
  return number(redis.call('HEXISTS', key, 'd:' .. id))
end

function verbs.all()
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 'm:' then found[#found + 1] = presence(string.sub(field, 3)) end
  end
  return array(found)
end

function verbs.drain(id)
  if redis.call('HEXISTS', key, 'm:' .. id) == 1 then redis.call('HSET', key, 'd:' .. id, 1) end
  return presence(id)
end

function verbs.leave(id)
  return number(forget(id))
end

function verbs.forget(silent_for)
  local count = 0
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local id = string.sub(field, 3)
    if string.sub(field, 1, 2) == 't:' and now - redis.call('HGET', key, field) >= tonumber(silent_for) then
      forget(id)
      count = count + 1
    end
  end
  return number(count)
end

return verbs[ARGV[1]](unpack(ARGV, 2))
