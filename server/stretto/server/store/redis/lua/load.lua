-- What transactions begin with. ARGV: a list of workflows, one of sessions and one of request ids, in MessagePack.
-- Answers with rows and revisions: of the workflows, of the sessions and of those of the workflows, and with requests.
local wanted = cmsgpack.unpack(ARGV[1])

local workflows, sessions, seen = {}, wanted[2], {}
for i, id in ipairs(wanted[1]) do
  local row = redis.call('HMGET', prefix .. 'w:' .. id, 'f', 's', 'r', 'x')
  if row[1] then
    workflows[i] = '\148' .. row[1] .. row[2] .. bin(row[3]) .. interrupts(id)
    if row[4] ~= '' then sessions[#sessions + 1] = row[4] end
  else
    workflows[i] = NIL
  end
end

local found = {}
for _, id in ipairs(sessions) do
  if not seen[id] then
    seen[id] = true
    local row = redis.call('HMGET', prefix .. 's:' .. id, 'd', 'r')
    found[#found + 1] = '\147' .. cmsgpack.pack(id) .. (row[1] or NIL) .. bin(row[2])
  end
end

local requests = {}
for i, id in ipairs(wanted[3]) do requests[i] = bin(redis.call('HGET', prefix .. 'requests', id)) end

return '\147' .. array(workflows) .. array(found) .. array(requests)
