// Broken files, and every word that their authors are told.
#include "module/parse.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>

using namespace statefund::module;

namespace {

struct row {
  char const* what;
  char const* text;
  char const* errors; // a line each
};

constexpr std::array rows{
    row{"a mistyped key",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            conectTimeout: 5s
)",
        R"(m.yaml:10:13: error: "conectTimeout" is not a key of a function's spec; did you mean "connectTimeout"?
)"},
    row{"a key that is like no other",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            colour: red
)",
        R"(m.yaml:10:13: error: "colour" is not a key of a function's spec; expected one of endpoint, states, maxNumBatchRequests, timeout, connectTimeout, readTimeout, writeTimeout, retry, onFailure, maxConcurrentCalls, callWhen
)"},
    row{"a key without a value",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout:
)",
        R"(m.yaml:10:13: error: "timeout" of a function's spec has no value; expected one, or the key left out
)"},
    row{"a key twice",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout: 1s
            timeout: 2s
)",
        R"(m.yaml:11:13: error: the key "timeout" stands here a second time; the first is at m.yaml:10:13; expected it once
)"},
    row{"a timeout of zero",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout: 0
)",
        R"(m.yaml:10:22: error: "timeout" is "0"; expected more than 0
)"},
    row{"a timeout of zero in words, and none for the connect",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            connectTimeout: 0 sec
)",
        R"(m.yaml:10:29: error: "connectTimeout" is "0 sec"; expected more than 0
)"},
    row{"a duration with an unknown unit",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            readTimeout: 5 fortnights
)",
        R"(m.yaml:10:26: error: "readTimeout" is not a duration: "5 fortnights" has the unknown unit "fortnights"; expected one of d, h, min, s, ms, us, ns
)"},
    row{"a negative duration",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            writeTimeout: -5s
)",
        R"(m.yaml:10:27: error: "writeTimeout" is not a duration: "-5s" is negative; expected a whole number and a unit, as in 30s
)"},
    row{"a duration that is a list",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout: [5s]
)",
        R"(m.yaml:10:22: error: "timeout" is a list; expected text
)"},
    row{"a part above the call",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout: 5s
            connectTimeout: 6s
)",
        R"(m.yaml:11:29: error: "connectTimeout" of 6s is larger than the complete call's 5s; expected at most that
)"},
    row{"a part above the call's default",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            readTimeout: 90s
)",
        R"(m.yaml:10:26: error: "readTimeout" of 90s is larger than the complete call's 1min, the default of "timeout"; expected at most that
)"},
    row{"a part beside a call that cannot be read",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            timeout: 5 fortnights
            readTimeout: 90s
)",
        R"(m.yaml:10:22: error: "timeout" is not a duration: "5 fortnights" has the unknown unit "fortnights"; expected one of d, h, min, s, ms, us, ns
)"},
    row{"an endpoint that is missing",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            timeout: 5s
)",
        R"(m.yaml:9:13: error: a function's spec has no "endpoint"; expected that key
)"},
    row{"an endpoint without a scheme",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: host:8000/statefun
)",
        R"(m.yaml:9:23: error: "endpoint" is not an endpoint: "host:8000/statefun" has no scheme; expected one of http://, https://, http+unix:///, https+unix:///
)"},
    row{"an endpoint with the document's own placeholder",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://<host-name>/statefun
)",
        R"(m.yaml:9:23: error: "endpoint" is not an endpoint: "http://<host-name>/statefun" has an angle bracket in it; expected a real name in the place of <...>
)"},
    row{"two slashes before a socket",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http+unix://run/f.sock
)",
        R"(m.yaml:9:23: error: "endpoint" is not an endpoint: "http+unix://run/f.sock" has 2 slashes before the socket's path; expected three: http+unix:///run/f.sock
)"},
    row{"a socket without .sock",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http+unix:///run/functions
)",
        R"(m.yaml:9:23: error: "endpoint" is not an endpoint: "http+unix:///run/functions" has no component that ends in ".sock"; expected http+unix:///path/of/name.sock/path/of/url
)"},
    row{"a batch maximum that is no number",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            maxNumBatchRequests: many
)",
        R"(m.yaml:10:34: error: "maxNumBatchRequests" is "many"; expected a whole number
)"},
    row{"a batch maximum with a fraction",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            maxNumBatchRequests: 1.5
)",
        R"(m.yaml:10:34: error: "maxNumBatchRequests" is "1.5"; expected a whole number
)"},
    row{"a batch maximum that is too large",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            maxNumBatchRequests: 2147483648
)",
        R"(m.yaml:10:34: error: "maxNumBatchRequests" is "2147483648"; expected at most 2147483647
)"},
    row{"states by name in format 2.0",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - seen_count
)",
        R"(m.yaml:11:17: error: a state is "seen_count"; expected a map, as in "name: seen_count"; format "1.0" lists names alone
)"},
    row{"states as maps in format 1.0",
        R"(version: "1.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - name: seen_count
)",
        R"(m.yaml:11:17: error: a state is a map; expected its name alone; format "2.0" has expireAfter and expireMode
)"},
    row{"states that are no list",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states: seen_count
)",
        R"(m.yaml:10:21: error: "states" of a function's spec is "seen_count"; expected a list
)"},
    row{"a state twice",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - name: a
              - name: b
              - name: a
)",
        R"(m.yaml:13:23: error: the state "a" is declared already at m.yaml:11:23; expected it once
)"},
    row{"a state twice by way of an alias, its errors once",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - &s {name: a, typ: int}
              - *s
)",
        R"(m.yaml:11:27: error: the state "a" is declared already at m.yaml:11:27; expected it once
m.yaml:11:30: error: "typ" is not a key of a state; expected one of name, expireAfter, expireMode
)"},
    row{"a state without a name",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - expireAfter: 5s
)",
        R"(m.yaml:11:17: error: a state has no "name"; expected that key
)"},
    row{"a state with an empty name",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states: [{name: ""}]
)",
        R"(m.yaml:10:29: error: a state's name is empty; expected at least one character
)"},
    row{"a state's keys and values",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://host
            states:
              - {name: a, expireMode: never, expireafter: 5s}
              - {name: b, expireAfter: 500us}
)",
        R"(m.yaml:11:39: error: "expireMode" is "never"; expected after-invoke or after-write
m.yaml:11:46: error: "expireafter" is not a key of a state; did you mean "expireAfter"?
m.yaml:12:40: error: "expireAfter" is "500us"; expected whole milliseconds
)"},
    row{"kind grpc, whose keys are its own",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: GRPC, type: a/b}
          spec:
            host: localhost
            port: 5000
)",
        R"(m.yaml:7:24: error: kind "grpc" is not supported by statefund and will not be; serve the function over HTTP and write kind: http
)"},
    row{"an unknown kind of function",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: htpp, type: a/b}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:24: error: kind "htpp" is unknown; did you mean "http"?
)"},
    row{"a type without a slash",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: greeter}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:36: error: "type" is not a function type: "greeter" has no '/'; expected <namespace>/<name>
)"},
    row{"a type without a name",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: example/}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:36: error: "type" is not a function type: "example/" has no name; expected <namespace>/<name>
)"},
    row{"a type without a namespace",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: /greeter}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:36: error: "type" is not a function type: "/greeter" has no namespace; expected <namespace>/<name>
)"},
    row{"a namespace where one type is meant",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: example/*}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:36: error: "type" is not a function type: "example/*" has a '*' in it; expected <namespace>/<name>
)"},
    row{"a type with a line break",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: "a/b\n"}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:36: error: "type" is not a function type: "a/b\x0a" has a control character in it; expected <namespace>/<name>
)"},
    row{"meta without kind and type",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {id: a/b}
          spec:
            endpoint: http://host
)",
        R"(m.yaml:7:17: error: a function's meta has no "kind"; expected that key
m.yaml:7:17: error: a function's meta has no "type"; expected that key
m.yaml:7:18: error: "id" is not a key of a function's meta; expected one of kind, type
)"},
    row{"no meta",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          spec: {endpoint: "http://h"}
)",
        R"(m.yaml:7:11: error: "function" has no "meta"; expected that key
)"},
    row{"parts beside and below",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
        spec: {endpoint: "http://h"}
)",
        R"(m.yaml:7:11: error: "function" has no "spec"; expected that key
m.yaml:8:9: error: "spec" is not a key of an entry of this list; expected function
)"},
    row{"an entry of another name",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - fucntion: {}
      - just text
)",
        R"(m.yaml:6:9: error: an entry of this list has no "function"; expected that key; did you mean "function"?
m.yaml:7:9: error: an entry of this list is "just text"; expected a map
)"},
    row{"embedded modules",
        R"(version: "2.0"
module:
  meta: {type: Embedded}
  spec: {class: x}
)",
        R"(m.yaml:3:16: error: module type "embedded" is not supported by this version of statefund
)"},
    row{"an unknown module type",
        R"(version: "2.0"
module:
  meta: {type: local}
  spec: {}
)",
        R"(m.yaml:3:16: error: module type "local" is unknown; expected remote
)"},
    row{"an unknown format",
        R"(version: "4.2"
module: {}
)",
        R"(m.yaml:1:10: error: format "4.2" is unknown; expected "1.0", "2.0" or "3.0"
)"},
    row{"a version that is a map",
        R"(version: {}
)",
        R"(m.yaml:1:10: error: "version" is a map; expected text
)"},
    row{"a version without a module",
        R"(version: "2.0"
)",
        R"(m.yaml:1:1: error: the document has no "module"; expected that key
)"},
    row{"mistyped sections",
        R"(version: "2.0"
module:
  mata: {type: remote}
  spec:
    function: []
modules: {}
)",
        R"(m.yaml:3:3: error: "module" has no "meta"; expected that key
m.yaml:3:3: error: "mata" is not a key of "module"; did you mean "meta"?
m.yaml:5:5: error: "function" is not a key of the module's spec; did you mean "functions"?
m.yaml:6:1: error: "modules" is not a key of the document; did you mean "module"?
)"},
    row{"Kinesis in the older formats",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    ingresses:
      - ingress:
        meta: {type: statefun.kinesis.io/routable-protobuf-ingress, id: a/b}
        spec: {}
    egresses:
      - egress:
          meta: {type: statefun.kinesis.io/generic-egress, id: a/b}
)",
        R"(m.yaml:7:22: error: ingress type "statefun.kinesis.io/routable-protobuf-ingress" is not supported by statefund and will not be; read the stream with a program of your own and send its records to the ingress socket
m.yaml:11:24: error: egress type "statefun.kinesis.io/generic-egress" is not supported by statefund and will not be; declare the egress with type statefund.io/queue and forward its records with a program of your own
)"},
    row{"types that nobody knows",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    ingresses:
      - ingress: {meta: {type: a/ingress, id: a/b}}
    egresses:
      - egress: {meta: {type: statefund.io/quue, id: a/b}}
    routers:
      - router: {meta: {type: a/router}}
)",
        R"(m.yaml:6:32: error: ingress type "a/ingress" is unknown; expected one of statefun.kafka.io/routable-protobuf-ingress, statefun.kafka.io/protobuf-ingress
m.yaml:8:31: error: egress type "statefund.io/quue" is unknown; did you mean "statefund.io/queue"?
m.yaml:10:31: error: router type "a/router" is unknown; expected org.apache.flink.statefun.sdk/protobuf-router
)"},
    row{"a queue with settings",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    egresses:
      - egress:
          meta: {type: statefund.io/queue, id: greets}
          spec: {address: here}
)",
        R"(m.yaml:7:48: error: "id" is not an egress id: "greets" has no '/'; expected <namespace>/<name>
m.yaml:8:18: error: "address" is not a key of an egress's spec
)"},
    row{"an egress twice",
        R"(kind: statefund.egress.v1/queue
spec: {id: a/b}
---
kind: statefund.egress.v1/queue
spec: {id: a/b}
)",
        R"(m.yaml:5:12: error: the egress "a/b" is declared already at m.yaml:2:12; expected it once
)"},
    row{"a type twice",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
---
kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:8:14: error: "ns/f" is bound already at m.yaml:3:14; expected it once
)"},
    row{"a namespace twice",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/*
  urlPathTemplate: http://host:8000/f
---
kind: io.statefun.endpoints.v1/http
spec:
  functions: ns/*
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:8:14: error: "ns/*" is bound already at m.yaml:3:14; expected it once
)"},
    row{"a star within a name",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f*
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:3:14: error: "functions" names no functions: "ns/f*" has a '*' that is not the whole name; expected <namespace>/<name> or <namespace>/*
)"},
    row{"a star within a namespace",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: n*/f
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:3:14: error: "functions" names no functions: "n*/f" has a '*' that is not the whole name; expected <namespace>/<name> or <namespace>/*
)"},
    row{"a star in both, quoted",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: '*/*'
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:3:14: error: "functions" names no functions: "*/*" has a '*' that is not the whole name; expected <namespace>/<name> or <namespace>/*
)"},
    row{"a lone star",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: '*'
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:3:14: error: "functions" names no functions: "*" has no '/'; expected <namespace>/<name> or <namespace>/*
)"},
    row{"a placeholder of another name",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/{name}
)",
        R"(m.yaml:4:20: error: "urlPathTemplate" is not an endpoint: "http://host:8000/{name}" has a brace that is not part of {function.name}, the only placeholder there is
)"},
    row{"a name that cannot stand in a host",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f_1!
  urlPathTemplate: http://{function.name}.svc/f
)",
        R"(m.yaml:4:20: error: the endpoint cannot be resolved: the function's name "f_1!" cannot stand in a host's name
)"},
    row{"an unknown transport",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {type: io.statefun.transports.v1/asynch}
)",
        R"(m.yaml:5:21: error: transport type "io.statefun.transports.v1/asynch" is unknown; did you mean "io.statefun.transports.v1/async"?
)"},
    row{"a transport of nobody",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {type: carrier/pigeon}
)",
        R"(m.yaml:5:21: error: transport type "carrier/pigeon" is unknown; expected one of io.statefun.transports.v1/async, io.statefun.transports.v1/okhttp
)"},
    row{"timeouts where the transport belongs",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  timeouts: {call: 1min}
)",
        R"(m.yaml:5:3: error: "timeouts" is not a key of io.statefun.endpoints.v2/http; write it under "transport"
)"},
    row{"a transport where the timeouts belong",
        R"(kind: io.statefun.endpoints.v1/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {call: 1min}
)",
        R"(m.yaml:5:3: error: "transport" is not a key of io.statefun.endpoints.v1/http; use kind: io.statefun.endpoints.v2/http, or write the timeouts under "timeouts"
)"},
    row{"pool and payload out of bounds",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {pool_size: 0, pool_ttl: soon, payload_max_bytes: 0}
)",
        R"(m.yaml:5:26: error: "pool_size" is "0"; expected a number from 1 to 65535
m.yaml:5:39: error: "pool_ttl" is not a duration: "soon" does not begin with a number; expected a whole number and a unit, as in 30s
m.yaml:5:64: error: "payload_max_bytes" is "0"; expected 1 to 2147483647 bytes
)"},
    row{"pool and payload too large",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {pool_size: 65536, payload_max_bytes: 2GiB}
)",
        R"(m.yaml:5:26: error: "pool_size" is "65536"; expected a number from 1 to 65535
m.yaml:5:52: error: "payload_max_bytes" is "2GiB"; expected 1 to 2147483647 bytes
)"},
    row{"a size in powers of ten",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {payload_max_bytes: 32MB}
)",
        R"(m.yaml:5:34: error: "payload_max_bytes" is not a size: "32MB" has the unknown unit "MB"; expected one of B, KiB, MiB, GiB, TiB
)"},
    row{"flat and nested timeouts, each wrong",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
  transport: {call: 0, timeouts: {connect: 3 min, red: 1s}}
)",
        R"(m.yaml:5:21: error: "call" is "0"; expected more than 0
m.yaml:5:51: error: "red" is not a key of the timeouts; did you mean "read"?
)"},
    row{"an endpoint document without anything",
        R"(kind: io.statefun.endpoints.v2/http
spec: {}
)",
        R"(m.yaml:2:7: error: the spec of io.statefun.endpoints.v2/http has no "functions"; expected that key
m.yaml:2:7: error: the spec of io.statefun.endpoints.v2/http has no "urlPathTemplate"; expected that key
)"},
    row{"an endpoint document without a spec",
        R"(kind: io.statefun.endpoints.v2/http
)",
        R"(m.yaml:1:1: error: the document has no "spec"; expected that key
)"},
    row{"a spec that is text",
        R"(kind: io.statefun.endpoints.v2/http
spec: none
)",
        R"(m.yaml:2:7: error: the spec of io.statefun.endpoints.v2/http is "none"; expected a map
)"},
    row{"a mistyped kind",
        R"(kind: io.statefun.endpoint.v2/http
spec: {}
)",
        R"(m.yaml:1:7: error: kind "io.statefun.endpoint.v2/http" is unknown; did you mean "io.statefun.endpoints.v2/http"?
)"},
    row{"a mistyped kind of another sort",
        R"(kind: io.statefun.kafka.v1/ingres
spec: {}
)",
        R"(m.yaml:1:7: error: kind "io.statefun.kafka.v1/ingres" is unknown; did you mean "io.statefun.kafka.v1/ingress"?
)"},
    row{"kinds never to come",
        R"(kind: io.statefun.kinesis.v1/ingress
---
kind: io.statefun.kinesis.v1/egress
)",
        R"(m.yaml:1:7: error: kind "io.statefun.kinesis.v1/ingress" is not supported by statefund and will not be; read the stream with a program of your own and send its records to the ingress socket
m.yaml:3:7: error: kind "io.statefun.kinesis.v1/egress" is not supported by statefund and will not be; declare the egress with kind: statefund.egress.v1/queue and forward its records with a program of your own
)"},
    row{"neither kind nor version",
        R"(spec: {}
)",
        R"(m.yaml:1:1: error: the document has neither "kind" nor "version"; expected one of them
)"},
    row{"kind and version",
        R"(version: "2.0"
kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  urlPathTemplate: http://host:8000/f
)",
        R"(m.yaml:1:1: error: "version" is not a key of the document; expected one of kind, spec
)"},
    row{"a version beside others",
        R"(kind: statefund.egress.v1/queue
spec: {id: a/b}
---
version: "2.0"
module: {meta: {type: remote}, spec: {}}
)",
        R"(m.yaml:4:1: error: a document with "version" stands beside others; expected it alone in its file
)"},
    row{"a document that is a list",
        R"(- kind: x
)",
        R"(m.yaml:1:1: error: the document is a list; expected a map with "kind" and "spec", or with "version" and "module"
)"},
    row{"a document that is text",
        R"(hello
)",
        R"(m.yaml:1:1: error: the document is "hello"; expected a map with "kind" and "spec", or with "version" and "module"
)"},
    row{"a Kubernetes manifest",
        R"(apiVersion: v1
kind: ConfigMap
)",
        R"(m.yaml:1:1: error: the document is a Kubernetes manifest, which is no module file; put what stands under its data into a file of its own
)"},
    row{"YAML that is not closed, after a document with an error",
        R"(kind: nothing
---
kind: [
)",
        R"(m.yaml:1:7: error: kind "nothing" is unknown; expected one of io.statefun.endpoints.v1/http, io.statefun.endpoints.v2/http, io.statefun.kafka.v1/ingress, io.statefun.kafka.v1/egress, io.statefun.playground.v1/ingress, io.statefun.playground.v1/egress, statefund.egress.v1/queue
m.yaml:3:7: error: the '[' is not closed; expected a ']'
)"},
    row{"a key that is a list",
        R"(? [a]
: b
)",
        R"(m.yaml:1:3: error: a list stands as a key; expected text
)"},
    row{"a tag",
        R"(kind: !thing statefund.egress.v1/queue
spec: {id: a/b}
)",
        R"(m.yaml:1:7: error: the tag "!thing" is unknown; expected no tag
)"},
};

} // namespace

TEST_CASE("a broken file is refused whole, with every error in its place") {
  for (auto const& [what, text, errors] : rows) {
    INFO(what);
    auto const parsed = parse("m.yaml", text);
    REQUIRE_FALSE(parsed.has_value());
    std::string told;
    for (auto const& each : parsed.error())
      told += to_string(each) + '\n';
    CHECK(told == errors);
  }
}
