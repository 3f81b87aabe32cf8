-- Asks postern gate about a request, and answers it in place of the API if it may not pass.

local http = require("socket.http")
local ltn12 = require("ltn12")

local gate = "http://127.0.0.1:9191/forward-auth"
local timeout_seconds = 15

-- Headers that the gate passes on: pass_on in its file.
local passed_on = { "X-Client-Id", "X-Scope" }

-- They belong to the connection or to the body, which the gate is not sent. It is sent Connection, since Apache removes the headers
-- that a caller names there, and the gate refuses those that name one that it passes on.
local not_sent = { ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["te"] = true,
  ["upgrade"] = true, ["host"] = true, ["x-forwarded-method"] = true, ["x-forwarded-host"] = true, ["x-forwarded-uri"] = true }

function check(r)
  -- Not again for what Apache asks itself, such as an error page.
  if not r.is_initial_req then
    return apache2.DECLINED
  end
  local headers = {}
  for name, value in pairs(r:headers_in_table()) do
    if not not_sent[name:lower()] then
      headers[name] = value
    end
  end
  headers["x-forwarded-method"] = r.method
  headers["x-forwarded-host"] = r.headers_in["Host"] or ""
  headers["x-forwarded-uri"] = r.unparsed_uri

  local body = {}
  http.TIMEOUT = timeout_seconds
  local _, status, answered = http.request({ url = gate, headers = headers, redirect = false, sink = ltn12.sink.table(body) })
  for _, name in ipairs(passed_on) do
    r.headers_in[name] = nil
  end
  if status == 200 then
    for _, name in ipairs(passed_on) do
      local value = answered[name:lower()] or ""
      if value ~= "" then
        r.headers_in[name] = value
      end
    end
    return apache2.DECLINED
  end
  if type(status) ~= "number" or status < 400 then
    return 503
  end
  for _, name in ipairs({ "WWW-Authenticate", "DPoP-Nonce", "Cache-Control", "Retry-After" }) do
    r.err_headers_out[name] = answered[name:lower()]
  end
  r:custom_response(status, table.concat(body))
  return status
end
