-- The arithmetic of qianfan/core/limits.py, run by Redis for callers on many machines. A test holds the two
-- together; what is only here says why. All numbers that are not of one caller come as arguments.
--
-- KEYS  five keys of one hash tag: state, queue, waiting, requests, tokens
--   state     hash: the numbers of one line each, below
--   queue     zset: the tickets that wait, by themselves, so that a rank is ZCOUNT
--   waiting   hash: of each ticket that waits its tokens, and when it was told to ask again
--   requests  list: when the requests of the last minute left
--   tokens    list: when they left and what they used; `first` is the number of the first of them
--
-- ARGV  `now` (empty for the clock of Redis, which other machines share), then the constants and limits below,
--       then four for each thing asked: what, ticket, amount, seconds
--
-- Returns {"other", limits} where others keep other limits under this name, else
--         {born, now, and for each thing asked: {answer, ticket, seconds, number of what was spent, soft}}

local call = redis.call
local STATE, QUEUE, WAITING, REQUESTS, TOKENS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local MINUTE, NEAR, OVERDUE = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local INTERVAL, MOST_REQUESTS, MOST_TOKENS = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local LIMITS, KNOWN, SEEN = ARGV[8], ARGV[9], tonumber(ARGV[10])
local LEAD, SOFT, HARD = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local FIRST_ASKED, FIELDS = 14, 4

local INF = math.huge
local LEFT, WAITS, IN_VAIN, NOTED = 1, 0, -1, 2

-- What is lost is not known, and may have been all that a minute holds.
local MEMORY = math.max(INTERVAL, (MOST_REQUESTS or MOST_TOKENS) and MINUTE or 0)
local LIFETIME = math.ceil(1000 * (2 * MINUTE + INTERVAL))

local function exact(number) return string.format('%.17g', number) end
local function whole(number) return string.format('%.0f', number) end

---------------------------------------------------------------------------------------------------- state

local NAMES = {'born', 'seen', 'behind', 'last', 'shut', 'next', 'first', 'requests', 'tokens', 'used', 'limits'}
local state = {}
for i, value in ipairs(call('HMGET', STATE, unpack(NAMES))) do
  state[NAMES[i]] = value and (NAMES[i] == 'limits' and value or tonumber(value)) or nil
end

local function afresh(now)
  call('DEL', STATE, QUEUE, WAITING, REQUESTS, TOKENS)
  -- Tickets go on from the time, so that none is given twice, whatever is lost between.
  local number = math.floor(now * 1000000)
  state = {born = now, seen = now, behind = state.behind or 0, last = -INF, shut = -INF, next = number,
           first = number, requests = 0, tokens = 0, used = 0, limits = LIMITS}
end

local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] + time[2] / 1000000 + (state.behind or 0)
  if state.seen and now < state.seen then  -- a clock that was set back goes on from where it was
    state.behind = state.behind + state.seen - now
    now = state.seen
  end
end

local incomplete = state.born and not (  -- what Redis evicted, or forgot in a restart
  state.requests == call('LLEN', REQUESTS) and state.tokens == call('LLEN', TOKENS)
  and not (KNOWN == exact(state.born) and state.seen < SEEN))
if not state.born then
  afresh(now)
elseif incomplete then
  afresh(now)
  state.shut = now + MEMORY
elseif state.limits ~= LIMITS then
  return {'other', state.limits}
end
if KNOWN ~= '' and KNOWN ~= exact(state.born) then  -- who asks has seen what is not here any more
  state.shut = math.max(state.shut, state.born + MEMORY)
end
state.seen = now
call('HSET', STATE, 'seen', exact(now))  -- where nothing may be written this fails, and nothing has been done

--------------------------------------------------------------------------------------------------- minutes

local function expire(at)
  while state.requests > 0 and struct.unpack('<d', call('LINDEX', REQUESTS, 0)) + MINUTE <= at do
    call('LPOP', REQUESTS)
    state.requests = state.requests - 1
  end
  while state.tokens > 0 do
    local time, amount = struct.unpack('<dd', call('LINDEX', TOKENS, 0))
    if time + MINUTE > at then break end
    call('LPOP', TOKENS)
    state.tokens, state.first, state.used = state.tokens - 1, state.first + 1, state.used - amount
  end
end

local function wait_for_requests(ahead, at)
  local over = state.requests + ahead + 1 - MOST_REQUESTS
  if over <= 0 then return 0 end
  local old = call('LINDEX', REQUESTS, math.ceil(over) - 1)
  return old and struct.unpack('<d', old) + MINUTE - at or MINUTE
end

local function wait_for_tokens(ahead, amount, at)
  local over = state.used + ahead + math.min(amount, MOST_TOKENS) - MOST_TOKENS
  if over <= 0 then return 0 end
  for start = 0, over < INF and state.tokens - 1 or -1, 100 do
    for _, old in ipairs(call('LRANGE', TOKENS, start, start + 99)) do
      local time, spent = struct.unpack('<dd', old)
      over = over - spent
      if over <= 0 then return time + MINUTE - at end
    end
  end
  return MINUTE
end

local function settle(number, amount)
  local index = number - state.first
  if index < 0 or index >= state.tokens then return end
  local time, spent = struct.unpack('<dd', call('LINDEX', TOKENS, index))
  call('LSET', TOKENS, index, struct.pack('<dd', time, amount))
  state.used = state.used + amount - spent
end

----------------------------------------------------------------------------------------------------- queue

local function waiter(ticket)
  local packed = call('HGET', WAITING, ticket)
  if not packed then return 0, -INF end
  return struct.unpack('<dd', packed)
end

local function forget(ticket)
  call('ZREM', QUEUE, ticket)
  call('HDEL', WAITING, ticket)
end

local function stand(ticket, amount, told)
  call('ZADD', QUEUE, ticket, ticket)
  call('HSET', WAITING, ticket, struct.pack('<dd', amount, told))
end

local function rank_of(ticket, at)
  local heads = call('ZRANGE', QUEUE, 0, 1)
  if #heads == 0 or (#heads == 1 and heads[1] == ticket) then return 0 end
  while heads[1] do
    local _, told = waiter(heads[1])
    if told + OVERDUE >= at then break end
    forget(heads[1])
    heads = call('ZRANGE', QUEUE, 0, 0)
  end
  return call('ZCOUNT', QUEUE, '-inf', '(' .. ticket)
end

local function tokens_before(rank)
  if rank == 0 then return 0 end
  if rank >= NEAR then return INF end  -- far behind it is enough to wait for the bell
  local sum = 0
  for _, packed in ipairs(call('HMGET', WAITING, unpack(call('ZRANGE', QUEUE, 0, rank - 1)))) do
    sum = sum + (packed and struct.unpack('<dd', packed) or 0)
  end
  return sum
end

local function depart(ticket, amount, at)
  forget(ticket)
  state.last = at
  if MOST_REQUESTS then
    call('RPUSH', REQUESTS, struct.pack('<d', at))
    state.requests = state.requests + 1
  end
  if not MOST_TOKENS then return 0 end
  amount = math.min(amount, MOST_TOKENS)
  call('RPUSH', TOKENS, struct.pack('<dd', at, amount))
  state.tokens, state.used = state.tokens + 1, state.used + amount
  return state.first + state.tokens - 1
end

local function enter()
  local ticket = whole(state.next)
  state.next = state.next + 1
  return ticket
end

local function ask(ticket, amount, patience)
  local rank = rank_of(ticket, now)
  local deadline, due = now + patience, state.last + INTERVAL * (rank + 1)
  if due > deadline or now > deadline then
    local _, told = waiter(ticket)
    stand(ticket, amount, told)
    return {IN_VAIN, ticket, '0', '0', 0}
  end
  local spaced = math.max(0, due - now, state.shut - now)
  local wait = spaced
  expire(now)
  if MOST_REQUESTS then wait = math.max(wait, wait_for_requests(rank, now)) end
  if MOST_TOKENS then wait = math.max(wait, wait_for_tokens(tokens_before(rank), amount, now)) end
  if wait <= (rank == 0 and LEAD or 0) and now + wait <= deadline then
    return {LEFT, ticket, exact(wait), whole(depart(ticket, amount, now + wait)), 0}
  end
  -- Who may leave earlier than told, because others give up or use less, comes to see: there is no bell
  -- that rings on other machines. The further behind, the more rarely.
  local soft = wait > spaced
  local look = soft and SOFT * (rank + 1) or math.max(state.last + INTERVAL - now, HARD * (rank + 1))
  local again = math.min(wait, look)
  stand(ticket, amount, now + again)
  return {WAITS, ticket, exact(again), '0', soft and 1 or 0}
end

------------------------------------------------------------------------------------------------ what is asked

local answers = {exact(state.born), exact(now)}
for i = FIRST_ASKED, #ARGV, FIELDS do
  local what, ticket, amount, seconds = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local answer = {NOTED, ticket, '0', '0', 0}
  if what == 'ask' then
    answer = ask(ticket == '' and enter() or ticket, amount, seconds)
  elseif what == 'enter' then
    answer[2] = enter()
    stand(answer[2], amount, -INF)
  elseif what == 'leave' then
    state.last = math.max(state.last, seconds)
  elseif what == 'abandon' then
    forget(ticket)
  elseif what == 'settle' then
    settle(tonumber(ticket), amount)
  end
  answers[#answers + 1] = answer
end

local fields = {}
for _, name in ipairs(NAMES) do
  fields[#fields + 1] = name
  fields[#fields + 1] = name == 'limits' and LIMITS or exact(state[name])
end
call('HSET', STATE, unpack(fields))
for _, key in ipairs(KEYS) do call('PEXPIRE', key, LIFETIME) end
return answers
