-- A workflow, its interrupts, and its newest checkpoint. ARGV: the id, and whether the checkpoint is wanted (0, 1).
local row = parts(ARGV[1], 'f')
if not row then return NIL end
local name = ARGV[2] == '1' and newest(ARGV[1], '')
return '\147' .. row .. interrupts(ARGV[1]) .. (name and checkpoint(ARGV[1], name, 0) or NIL)
