-- What a request id was used for. ARGV: the id.
return bin(redis.call('HGET', prefix .. 'requests', ARGV[1]))
