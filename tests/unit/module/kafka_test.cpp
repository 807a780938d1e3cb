// Kafka's ingresses and egresses in the spellings of all generations.
#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

std::string in_document(std::string const& spec) {
  return "kind: io.statefun.kafka.v1/ingress\nspec:\n" + spec;
}

std::string out_document(std::string const& spec) {
  return "kind: io.statefun.kafka.v1/egress\nspec:\n" + spec;
}

// The spec stands from line 8 on.
std::string entry(std::string const& version, std::string const& list, std::string const& word, std::string const& type,
                  std::string const& spec) {
  return "version: '" + version + "'\nmodule:\n  meta: {type: remote}\n  spec:\n    " + list + ":\n      - " + word +
         ":\n          meta: {type: " + type + ", id: a/b}\n          spec: " + spec + "\n";
}

kafka_ingress_spec ingress_of(std::string const& text) {
  auto const declared = read(text);
  REQUIRE(declared.ingresses.size() == 1);
  CHECK(declared.ingresses[0].id == ingress_id{"a", "b"});
  CHECK(declared.ingresses[0].kind() == ingress_kind::kafka);
  return std::get<kafka_ingress_spec>(declared.ingresses[0].way);
}

kafka_egress_spec egress_of(std::string const& text) {
  auto const declared = read(text);
  REQUIRE(declared.egresses.size() == 1);
  CHECK(declared.egresses[0].id == statefund::message::egress_id{"a", "b"});
  CHECK(declared.egresses[0].kind() == egress_kind::kafka);
  return std::get<kafka_egress_spec>(declared.egresses[0].way);
}

// The shortest ingress that is whole; `more` stands from line 6 on.
std::string ingress_with(std::string const& more) {
  return in_document("  id: a/b\n"
                     "  address: broker:9092\n"
                     "  topics: [{topic: t, valueType: n/T, targets: [n/f]}]\n" +
                     more);
}

std::string egress_with(std::string const& more) {
  return out_document("  id: a/b\n  address: broker:9092\n" + more);
}

} // namespace

TEST_CASE("a Kafka ingress that says little reads the latest records") {
  auto const made = ingress_of(ingress_with(""));
  CHECK(made.address == "broker:9092");
  CHECK_FALSE(made.consumer_group_id);
  CHECK(made.offset_reset == kafka_offset_reset::latest);
  CHECK(made.startup.from == kafka_start::latest);
  CHECK(made.startup.offsets.empty());
  CHECK(made.topics == std::vector{kafka_topic{"t", "n/T", {{"n", "f"}}}});
  CHECK_FALSE(made.routed);
  CHECK(made.properties.empty());
}

TEST_CASE("a Kafka ingress is the same in every generation's spelling") {
  std::string const common =
      "address: 'k1:9092,k2:9093', consumerGroupId: g, autoOffsetResetPosition: earliest, "
      "startupPosition: {type: group-offsets}, properties: [{a.b: c}, {d: 7}], topics: [{topic: t, "
      "targets: [n/f, n/g], ";
  kafka_ingress_spec expected;
  expected.address = "k1:9092,k2:9093";
  expected.consumer_group_id = "g";
  expected.offset_reset = kafka_offset_reset::earliest;
  expected.startup.from = kafka_start::group_offsets;
  expected.topics = {{"t", "n/T", {{"n", "f"}, {"n", "g"}}}};
  expected.properties = {{"a.b", "c"}, {"d", "7"}};
  CHECK(ingress_of("kind: io.statefun.kafka.v1/ingress\nspec: {id: a/b, " + common + "valueType: n/T}]}\n") ==
        expected);
  CHECK(ingress_of(entry("3.0", "ingresses", "ingress", "io.statefun.kafka/ingress",
                         "{" + common + "valueType: n/T}]}")) == expected);
  for (auto const* version : {"1.0", "2.0"})
    CHECK(ingress_of(entry(version, "ingresses", "ingress", "statefun.kafka.io/routable-protobuf-ingress",
                           "{" + common + "typeUrl: n/T}]}")) == expected);
}

TEST_CASE("an entry's parts may stand beside its word as well") {
  auto const declared = read("version: '2.0'\n"
                             "module:\n"
                             "  meta: {type: remote}\n"
                             "  spec:\n"
                             "    ingresses:\n"
                             "      - ingress:\n"
                             "        meta: {type: statefun.kafka.io/routable-protobuf-ingress, id: a/b}\n"
                             "        spec: {address: 'k:1', topics: [{topic: t, typeUrl: n/T, targets: [n/f]}]}\n"
                             "    egresses:\n"
                             "      - egress:\n"
                             "        meta: {type: statefun.kafka.io/generic-egress, id: a/b}\n"
                             "        spec: {address: 'k:1'}\n");
  CHECK(declared.ingresses.size() == 1);
  CHECK(declared.egresses.size() == 1);
  CHECK(declared.ingresses[0].where == place{"m.yaml", 7, 71});
}

TEST_CASE("reading begins where the startup position says") {
  CHECK(ingress_of(ingress_with("  startupPosition: {type: earliest}\n")).startup.from == kafka_start::earliest);
  CHECK(ingress_of(ingress_with("  startupPosition: {type: LATEST}\n")).startup.from == kafka_start::latest);
  CHECK(ingress_of(ingress_with("  consumerGroupId: g\n  startupPosition: {type: group-offsets}\n")).startup.from ==
        kafka_start::group_offsets);
  auto const offsets = ingress_of(ingress_with("  startupPosition:\n"
                                               "    type: specific-offsets\n"
                                               "    offsets:\n"
                                               "      - t/0: 91\n"
                                               "      - t/2147483647: 9223372036854775807\n"));
  CHECK(offsets.startup.from == kafka_start::specific_offsets);
  CHECK(offsets.startup.offsets ==
        std::vector{kafka_offset{"t", 0, 91}, kafka_offset{"t", 2147483647, 9223372036854775807}});
  auto const date = ingress_of(ingress_with("  startupPosition: {type: date, date: 2020-02-01 04:15:00.500 +0100}\n"));
  CHECK(date.startup.from == kafka_start::date);
  CHECK(date.startup.date == std::chrono::sys_days(std::chrono::year(2020) / 2 / 1) + 3h + 15min + 500ms);
}

TEST_CASE("a protobuf ingress gives routers what they need") {
  for (auto const* version : {"1.0", "2.0"}) {
    auto const declared = read(
        entry(version, "ingresses", "ingress", "statefun.kafka.io/protobuf-ingress",
              "{address: 'k:1', topics: [t, u], messageType: p.M, descriptorSet: /d/m.desc}") +
        "    routers:\n      - router: {meta: {type: org.apache.flink.statefun.sdk/protobuf-router}, spec: {ingress: "
        "a/b, target: 'n/f/{{$.id}}', messageType: p.M, descriptorSet: /d/m.desc}}\n");
    REQUIRE(declared.ingresses.size() == 1);
    auto const& made = std::get<kafka_ingress_spec>(declared.ingresses[0].way);
    CHECK(made.topics == std::vector{kafka_topic{"t", "type.googleapis.com/p.M", {}},
                                     kafka_topic{"u", "type.googleapis.com/p.M", {}}});
    CHECK(made.routed == message_schema{"p.M", "/d/m.desc"});
  }
}

TEST_CASE("the client's properties stand for keys that are not given, and give way to those that are") {
  std::string const properties = "  properties:\n"
                                 "    - bootstrap.servers: other:1\n"
                                 "    - group.id: g\n"
                                 "    - auto.offset.reset: earliest\n"
                                 "    - acks: all\n";
  std::string const topics = "  topics: [{topic: t, valueType: n/T, targets: [n/f]}]\n";
  auto const alone = ingress_of(in_document("  id: a/b\n" + topics + properties));
  CHECK(alone.address == "other:1");
  CHECK(alone.consumer_group_id == "g");
  CHECK(alone.offset_reset == kafka_offset_reset::earliest);
  CHECK(alone.properties == client_properties{{"acks", "all"}});
  auto const beside = ingress_of(in_document("  id: a/b\n  address: broker:9092\n  consumerGroupId: h\n"
                                             "  autoOffsetResetPosition: latest\n" +
                                             topics + properties));
  CHECK(beside.address == "broker:9092");
  CHECK(beside.consumer_group_id == "h");
  CHECK(beside.offset_reset == kafka_offset_reset::latest);
  CHECK(beside.properties == client_properties{{"acks", "all"}});
  auto const out = egress_of(out_document("  id: a/b\n  properties: [{bootstrap.servers: 'other:1'}]\n"));
  CHECK(out.address == "other:1");
  CHECK(out.properties.empty());
}

TEST_CASE("a Kafka egress that says little writes at least once") {
  auto const made = egress_of(egress_with(""));
  CHECK(made.address == "broker:9092");
  CHECK(made.delivery == kafka_delivery::at_least_once);
  CHECK_FALSE(made.transaction_timeout);
  CHECK(made.properties.empty());
}

TEST_CASE("a Kafka egress is the same in every generation's spelling") {
  std::string const common = "address: 'k:1', properties: [a: b], deliverySemantic: {type: exactly-once, ";
  kafka_egress_spec const expected{"k:1", kafka_delivery::exactly_once, 15min, {{"a", "b"}}};
  for (auto const* timeout : {"transactionTimeout: 15min}}", "transactionTimeoutMillis: 900000}}"}) {
    CHECK(egress_of("kind: io.statefun.kafka.v1/egress\nspec: {id: a/b, " + common + timeout + "\n") == expected);
    CHECK(egress_of(entry("3.0", "egresses", "egress", "io.statefun.kafka/egress", "{" + common + timeout)) ==
          expected);
    for (auto const* version : {"1.0", "2.0"})
      CHECK(egress_of(entry(version, "egresses", "egress", "statefun.kafka.io/generic-egress",
                            "{" + common + timeout)) == expected);
  }
  CHECK(egress_of(egress_with("  deliverySemantic: {type: NONE}\n")).delivery == kafka_delivery::none);
  auto const idle = egress_of(egress_with("  deliverySemantic: {type: at-least-once, transactionTimeout: 1s}\n"));
  CHECK(idle.delivery == kafka_delivery::at_least_once);
  CHECK_FALSE(idle.transaction_timeout);
}

TEST_CASE("the words of Kafka print as they are written") {
  CHECK(to_string(kafka_offset_reset::earliest) == "earliest");
  CHECK(to_string(kafka_offset_reset::latest) == "latest");
  CHECK(to_string(kafka_start::group_offsets) == "group-offsets");
  CHECK(to_string(kafka_start::earliest) == "earliest");
  CHECK(to_string(kafka_start::latest) == "latest");
  CHECK(to_string(kafka_start::specific_offsets) == "specific-offsets");
  CHECK(to_string(kafka_start::date) == "date");
  CHECK(to_string(kafka_delivery::none) == "none");
  CHECK(to_string(kafka_delivery::at_least_once) == "at-least-once");
  CHECK(to_string(kafka_delivery::exactly_once) == "exactly-once");
}

TEST_CASE("a broken Kafka ingress is told key by key") {
  struct row {
    std::string spec;
    char const* errors;
  };
  std::string const head = "  id: a/b\n  address: broker:9092\n";
  for (auto const& [spec, errors] : std::array{
           row{"  topic: t\n",
               "m.yaml:3:3: error: the spec of io.statefun.kafka.v1/ingress has no \"topics\"; expected that key\n"
               "m.yaml:3:3: error: the spec of io.statefun.kafka.v1/ingress has no \"address\"; expected that key\n"
               "m.yaml:3:3: error: the spec of io.statefun.kafka.v1/ingress has no \"id\"; expected that key\n"
               "m.yaml:3:3: error: \"topic\" is not a key of the spec of io.statefun.kafka.v1/ingress; did you mean "
               "\"topics\"?\n"},
           row{head + "  topics: t\n", "m.yaml:5:11: error: \"topics\" of the spec of io.statefun.kafka.v1/ingress is "
                                       "\"t\"; expected a list\n"},
           row{head + "  topics: []\n",
               "m.yaml:5:11: error: \"topics\" is an empty list; expected at least one topic\n"},
           row{head + "  topics: [t]\n", "m.yaml:5:12: error: a topic is \"t\"; expected a map\n"},
           row{head + "  topics:\n    - {topic: t, typeUrl: n/T, targets: [n/f]}\n",
               "m.yaml:6:7: error: a topic has no \"valueType\"; expected that key\n"
               "m.yaml:6:18: error: \"typeUrl\" is not a key of a topic; expected one of topic, valueType, targets\n"},
           row{head + "  topics:\n    - {topic: a b, valueType: T, targets: [f, 'n/*']}\n    - {topic: '', valueType: "
                      "n/T, targets: n/f}\n",
               "m.yaml:6:15: error: \"a b\" is no topic; expected letters, digits, '.', '_' and '-', at most 249\n"
               "m.yaml:6:31: error: \"valueType\" is not a type name: \"T\" has no '/'; expected <namespace>/<name>\n"
               "m.yaml:6:44: error: \"targets\" is not a function type: \"f\" has no '/'; expected "
               "<namespace>/<name>\n"
               "m.yaml:6:47: error: \"targets\" is not a function type: \"n/*\" has a '*' in it; expected "
               "<namespace>/<name>\n"
               "m.yaml:7:15: error: \"\" is no topic; expected letters, digits, '.', '_' and '-', at most 249\n"
               "m.yaml:7:44: error: \"targets\" of a topic is \"n/f\"; expected a list\n"},
           row{head + "  topics:\n    - {topic: t, valueType: n/T, targets: [n/f, n/f]}\n    - {topic: t, valueType: "
                      "n/T, targets: []}\n",
               "m.yaml:6:49: error: the target \"n/f\" is declared already at m.yaml:6:44; expected it once\n"
               "m.yaml:7:15: error: the topic \"t\" is declared already at m.yaml:6:15; expected it once\n"
               "m.yaml:7:43: error: \"targets\" is an empty list; expected at least one target\n"},
       }) {
    INFO(spec);
    CHECK(errors_of(in_document(spec)) == errors);
  }
  for (auto const& [more, errors] : std::array{
           row{"  consumerGroupId: ''\n",
               "m.yaml:6:20: error: \"consumerGroupId\" is empty; expected at least one character\n"},
           row{"  consumerGroupId: [g]\n", "m.yaml:6:20: error: \"consumerGroupId\" is a list; expected text\n"},
           row{"  autoOffsetResetPosition: none\n",
               "m.yaml:6:28: error: \"autoOffsetResetPosition\" is \"none\"; expected earliest or latest\n"},
           row{"  properties: [{auto.offset.reset: none}]\n",
               "m.yaml:6:36: error: \"auto.offset.reset\" is \"none\"; expected earliest or latest\n"},
           row{"  startupPosition: earliest\n",
               "m.yaml:6:20: error: the startup position is \"earliest\"; expected a map\n"},
           row{"  startupPosition: {}\n",
               "m.yaml:6:20: error: the startup position has no \"type\"; expected that key\n"},
           row{"  startupPosition: {type: newest, offsets: []}\n",
               "m.yaml:6:27: error: \"type\" is \"newest\"; expected group-offsets, earliest, latest, specific-offsets "
               "or "
               "date\n"},
           row{"  startupPosition: {type: earliest, offset: 1}\n",
               "m.yaml:6:37: error: \"offset\" is not a key of the startup position; expected type\n"},
           row{"  startupPosition: {type: group-offsets}\n",
               "m.yaml:6:27: error: the startup position is group-offsets, and the ingress has no consumerGroupId; "
               "expected one\n"},
           row{"  startupPosition: {type: specific-offsets}\n",
               "m.yaml:6:20: error: the startup position has no \"offsets\"; expected that key\n"},
           row{"  startupPosition: {type: specific-offsets, offsets: []}\n",
               "m.yaml:6:54: error: \"offsets\" is an empty list; expected at least one partition\n"},
           row{"  startupPosition: {type: specific-offsets, offsets: {t/0: 1}}\n",
               "m.yaml:6:54: error: \"offsets\" of the startup position is a map; expected a list\n"},
           row{"  startupPosition:\n    type: specific-offsets\n    offsets: [{t/0: 1}, {t/0: 2}, {u/0: 3}, {t: 4}, "
               "{t/-1: 5}, {t/2147483648: 6}, {t/1: -1}, {t/2: x}, t/3, {}]\n",
               "m.yaml:8:26: error: the partition \"t/0\" is declared already at m.yaml:8:16; expected it once\n"
               "m.yaml:8:46: error: \"t\" is no partition; expected <topic>/<number>, as in orders/0\n"
               "m.yaml:8:54: error: \"t/-1\" is no partition; expected <topic>/<number>, as in orders/0\n"
               "m.yaml:8:65: error: \"t/2147483648\" is no partition; expected <topic>/<number>, as in orders/0\n"
               "m.yaml:8:89: error: \"t/1\" is \"-1\"; expected an offset of 0 or more\n"
               "m.yaml:8:100: error: \"t/2\" is \"x\"; expected a whole number\n"
               "m.yaml:8:104: error: an offset is text; expected a map of one key, as in \"orders/0: 91\"\n"
               "m.yaml:8:109: error: an offset is a map of 0 keys; expected a map of one key, as in \"orders/0: "
               "91\"\n"},
           row{"  startupPosition: {type: specific-offsets, offsets: [u/0: 3]}\n",
               "m.yaml:6:55: error: \"u\" is not among the topics; expected one of them\n"},
           row{"  startupPosition: {type: group-offsets}\n  consumerGroupId: []\n",
               "m.yaml:7:20: error: \"consumerGroupId\" is a list; expected text\n"},
           row{"  startupPosition: {type: earliest, offsets: [t/0: 1], date: now}\n",
               "m.yaml:6:37: error: \"offsets\" belongs to type specific-offsets; leave it out, or write that type\n"
               "m.yaml:6:56: error: \"date\" belongs to type date; leave it out, or write that type\n"},
           row{"  startupPosition: {type: date}\n",
               "m.yaml:6:20: error: the startup position has no \"date\"; expected that key\n"},
           row{"  startupPosition: {type: date, date: yesterday}\n",
               "m.yaml:6:39: error: \"date\" is not a date: \"yesterday\"; expected one as in 2020-02-01 04:15:00.000 "
               "+0000\n"},
           row{"  properties: {acks: all}\n",
               "m.yaml:6:15: error: \"properties\" of the spec of io.statefun.kafka.v1/ingress is a map; expected a "
               "list\n"},
           row{"  properties:\n    - acks\n    - {a: 1, b: 2}\n    - c: []\n    - d:\n    - e: 1\n    - e: 2\n",
               "m.yaml:7:7: error: a property is text; expected a map of one key, as in \"acks: all\"\n"
               "m.yaml:8:7: error: a property is a map of 2 keys; expected a map of one key, as in \"acks: all\"\n"
               "m.yaml:9:10: error: \"c\" is a list; expected text\n"
               "m.yaml:10:7: error: \"d\" is nothing; expected text\n"
               "m.yaml:12:7: error: the property \"e\" is declared already at m.yaml:11:7; expected it once\n"},
       }) {
    INFO(more);
    CHECK(errors_of(ingress_with(more)) == errors);
  }
}

TEST_CASE("an address is of brokers with their ports") {
  for (std::string const address :
       {"", "broker", "broker:", ":9092", "broker:0", "broker:65536", "broker:x", "k:1,", "k:1 l:1", "k:1/", "k:01",
        "{function.name}:1", "u@k:1", "PLAINTEXT://broker:9092", "http://broker:9092"}) {
    INFO(address);
    CHECK(errors_of(out_document("  id: a/b\n  address: '" + address + "'\n")) ==
          "m.yaml:4:12: error: \"address\" is \"" + address +
              "\"; expected <host>:<port>, or several separated by commas\n");
  }
  CHECK(egress_of(out_document("  id: a/b\n  address: ' k:1 , [::1]:65535'\n")).address == " k:1 , [::1]:65535");
  CHECK(errors_of(out_document("  id: a/b\n  properties: [bootstrap.servers: broker]\n")) ==
        "m.yaml:4:35: error: \"bootstrap.servers\" is \"broker\"; expected <host>:<port>, or several separated by "
        "commas\n");
  CHECK(errors_of(out_document("  id: a/b\n  address: [broker:1]\n")) ==
        "m.yaml:4:12: error: \"address\" is a list; expected text\n");
}

TEST_CASE("a broken Kafka egress is told key by key") {
  struct row {
    char const* more;
    char const* errors;
  };
  for (auto const& [more, errors] : std::array{
           row{"  deliverySemantic: exactly-once\n",
               "m.yaml:5:21: error: the delivery semantic is \"exactly-once\"; expected a map\n"},
           row{"  deliverySemantic: {}\n",
               "m.yaml:5:21: error: the delivery semantic has no \"type\"; expected that key\n"},
           row{"  deliverySemantic: {type: at-most-once}\n",
               "m.yaml:5:28: error: \"type\" is \"at-most-once\"; expected none, at-least-once or exactly-once\n"},
           row{"  deliverySemantic: {type: exactly-once}\n",
               "m.yaml:5:21: error: the delivery semantic is exactly-once and has no \"transactionTimeout\"; expected "
               "that key\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeout: 0}\n",
               "m.yaml:5:62: error: \"transactionTimeout\" is \"0\"; expected more than 0\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeout: 1us}\n",
               "m.yaml:5:62: error: \"transactionTimeout\" is \"1us\"; expected whole milliseconds, at most "
               "2147483647\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeout: 25d}\n",
               "m.yaml:5:62: error: \"transactionTimeout\" is \"25d\"; expected whole milliseconds, at most "
               "2147483647\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeoutMillis: 1s}\n",
               "m.yaml:5:68: error: \"transactionTimeoutMillis\" is \"1s\"; expected a whole number\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeoutMillis: 0}\n",
               "m.yaml:5:68: error: \"transactionTimeoutMillis\" is \"0\"; expected a number from 1 to 2147483647\n"},
           row{"  deliverySemantic: {type: exactly-once, transactionTimeoutMillis: 1, transactionTimeout: 1s}\n",
               "m.yaml:5:68: error: \"transactionTimeoutMillis\" stands beside \"transactionTimeout\"; expected one of "
               "them\n"},
           row{"  deliverySemantic: {type: none, transactionTimout: 1s}\n",
               "m.yaml:5:34: error: \"transactionTimout\" is not a key of the delivery semantic; did you mean "
               "\"transactionTimeout\"?\n"},
           row{"  topics: [t]\n",
               "m.yaml:5:3: error: \"topics\" is not a key of the spec of io.statefun.kafka.v1/egress; expected one of "
               "properties, address, deliverySemantic, id\n"},
       }) {
    INFO(more);
    CHECK(errors_of(egress_with(more)) == errors);
  }
  CHECK(errors_of("kind: io.statefun.kafka.v1/egress\nspec: {id: b, address: 'k:1'}\n") ==
        "m.yaml:2:12: error: \"id\" is not an egress id: \"b\" has no '/'; expected <namespace>/<name>\n");
  CHECK(errors_of("kind: io.statefun.kafka.v1/ingress\n"
                  "spec: {id: b, address: 'k:1', topics: [{topic: t, valueType: n/T, targets: [n/f]}]}\n") ==
        "m.yaml:2:12: error: \"id\" is not an ingress id: \"b\" has no '/'; expected <namespace>/<name>\n");
  CHECK(errors_of(entry("2.0", "egresses", "egress", "statefun.kafka.io/generic-egress", "{id: a/b}")) ==
        "m.yaml:8:17: error: an egress's spec has no \"address\"; expected that key\n"
        "m.yaml:8:18: error: \"id\" is not a key of an egress's spec; expected one of properties, address, "
        "deliverySemantic\n");
}

TEST_CASE("a type of another generation is named, and its spec is read all the same") {
  CHECK(errors_of(entry("2.0", "egresses", "egress", "io.statefun.kafka/egress", "{address: k}")) ==
        "m.yaml:7:24: error: egress type \"io.statefun.kafka/egress\" belongs to format \"3.0\"; write "
        "statefun.kafka.io/generic-egress\n"
        "m.yaml:8:27: error: \"address\" is \"k\"; expected <host>:<port>, or several separated by commas\n");
  CHECK(errors_of(entry("3.0", "egresses", "egress", "statefun.kafka.io/generic-egress", "{address: 'k:1'}")) ==
        "m.yaml:7:24: error: egress type \"statefun.kafka.io/generic-egress\" belongs to formats \"1.0\" and \"2.0\"; "
        "write io.statefun.kafka/egress\n");
  CHECK(errors_of(entry("2.0", "ingresses", "ingress", "io.statefun.kafka/ingress",
                        "{address: 'k:1', topics: [{topic: t, valueType: n/T, targets: [n/f]}]}")) ==
        "m.yaml:7:24: error: ingress type \"io.statefun.kafka/ingress\" belongs to format \"3.0\"; write "
        "statefun.kafka.io/routable-protobuf-ingress\n");
  CHECK(errors_of("kind: io.statefun.kafka/egress\nspec: {}\n") ==
        "m.yaml:1:7: error: kind \"io.statefun.kafka/egress\" is unknown; did you mean "
        "\"io.statefun.kafka.v1/egress\"?\n");
}

TEST_CASE("an id is taken once among ingresses, and once among egresses of any kind") {
  auto const ingress = ingress_with("");
  CHECK(errors_of(ingress + "---\n" + ingress) ==
        "m.yaml:9:7: error: the ingress \"a/b\" is declared already at m.yaml:3:7; expected it once\n");
  CHECK(errors_of(egress_with("") + "---\nkind: statefund.egress.v1/queue\nspec: {id: a/b}\n") ==
        "m.yaml:7:12: error: the egress \"a/b\" is declared already at m.yaml:3:7; expected it once\n");
  auto const both = read(egress_with("") + "---\n" + ingress);
  CHECK(both.ingresses.size() == 1);
  CHECK(both.egresses.size() == 1);
}
