-- Asks postern gate about a request, and answers it in place of the API if it may not pass.

local gate = "http://127.0.0.1:9191/forward-auth"
local timeout_ms = 15000

-- Headers that the gate passes on, in lower case: pass_on in its file.
local passed_on = { "x-client-id", "x-scope" }

-- They belong to the connection or to the body, which the gate is not sent.
local not_sent = { ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["host"] = true,
  ["upgrade"] = true, ["x-forwarded-method"] = true, ["x-forwarded-host"] = true, ["x-forwarded-uri"] = true }

-- HAProxy counts values from 0.
local function list_of(values)
  local list = {}
  local index = 0
  while values[index] ~= nil do
    list[#list + 1] = values[index]
    index = index + 1
  end
  return list
end

core.register_action("gate", { "http-req" }, function(txn)
  local headers = {}
  local sent = txn.http:req_get_headers()
  for name, values in pairs(sent) do
    if not not_sent[name] then
      headers[name] = list_of(values)
    end
  end
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-host"] = sent["host"] and list_of(sent["host"]) or { "" }
  headers["x-forwarded-uri"] = { txn.sf:pathq() }

  local answer = core.httpclient():get({ url = gate, headers = headers, timeout = timeout_ms })
  local status = answer and tonumber(answer.status) or 0
  for _, name in ipairs(passed_on) do
    txn.http:req_del_header(name)
  end
  if status == 200 then
    for _, name in ipairs(passed_on) do
      local value = answer.headers[name] and answer.headers[name][0] or ""
      if value ~= "" then
        txn.http:req_add_header(name, value)
      end
    end
    return
  end

  local reply = txn:reply()
  if status >= 400 then
    reply:set_status(status)
    for _, name in ipairs({ "content-type", "cache-control", "www-authenticate", "dpop-nonce", "retry-after" }) do
      if answer.headers[name] then
        reply:add_header(name, answer.headers[name][0])
      end
    end
    reply:set_body(answer.body)
  else
    reply:set_status(503)
  end
  txn:done(reply)
end)
