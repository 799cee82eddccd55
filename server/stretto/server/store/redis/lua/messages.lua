-- Messages of a session. ARGV: the id, the command that finds their sequences in an index, the index, and the rest of
-- that command.
if was_deleted(ARGV[1]) then return array({}) end
local found = {}
for _, member in ipairs(redis.call(ARGV[2], prefix .. ARGV[3] .. ':' .. ARGV[1], unpack(ARGV, 4))) do
  local sequence = tonumber(string.match(member, '%d+$'))
  found[#found + 1] = '\147' .. number(sequence)
    .. redis.call('LINDEX', prefix .. 'j:' .. ARGV[1], sequence - 1) .. NIL
end
return array(found)
