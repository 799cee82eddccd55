-- Runs transactions one after another, each whole or not at all: one whose checks do not hold does nothing.
-- ARGV: who sends, the number of the call, and the transactions. Each is the number of its checks, the checks (a key, a
-- field and its value, '' when there must be none), the number of its writes, and the writes (how many words, a command,
-- a key and the rest). Answers with a 1 or 0 for each transaction.
local mark, sent = prefix .. 'a:' .. ARGV[1], tonumber(ARGV[2])

-- A call whose answer got lost comes again, and must not be done again; one that was overtaken must never be done.
local last = redis.call('HMGET', mark, 'number', 'outcome')
if last[1] and tonumber(last[1]) == sent then return last[2] end
if last[1] and tonumber(last[1]) > sent then return redis.error_reply('OVERTAKEN a later call was answered') end
-- Comes first, because a server that takes no writes now refuses it before anything was done.
redis.call('HSET', mark, 'number', ARGV[2], 'outcome', '')
redis.call('EXPIRE', mark, 86400)

local function copy(source, target, upto, with_writes)
  local line, at = {}, upto
  while at ~= '' and not line[at] do
    local row = redis.call('HGET', prefix .. 'c:' .. source, '\0' .. at)
    if not row then break end
    line[at] = true
    local _, _, _, parent = cmsgpack.unpack_limit(row, 3, FEW)
    at = parent
  end
  local function is_taken(namespace, id)
    if namespace == '' then return line[id] end
    return with_writes or not after(id, upto)
  end
  local function move(hash, index, field)
    redis.call('HSET', prefix .. hash .. target, field, redis.call('HGET', prefix .. hash .. source, field))
    if index then redis.call('ZADD', prefix .. index .. target, 0, field) end
  end
  for _, name in ipairs(redis.call('ZRANGE', prefix .. 'k:' .. source, 0, -1)) do
    local zero = string.find(name, '\0', 1, true)
    local namespace, id = string.sub(name, 1, zero - 1), string.sub(name, zero + 1)
    if is_taken(namespace, id) then
      for _, field in ipairs(blobs_of(redis.call('HGET', prefix .. 'c:' .. source, name))) do
        if redis.call('HEXISTS', prefix .. 'b:' .. source, field) == 1 then move('b:', nil, field) end
      end
      if with_writes or (namespace == '' and id ~= upto) then
        for _, field in ipairs(writes_of(source, name)) do move('p:', 'q:', field) end
      end
      move('c:', 'k:', name)
    end
  end
end

local at = 3

local function take()
  at = at + 1
  return ARGV[at - 1]
end

local function holds()
  local all = true
  for _ = 1, take() do
    local key, field, value = take(), take(), take()
    all = all and (redis.call('HGET', prefix .. key, field) or '') == value
  end
  return all
end

local function write()
  local first, last = at + 1, at + ARGV[at]
  if ARGV[first] == 'COPY-CHECKPOINTS' then
    copy(ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4] == '1')
  else
    ARGV[first + 1] = prefix .. ARGV[first + 1]
    redis.call(unpack(ARGV, first, last))
  end
end

local outcome = {}
while at <= #ARGV do
  local is_done = holds()
  for _ = 1, take() do
    if is_done then write() end
    at = at + 1 + ARGV[at]
  end
  outcome[#outcome + 1] = is_done and '1' or '0'
end
redis.call('HSET', mark, 'outcome', table.concat(outcome))
return table.concat(outcome)
