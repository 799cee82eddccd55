-- A page along one index. ARGV: the index, how many rows, how many entries to look at, the command that walks, the
-- bounds of the score, the score and the id after which to begin ('' for none), which part of the rows to begin with
-- ('d' for sessions), groups of indexes, of each of which an entry must stand in one, and the time since which a
-- workflow must not have changed (0 for none).
-- Answers with the rows, and with the score and id of the last entry that was looked at if there may be more.
local index, limit, budget = prefix .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local command, from, to = ARGV[4], ARGV[5], ARGV[6]
local begin_score, begin_id, part = tonumber(ARGV[7]), ARGV[8], ARGV[9]
local groups, unchanged_since = cmsgpack.unpack(ARGV[10]), tonumber(ARGV[11])
local CHUNK = 200

local function is_behind(id, score)
  if score ~= begin_score then return true end
  if command == 'ZRANGEBYSCORE' then return after(id, begin_id) end
  return after(begin_id, id)
end

local function holds(id)
  for _, group in ipairs(groups) do
    local is_in = false
    for _, other in ipairs(group) do is_in = is_in or redis.call('ZSCORE', prefix .. other, id) end
    if not is_in then return false end
  end
  if unchanged_since == 0 then return true end
  local _, _, updated_at = cmsgpack.unpack_limit(redis.call('HGET', prefix .. 'w:' .. id, 's'), 2, MANY)
  return updated_at < unchanged_since
end

local function row(id)
  if part == 'd' then return redis.call('HGET', prefix .. 's:' .. id, 'd') end
  return parts(id, part)
end

local found, offset, last = {}, 0, nil
while #found < limit and budget > 0 do
  local chunk = redis.call(command, index, from, to, 'WITHSCORES', 'LIMIT', offset, CHUNK)
  for i = 1, #chunk, 2 do
    local id, score = chunk[i], tonumber(chunk[i + 1])
    if is_behind(id, score) then
      last = '\146' .. number(score) .. cmsgpack.pack(id)
      budget = budget - 1
      if holds(id) then found[#found + 1] = row(id) end
      if #found == limit then break end
    end
  end
  if #chunk < 2 * CHUNK and #found < limit then
    last = nil
    break
  end
  offset = offset + CHUNK
end
return '\146' .. array(found) .. (last or NIL)
