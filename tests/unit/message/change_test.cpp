#include "message/change.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace message = statefund::message;

TEST_CASE("the egresses of records are told once each, in whatever order the records come") {
  auto const names_of = [](std::vector<std::string> const& of_records) {
    std::vector<message::egress_record> records;
    for (auto const& name : of_records)
      records.push_back({{"ns", name}, {}});
    std::vector<std::string> names;
    for (auto const* egress : message::egresses_of(records))
      names.push_back(egress->name);
    return names;
  };
  using texts = std::vector<std::string>;
  CHECK(names_of({}).empty());
  CHECK(names_of({"a", "a", "a"}) == texts{"a"});
  CHECK(names_of({"b", "a", "b", "a", "c", "c", "b"}) == texts{"a", "b", "c"});
}
