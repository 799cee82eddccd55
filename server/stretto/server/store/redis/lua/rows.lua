-- Workflows by their ids. ARGV: the part to begin with (f: all that never changes, u: little of it), and the ids.
local found = {}
for i = 2, #ARGV do found[#found + 1] = parts(ARGV[i], ARGV[1]) or NIL end
return array(found)
