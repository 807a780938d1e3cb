// Slips of the pen that leave a text that is no YAML, or is another YAML than was meant: what their authors are told,
// and where. The parser's own words are not what they read.
#include "module/parse.hpp"
#include "module/yaml_fault.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

using namespace statefund::module;

namespace {

struct row {
  char const* what;
  char const* text;
  char const* errors; // a line each
};

constexpr std::array rows{
    row{"a tab as indentation",
        R"(kind: statefund.egress.v1/queue
spec:
	id: a/b
)",
        R"(m.yaml:3:1: error: a tab stands in the line's indentation; YAML is indented with spaces
)"},
    row{"a tab behind spaces",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  transport:
  	call: 1min
)",
        R"(m.yaml:4:3: error: a tab stands in the line's indentation; YAML is indented with spaces
)"},
    row{"a tab below a value",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
	urlPathTemplate: http://h/
)",
        R"(m.yaml:4:1: error: a tab stands in the line's indentation; YAML is indented with spaces
)"},
    row{"a tab before a list item",
        R"(version: "2.0"
module:
  spec:
    functions:
	- function: {}
)",
        R"(m.yaml:5:1: error: a tab stands in the line's indentation; YAML is indented with spaces
)"},
    row{"a tab on an empty line",
        R"(kind: statefund.egress.v1/queue
	
spec: {id: a/b}
)",
        R"(m.yaml:2:1: error: a tab stands in the line's indentation; YAML is indented with spaces
)"},
    row{"a tab behind a dash",
        R"(version: "2.0"
module:
  spec:
    functions:
      -	function: {}
)",
        R"(m.yaml:5:8: error: a tab stands behind the '-'; YAML is indented with spaces
)"},
    row{"a no-break space as indentation", "kind: statefund.egress.v1/queue\nspec:\n\u00a0\u00a0id: a/b\n",
        R"(m.yaml:3:1: error: a no-break space (U+00A0) stands in the line's indentation; YAML is indented with spaces
)"},
    row{"no colon at the first key",
        R"(kind io.statefun.endpoints.v2/http
spec:
  functions: ns/f
)",
        R"(m.yaml:1:1: error: "kind io.statefun.endpoints.v2/http" has no ':'; expected one behind the key; write "kind: io.statefun.endpoints.v2/http"
)"},
    row{"no colon before deeper keys",
        R"(kind: io.statefun.endpoints.v2/http
spec
  functions: ns/f
)",
        R"(m.yaml:2:1: error: "spec" has no ':'; expected one behind the key; write "spec:"
)"},
    row{"no colon between two keys",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate: http://h/
  functions ns/f
  maxNumBatchRequests: 1
)",
        R"(m.yaml:4:3: error: "functions ns/f" has no ':'; expected one behind the key; write "functions: ns/f"
)"},
    row{"no colon before a list",
        R"(version: "2.0"
module:
  spec:
    functions
      - function: {}
)",
        R"(m.yaml:4:5: error: "functions" has no ':'; expected one behind the key; write "functions:"
)"},
    row{"no colon at the last key, which is a key without a value for YAML",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate: http://h/
  functions ns/f
)",
        R"(m.yaml:4:3: error: "functions ns/f" is not a key of the spec of io.statefun.endpoints.v2/http; write "functions: ns/f"
)"},
    row{"no space behind a colon",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions:ns/f
  urlPathTemplate: http://h/
)",
        R"(m.yaml:3:3: error: "functions:ns/f" has no space behind its ':'; expected one; write "functions: ns/f"
)"},
    row{"no space behind a colon at the first key",
        R"(kind:statefund.egress.v1/queue
spec: {id: a/b}
)",
        R"(m.yaml:1:1: error: "kind:statefund.egress.v1/queue" has no space behind its ':'; expected one; write "kind: statefund.egress.v1/queue"
)"},
    row{"no space behind a colon in braces",
        R"(kind: statefund.egress.v1/queue
spec: {id:a/b}
)",
        R"(m.yaml:2:8: error: "id:a/b" is not a key of the spec of statefund.egress.v1/queue; write "id: a/b"
)"},
    row{"no colon before a URL, whose own does not count",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate http://h/
  functions: ns/f
)",
        R"(m.yaml:3:3: error: "urlPathTemplate http://h/" has no ':'; expected one behind the key; write "urlPathTemplate: http://h/"
)"},
    row{"a colon within a value",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns: f
)",
        R"(m.yaml:3:14: error: a ':' with a space behind it stands within the value; expected the value in quotation marks; write "ns: f"
)"},
    row{"a colon within a value of a list item",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function: a: b
)",
        R"(m.yaml:5:19: error: a ':' with a space behind it stands within the value; expected the value in quotation marks; write "a: b"
)"},
    row{"a URL with a space behind its scheme",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate: http: //h/   # a remark
)",
        R"(m.yaml:3:20: error: a ':' with a space behind it stands within the value; expected the value in quotation marks; write "http: //h/"
)"},
    row{"a key too deep",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
   urlPathTemplate: http://h/
)",
        R"(m.yaml:4:4: error: the line stands deeper than line 3, whose key has a value already; expected it at column 3
)"},
    row{"a key not deep enough",
        R"(kind: io.statefun.endpoints.v2/http
spec:
    functions: ns/f
  urlPathTemplate: http://h/
)",
        R"(m.yaml:4:3: error: the line begins at column 3, where nothing above begins; expected column 5 as in line 3, or column 1 as in line 2
)"},
    row{"a key between two levels",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  transport:
      call: 1min
    connect: 1s
  functions: ns/f
)",
        R"(m.yaml:5:5: error: the line begins at column 5, where nothing above begins; expected column 7 as in line 4, or column 3 as in line 3
)"},
    row{"keys below a key that has a value",
        R"(kind: io.statefun.endpoints.v2/http
spec: none
  functions: ns/f
)",
        R"(m.yaml:3:3: error: the line stands deeper than line 2, whose key has a value already; expected it at column 1
)"},
    row{"a first line that is indented",
        R"(  kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
)",
        R"(m.yaml:2:1: error: the line begins at column 1, where nothing above begins; expected column 3 as in line 1
)"},
    row{"a key too deep in a list item",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function:
          meta: {}
           spec: {}
)",
        R"(m.yaml:7:12: error: the line begins at column 12, where nothing above begins; expected column 11 as in line 6
)"},
    row{"a list item beside the others",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function: {}
     - function: {}
)",
        R"(m.yaml:6:6: error: the line begins at column 6, where nothing above begins; expected column 7 as in line 5
)"},
    row{"a list item deeper than the others",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function: {}
       - function: {}
)",
        R"(m.yaml:6:8: error: the line begins at column 8, where nothing above begins; expected column 7 as in line 5
)"},
    row{"a quotation mark that is not closed in the file",
        R"(kind: statefund.egress.v1/queue
spec:
  id: "a/b
)",
        R"(m.yaml:3:7: error: the quotation mark is never closed; expected another " at the end of the text
)"},
    row{"the same with single ones",
        R"(kind: statefund.egress.v1/queue
spec:
  id: 'a/b
)",
        R"(m.yaml:3:7: error: the quotation mark is never closed; expected another ' at the end of the text
)"},
    row{"a quotation mark that is closed lines below by another one",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: "ns/f
  urlPathTemplate: "http://h/"
)",
        R"(m.yaml:3:14: error: the quotation mark is not closed on its line; expected another " at the end of the text
)"},
    row{"a quotation mark that is open at the document's end",
        R"(kind: statefund.egress.v1/queue
spec: {id: "a/b}
---
kind: statefund.egress.v1/queue
)",
        R"(m.yaml:2:12: error: the quotation mark is not closed on its line; expected another " at the end of the text
)"},
    row{"text behind a quotation mark",
        R"(kind: statefund.egress.v1/queue
spec: {id: "a/b" c}
)",
        R"(m.yaml:2:18: error: text stands behind the closing quotation mark; expected the end of the value, or a ','; within "..." a " is written \"
)"},
    row{"an apostrophe in single quotation marks",
        R"(kind: statefund.egress.v1/queue
spec:
  id: 'it's/b'
)",
        R"(m.yaml:3:11: error: text stands behind the closing quotation mark; expected the end of the value; within '...' a ' is written ''
)"},
    row{"a backslash that is no escape",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate: "http:\\host\pool"
)",
        R"(m.yaml:3:32: error: the escape "\p" is none that YAML knows; expected "\\" for a backslash; within '...' a backslash is itself
)"},
    row{"an escape without its digits",
        R"(kind: statefund.egress.v1/queue
spec: {id: "a/\xyz"}
)",
        R"(m.yaml:2:15: error: the escape "\x" lacks its hexadecimal digits
)"},
    row{"a brace that is not closed",
        R"(kind: statefund.egress.v1/queue
spec: {id: a/b
)",
        R"(m.yaml:2:7: error: the '{' is not closed; expected a '}'
)"},
    row{"a brace that is not closed, and lines below",
        R"(kind: statefund.egress.v1/queue
spec: {id: a/b
extra: x
)",
        R"(m.yaml:2:7: error: the '{' is not closed; expected a '}'
)"},
    row{"a bracket that is not closed",
        R"(version: "2.0"
module:
  spec:
    functions: [
)",
        R"(m.yaml:4:16: error: the '[' is not closed; expected a ']'
)"},
    row{"a brace that closes nothing",
        R"(kind: statefund.egress.v1/queue
spec: {id: a/b}}
)",
        R"(m.yaml:2:16: error: the '}' closes nothing that is open
)"},
    row{"a brace alone",
        R"(kind: statefund.egress.v1/queue
spec:
  id: a/b
}
)",
        R"(m.yaml:4:1: error: the '}' closes nothing that is open
)"},
    row{"a bracket closed by a brace",
        R"(kind: io.statefun.endpoints.v2/http
spec: {functions: [ns/f}
)",
        R"(m.yaml:2:24: error: the '}' closes the '[' of line 2; expected a ']'
)"},
    row{"no comma between two entries",
        R"(kind: io.statefun.endpoints.v2/http
spec: {functions: ns/f urlPathTemplate: http://h/}
)",
        R"(m.yaml:2:39: error: a second ':' stands in one entry; expected a ',' between two, or quotation marks around a text
)"},
    row{"no comma at the end of a line",
        R"(kind: io.statefun.endpoints.v2/http
spec: {
  functions: ns/f
  urlPathTemplate: http://h/
}
)",
        R"(m.yaml:3:3: error: there is no ',' behind this entry, and another follows; expected one
)"},
    row{"a placeholder at the beginning of a value",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  urlPathTemplate: {function.name}.svc:8000/f
)",
        R"(m.yaml:3:20: error: the value begins with '{', which makes it a map, and does not end with it; expected it in quotation marks; write "{function.name}.svc:8000/f"
)"},
    row{"a placeholder that is the whole value",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/*
  urlPathTemplate: {function.name}
)",
        R"(m.yaml:4:20: error: "urlPathTemplate" is a map; expected text; a text that begins with '{' must stand in quotation marks
)"},
    row{"text behind a list",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: [ns]/f
)",
        R"(m.yaml:3:14: error: the value begins with '[', which makes it a list, and does not end with it; expected it in quotation marks; write "[ns]/f"
)"},
    row{"no space behind a dash, and a space behind the next",
        R"(version: "2.0"
module:
  spec:
    functions:
      -function: {}
      - function: {}
)",
        R"(m.yaml:5:7: error: there is no space behind the '-'; expected one; write "- function: {}"
)"},
    row{"no space behind the second dash",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function: {}
      -function: {}
)",
        R"(m.yaml:6:7: error: there is no space behind the '-'; expected one; write "- function: {}"
)"},
    row{"no space behind any dash, which is a map for YAML",
        R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      -function: {}
)",
        R"(m.yaml:6:7: error: "functions" of the module's spec is a map; expected a list; an item is a '-' with a space behind it
)"},
    row{"a list on its key's line",
        R"(version: "2.0"
module:
  spec:
    functions: - function: {}
)",
        R"(m.yaml:4:16: error: a list begins on the line of its key; expected each '-' on a line of its own
)"},
    row{"a key among list items",
        R"(version: "2.0"
module:
  spec:
    functions:
      - function: {}
      function: {}
)",
        R"(m.yaml:6:7: error: a line without '-' stands among the items of a list; expected '- ' before it
)"},
    row{"a list item among keys",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ns/f
  - urlPathTemplate: http://h/
)",
        R"(m.yaml:4:3: error: a list item stands among the keys of a map; expected a key
)"},
    row{"a list item below a value",
        R"(version: "2.0"
module:
  spec:
    functions: none
      - function: {}
)",
        R"(m.yaml:5:7: error: the line stands deeper than line 4, whose key has a value already; expected it at column 5
)"},
    row{"a key behind a list",
        R"(- kind: io.statefun.endpoints.v2/http
spec: {}
)",
        R"(m.yaml:2:1: error: a line without '-' stands among the items of a list; expected '- ' before it
)"},
    row{"an @",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: @ns/f
)",
        R"(m.yaml:3:14: error: a text cannot begin with '@'; expected it in quotation marks; write "@ns/f"
)"},
    row{"a backtick",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: `ns/f`
)",
        R"(m.yaml:3:14: error: a text cannot begin with '`'; expected it in quotation marks; write "`ns/f`"
)"},
    row{"a percent sign",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: %ns/f
)",
        R"(m.yaml:3:14: error: a text cannot begin with '%'; expected it in quotation marks; write "%ns/f"
)"},
    row{"a comma",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: ,ns/f
)",
        R"(m.yaml:3:14: error: a text cannot begin with ','; expected it in quotation marks; write ",ns/f"
)"},
    row{"a star",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: */f
)",
        R"(m.yaml:3:14: error: a text that begins with '*' stands for an anchor of that name, and there is none; expected it in quotation marks; write "*/f"
)"},
    row{"a star alone",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: *
)",
        R"(m.yaml:3:14: error: a text that begins with '*' stands for an anchor of that name, and there is none; expected it in quotation marks; write "*"
)"},
    row{"an ampersand",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  functions: & ns/f
)",
        R"(m.yaml:3:14: error: a text cannot begin with '&'; expected it in quotation marks; write "& ns/f"
)"},
    row{"a sign that begins a block",
        R"(kind: io.statefun.endpoints.v2/http
spec:
  transport: {}
  functions: >5s
)",
        R"(m.yaml:4:14: error: a text that begins with '>' stands on the lines below; expected it in quotation marks; write ">5s"
)"},
    row{"a merge conflict",
        R"(kind: statefund.egress.v1/queue
<<<<<<< HEAD
spec: {id: a/b}
=======
spec: {id: a/c}
>>>>>>> theirs
)",
        R"(m.yaml:2:1: error: a merge conflict stands here unresolved; expected one of its sides
)"},
    row{"a Markdown fence",
        R"(```yaml
kind: statefund.egress.v1/queue
```
)",
        R"(m.yaml:1:1: error: a Markdown fence stands here; expected the YAML alone
)"},
    row{"two documents without a mark",
        R"("kind"
spec: {}
)",
        R"(m.yaml:2:1: error: a second document begins here; expected "---" before it
)"},
    row{"a directive that YAML does not have",
        R"(%YAML
---
kind: statefund.egress.v1/queue
)",
        R"(m.yaml:1:1: error: the file is not YAML: YAML directives must have exactly one argument
)"},
    row{"a docker compose file",
        R"(version: "3.8"
services:
  web: {image: nginx}
)",
        R"(m.yaml:1:1: error: the document is a docker compose file, which is no module file; a module file has "kind" and "spec", or "version" and "module"
)"},
    row{"a GitHub workflow",
        R"(name: ci
on: [push]
jobs: {}
)",
        R"(m.yaml:1:1: error: the document is a GitHub workflow, which is no module file; a module file has "kind" and "spec", or "version" and "module"
)"},
    row{"statefund's settings",
        R"(ingress:
  socket: /run/statefun/ingress.sock
)",
        R"(m.yaml:1:1: error: the document is statefund's own settings (statefund.yaml), which is no module file; a module file has "kind" and "spec", or "version" and "module"
)"},
};

std::string told(diagnostics const& all) {
  std::string out;
  for (auto const& each : all)
    out += to_string(each) + '\n';
  return out;
}

} // namespace

TEST_CASE("a slip is told in a sentence, at the place where it was made") {
  for (auto const& [what, text, errors] : rows) {
    INFO(what);
    auto const parsed = parse("m.yaml", text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(told(parsed.error()) == errors);
  }
}

TEST_CASE("a slip is told the same with a byte order mark and Windows' line ends") {
  for (auto const& [what, text, errors] : rows) {
    INFO(what);
    std::string windows = "\xef\xbb\xbf";
    for (char const c : std::string_view(text))
      windows += c == '\n' ? "\r\n" : std::string(1, c);
    auto const parsed = parse("m.yaml", windows);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(told(parsed.error()) == errors);
  }
}

TEST_CASE("whatever is left out of a text or put into it, each error has a place in it") {
  constexpr std::string_view signs = ":-{}[]'\"#,\t\n &*!|>%@\\";
  for (auto const& [what, text, errors] : rows) {
    std::string const whole = text;
    INFO(what);
    auto const check = [](std::string const& changed) {
      auto const parsed = parse("m.yaml", changed);
      if (parsed)
        return;
      auto const lines = static_cast<unsigned>(std::count(changed.begin(), changed.end(), '\n')) + 1;
      for (auto const& each : parsed.error()) {
        INFO(changed);
        REQUIRE(each.where.line <= lines);
        REQUIRE(each.source.column <= each.source.text.size() + 1);
        REQUIRE_FALSE(render(each, colours::none).empty());
      }
    };
    for (std::size_t at = 0; at < whole.size(); ++at) {
      check(whole.substr(0, at));
      check(whole.substr(0, at) + whole.substr(at + 1));
      check(whole.substr(0, at) + signs[at % signs.size()] + whole.substr(at));
    }
  }
}

TEST_CASE("what the parser says of no line, or in words that nobody knows, is told as it was said") {
  CHECK(to_string(explain({"too odd"}, "m.yaml", "a: b\n")) == "m.yaml: error: the file is not YAML: too odd");
  CHECK(to_string(explain({"too odd", 1, 4}, "m.yaml", "a: b\n")) ==
        "m.yaml:1:4: error: the file is not YAML: too odd");
  for (char const* const said : {"too odd", "end of map not found", "end of map flow not found", "illegal map value",
                                 "illegal flow end", "unknown token", "alias not found after *",
                                 "unexpected character in block scalar", "unknown escape character: x"})
    for (char const* const text : {"", "\n", "# a: b", "# a: b\n"})
      CHECK(to_string(explain({said, 3, 9}, "m.yaml", text)).starts_with("m.yaml:3:1: error: the file is not YAML: "));
}
