-- One step of GCRA for each key: policy/limit.py, in the server, with the same results to the nanosecond.
--
-- KEYS     one state each: two doubles, seconds and nanoseconds since the epoch (the theoretical arrival time).
-- ARGV[1]  seconds and ARGV[2] nanoseconds of now; both empty: this server's clock.
-- ARGV[3]  eight doubles for each key, seconds and nanoseconds of: what to add, up to how far ahead it is
--          admitted, one burst, the most a state can be ahead.
-- Returns  whole numbers of 4, 8 and 4 bytes for each key: 1 admitted, 0 refused, -1 not to be used; how far
--          ahead it now is, in seconds and nanoseconds. Then the first error of a key, if there was one.
--
-- A double holds whole numbers up to 2^53, which nanoseconds since the epoch are beyond: hence pairs.
local LINGER, LONGEST = 60000, 1e12
local pack, unpack_packed, pcall_redis = struct.pack, struct.unpack, redis.pcall
local min, ceil, format = math.min, math.ceil, string.format
local now_s, now_n = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now_s then
  local time = redis.call('TIME')
  now_s, now_n = tonumber(time[1]), tonumber(time[2]) * 1000
end
local quotas, states, answers, trouble = ARGV[3], redis.call('MGET', unpack(KEYS)), {}, false
local changed = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local add_s, add_n, room_s, room_n, span_s, span_n, most_s, most_n =
    unpack_packed('<dddddddd', quotas, 64 * i - 63)
  local state = changed[key] or states[i]
  local status, s, n, cut = 0, 0, 0, false
  if not state then
    -- MGET does not tell what is not there from what is no string.
    if redis.call('EXISTS', key) == 1 then
      status, trouble = -1, trouble or 'WRONGTYPE not a state of ours'
    end
  elseif #state ~= 16 then
    status, trouble = -1, trouble or 'WRONGTYPE not a state of ours'
  else
    s, n = unpack_packed('<dd', state)
    s, n = s - now_s, n - now_n
    if n < 0 then s, n = s - 1, n + 1e9 end
    if s < 0 then
      s, n = 0, 0
    elseif s > most_s or (s == most_s and n > most_n) then
      s, n, cut = span_s, span_n, true
    end
  end
  if status == 0 and (s < room_s or (s == room_s and n <= room_n)) then
    status, s, n = 1, s + add_s, n + add_n
    if n >= 1e9 then s, n = s + 1, n - 1e9 end
    if s > most_s or (s == most_s and n > most_n) then s, n = most_s, most_n end
  end
  if status == 1 or cut then
    local until_s, until_n = s + now_s, n + now_n
    if until_n >= 1e9 then until_s, until_n = until_s + 1, until_n - 1e9 end
    local after = pack('<dd', until_s, until_n)
    local lasts = format('%d', min(s * 1000 + ceil(n / 1e6) + LINGER, LONGEST))
    local done = pcall_redis('SET', key, after, 'PX', lasts)
    if done.err then
      status, trouble = -1, trouble or done.err
    else
      changed[key] = after
    end
  end
  answers[i] = pack('<i4i8i4', status, s, n)
end
return {table.concat(answers), trouble}
