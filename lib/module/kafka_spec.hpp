#pragma once

#include "message/address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statefund::module {

// What modules declare of Kafka, the same for every format. Defaults are those of StateFun's KafkaIngressBuilder and
// KafkaEgressBuilder. `bootstrap.servers`, `group.id` and `auto.offset.reset` among the properties count where the key
// of their own is not given, and are not in `properties`.

// Configuration of the Kafka client, as it stands in the module; names are unique.
using client_properties = std::vector<std::pair<std::string, std::string>>;

// Where reading begins in a partition whose committed offset does not exist.
enum class kafka_offset_reset {
  earliest,
  latest,
};

std::string_view to_string(kafka_offset_reset value) noexcept; // as in the module

// Where reading begins.
enum class kafka_start {
  group_offsets,    // at the offsets that the consumer group has committed
  earliest,         // at the first record that there is
  latest,           // behind the last record that there is
  specific_offsets, // at `offsets`; partitions that are not among them as with group_offsets
  date,             // at the first record of that time or later
};

std::string_view to_string(kafka_start value) noexcept; // as in the module: "group-offsets"

struct kafka_offset {
  std::string topic;
  std::int32_t partition = 0; // >= 0
  std::int64_t offset = 0;    // >= 0

  bool operator==(kafka_offset const&) const = default;
};

struct kafka_startup {
  kafka_start from = kafka_start::latest;
  std::vector<kafka_offset> offsets;                       // of specific_offsets; at least one, partitions are unique
  std::chrono::sys_time<std::chrono::milliseconds> date{}; // of date

  bool operator==(kafka_startup const&) const = default;
};

struct kafka_topic {
  std::string name;
  std::string value_type;                      // of what the functions get: the type name, or the type_url of the Any
  std::vector<message::function_type> targets; // each gets every record, at the id that is its key; unique

  bool operator==(kafka_topic const&) const = default;
};

// How a protobuf message is read whose fields are looked into.
struct message_schema {
  std::string message_type;   // the message's full name
  std::string descriptor_set; // absolute path of a serialized FileDescriptorSet

  bool operator==(message_schema const&) const = default;
};

struct kafka_ingress_spec {
  std::string address;                          // <host>:<port>, several separated by commas
  std::optional<std::string> consumer_group_id; // not absent if startup is from group_offsets
  kafka_offset_reset offset_reset = kafka_offset_reset::latest;
  kafka_startup startup;
  std::vector<kafka_topic> topics; // at least one; names are unique
  // Where records are protobuf messages that routers look into; topics have no targets then.
  std::optional<message_schema> routed;
  client_properties properties;

  bool operator==(kafka_ingress_spec const&) const = default;
};

enum class kafka_delivery {
  none,          // records may be lost and may be written twice
  at_least_once, // records may be written twice
  exactly_once,  // records are written in transactions
};

std::string_view to_string(kafka_delivery value) noexcept; // as in the module: "at-least-once"

struct kafka_egress_spec {
  std::string address; // <host>:<port>, several separated by commas
  kafka_delivery delivery = kafka_delivery::at_least_once;
  std::optional<std::chrono::milliseconds> transaction_timeout; // > 0; of exactly_once alone, and never absent there
  client_properties properties;

  bool operator==(kafka_egress_spec const&) const = default;
};

} // namespace statefund::module
