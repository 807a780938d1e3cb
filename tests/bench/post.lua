-- wrk's script: POSTs the file named by BENCH_BODY, and tells its counts with its own processor time, which nobody
-- else can read any more once wrk has ended.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.headers["Accept"] = "application/octet-stream"

local body = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.body = body:read("*a")
body:close()

function done(summary)
  local stat = assert(io.open("/proc/self/stat", "r"))
  local errors = summary.errors
  io.write(string.format("BENCH %d %d %d %s\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, stat:read("*l")))
  stat:close()
end
