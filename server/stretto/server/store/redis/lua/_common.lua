-- What all scripts share. KEYS[1] is what the names of all keys of one project begin with. Answers are one MessagePack
-- value, built from rows that are MessagePack already, so that nothing is taken apart here.
local prefix = KEYS[1]
local NIL = '\192'
-- Where the first value of a row begins, of one with few columns and of one with more than fifteen. What comes after a
-- column of bytes cannot be unpacked here, and need not be.
local FEW, MANY = 1, 3

local function array(items)
  return '\221' .. struct.pack('>I4', #items) .. table.concat(items)
end

local function bin(value)
  return value and '\198' .. struct.pack('>I4', #value) .. value or NIL
end

local function number(value)
  return cmsgpack.pack(tonumber(value))
end

-- Whether bytes come after others; `>` would ask the machine's locale.
local function after(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a > b end
  end
  return #one > #other
end

local function was_deleted(session)
  return session and session ~= '' and redis.call('SISMEMBER', prefix .. 'purge', session) == 1
end

-- Two parts of a workflow's row, unless it is not there or was deleted with its session.
local function parts(id, first)
  local row = redis.call('HMGET', prefix .. 'w:' .. id, first, 's', 'x')
  if not row[1] or was_deleted(row[3]) then return nil end
  return '\146' .. row[1] .. row[2]
end

local function interrupts(id)
  local found, position = {}, 0
  while true do
    local row = redis.call('HGET', prefix .. 'w:' .. id, 'i' .. position)
    if not row then return array(found) end
    found[#found + 1] = row
    position = position + 1
  end
end

-- The fields that begin with a checkpoint's name: its pending writes.
local function writes_of(id, name)
  return redis.call('ZRANGEBYLEX', prefix .. 'q:' .. id, '[' .. name .. '\0', '(' .. name .. '\1')
end

-- The fields of the values that a checkpoint's row names.
local function blobs_of(row)
  local fields = {}
  local _, namespace, _, _, _, _, _, channels = cmsgpack.unpack_limit(row, 7, FEW)
  for channel, version in pairs(cjson.decode(channels)) do
    fields[#fields + 1] = namespace .. '\0' .. channel .. '\0' .. version
  end
  return fields
end

-- Rows of a hash; those that are longer than a bound are left out.
local function rows(key, fields, bytes_max)
  local found = {}
  for _, field in ipairs(fields) do
    local row = (bytes_max == 0 or redis.call('HSTRLEN', key, field) <= bytes_max) and redis.call('HGET', key, field)
    if row then found[#found + 1] = row end
  end
  return array(found)
end

-- A checkpoint, by its namespace and id, with its values and writes.
local function checkpoint(id, name, bytes_max)
  local row = redis.call('HGET', prefix .. 'c:' .. id, name)
  if not row then return NIL end
  return '\147' .. row .. rows(prefix .. 'b:' .. id, blobs_of(row), bytes_max)
    .. rows(prefix .. 'p:' .. id, writes_of(id, name), bytes_max)
end

-- The name of the newest checkpoint of a namespace.
local function newest(id, namespace)
  return redis.call(
    'ZREVRANGEBYLEX', prefix .. 'k:' .. id, '(' .. namespace .. '\1', '[' .. namespace .. '\0', 'LIMIT', 0, 1)[1]
end
