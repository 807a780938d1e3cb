// Kafka ingresses and egresses, in the spellings of all generations.
//
//   address: broker:9092
//   consumerGroupId: group
//   autoOffsetResetPosition: earliest | latest
//   startupPosition: {type: group-offsets | earliest | latest}
//                    {type: specific-offsets, offsets: [topic/0: 91]}
//                    {type: date, date: 2020-02-01 04:15:00.000 +0000}
//   properties: [name: value]
//   topics: [{topic: t, valueType: ns/name, targets: [ns/name]}]     format "3.0" and later
//   topics: [{topic: t, typeUrl: ns/name, targets: [ns/name]}]       statefun.kafka.io/routable-protobuf-ingress
//   topics: [t]                                                      statefun.kafka.io/protobuf-ingress, with
//   messageType: package.Message                                       the message that routers look into
//   descriptorSet: /path/messages.desc
//
//   address: broker:9092
//   deliverySemantic: {type: none | at-least-once | exactly-once, transactionTimeout: 15min}
//   deliverySemantic: {type: exactly-once, transactionTimeoutMillis: 900000}
//   properties: [name: value]

#include "module/component.hpp"
#include "module/date.hpp"
#include "module/number.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace statefund::module {
namespace {

constexpr std::array offset_resets{kafka_offset_reset::earliest, kafka_offset_reset::latest};
constexpr std::array starts{kafka_start::group_offsets, kafka_start::earliest, kafka_start::latest,
                            kafka_start::specific_offsets, kafka_start::date};
constexpr std::array deliveries{kafka_delivery::none, kafka_delivery::at_least_once, kafka_delivery::exactly_once};

constexpr std::size_t topic_bytes_max = 249; // Kafka's own limit

// A key with its value, or the property that stands for it.
struct setting {
  std::string key;
  text_at value;
};

// The one entry of a map; with more or fewer an error.
node::entry const* only_entry(node const& item, std::string const& what, std::string const& example,
                              error_list& errors) {
  if (item.kind == node_kind::map && item.entries.size() == 1)
    return &item.entries.front();
  std::string const found = item.kind != node_kind::map ? std::string(to_string(item.kind))
                                                        : "a map of " + std::to_string(item.entries.size()) + " keys";
  errors.add(item, what + " is " + found + "; expected a map of one key, as in \"" + example + '"');
  return nullptr;
}

std::vector<setting> read_properties(map_reader& spec) {
  error_list& errors = spec.errors();
  unique_names seen("the property", errors);
  std::vector<setting> out;
  for (node const* const item : spec.list("properties"))
    if (auto const* const entry = only_entry(*item, "a property", "acks: all", errors))
      if (auto const value = read_text(*entry->value, entry->key->text, errors);
          value && seen.add(entry->key->text, *entry->key))
        out.push_back({entry->key->text, *value});
  return out;
}

// What `key` says, else what the property says, which is taken out of `properties` in any case.
std::optional<setting> take_setting(map_reader& spec, std::string_view key, std::string_view property,
                                    std::vector<setting>& properties, presence needed = presence::optional) {
  auto const found =
      std::find_if(properties.begin(), properties.end(), [&](setting const& each) { return each.key == property; });
  std::optional<setting> out;
  if (found != properties.end()) {
    out = *found;
    properties.erase(found);
  }
  if (spec.has(key) || !out) {
    auto const value = spec.text(key, needed);
    return value ? std::optional(setting{std::string(key), *value}) : std::nullopt;
  }
  spec.accept(key);
  return out;
}

client_properties as_they_stand(std::vector<setting> const& properties) {
  client_properties out;
  for (auto const& each : properties)
    out.emplace_back(each.key, each.value.text);
  return out;
}

// A host that an endpoint could have, with its port.
bool is_broker(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  auto const read = parse_endpoint("http://" + std::string(text));
  return read && !read->has_placeholder() && read->url.target == "/" &&
         text.ends_with(':' + std::to_string(read->url.port));
}

std::string read_address(map_reader& spec, std::vector<setting>& properties) {
  auto const found = take_setting(spec, "address", "bootstrap.servers", properties, presence::required);
  if (!found)
    return {};
  for (std::string_view rest = found->value.text;;) {
    auto const comma = rest.find(',');
    if (!is_broker(rest.substr(0, comma))) {
      spec.errors().add(*found->value.at, quoted(found->key) + " is " + quoted(found->value.text) +
                                              "; expected <host>:<port>, or several separated by commas");
      break;
    }
    if (comma == std::string_view::npos)
      break;
    rest.remove_prefix(comma + 1);
  }
  return std::string(found->value.text);
}

bool is_topic(std::string_view text) {
  auto const is_character = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= topic_bytes_max && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), is_character);
}

void check_topic(text_at const& found, error_list& errors) {
  if (!is_topic(found.text))
    errors.add(*found.at, quoted(found.text) + " is no topic; expected letters, digits, '.', '_' and '-', at most " +
                              std::to_string(topic_bytes_max));
}

std::vector<message::function_type> read_targets(map_reader& topic) {
  std::vector<message::function_type> out;
  for (auto const& target : read_texts(topic, "targets", "target"))
    if (auto type = read_function_type(target, "targets", topic.errors()))
      out.push_back(std::move(*type));
  return out;
}

// `type_key` is how the generation spells the type of the values.
std::vector<kafka_topic> read_topics(map_reader& spec, std::string_view type_key) {
  error_list& errors = spec.errors();
  unique_names seen("the topic", errors);
  std::vector<kafka_topic> out;
  for (node const* const item : read_items(spec, "topics", "topic")) {
    auto topic = map_reader::open(*item, "a topic", errors);
    if (!topic)
      continue;
    kafka_topic made;
    if (auto const name = topic->text("topic", presence::required)) {
      check_topic(*name, errors);
      seen.add(name->text, *name->at);
      made.name = name->text;
    }
    if (auto const type = topic->text(type_key, presence::required))
      made.value_type = read_type_name(*type, type_key, errors).value_or("");
    made.targets = read_targets(*topic);
    topic->finish();
    out.push_back(std::move(made));
  }
  return out;
}

std::optional<kafka_offset> read_offset(node::entry const& entry, error_list& errors) {
  std::string_view const key = entry.key->text;
  auto const slash = key.rfind('/');
  auto const partition = slash == std::string_view::npos ? std::nullopt : whole_number(key.substr(slash + 1));
  if (!partition || *partition > std::numeric_limits<std::int32_t>::max()) {
    errors.add(*entry.key, quoted(key) + " is no partition; expected <topic>/<number>, as in orders/0");
    return std::nullopt;
  }
  auto const offset = read_integer(*entry.value, key, errors);
  if (offset && *offset < 0)
    errors.add(*entry.value, quoted(key) + " is " + quoted(entry.value->text) + "; expected an offset of 0 or more");
  return kafka_offset{std::string(key.substr(0, slash)), static_cast<std::int32_t>(*partition), offset.value_or(0)};
}

std::vector<kafka_offset> read_offsets(map_reader& position, std::vector<kafka_topic> const& topics) {
  error_list& errors = position.errors();
  unique_names seen("the partition", errors);
  std::vector<kafka_offset> out;
  for (node const* const item : read_items(position, "offsets", "partition")) {
    auto const* const entry = only_entry(*item, "an offset", "orders/0: 91", errors);
    auto read = entry ? read_offset(*entry, errors) : std::nullopt;
    if (!read)
      continue;
    auto const is_topic = [&](kafka_topic const& each) { return each.name == read->topic; };
    if (errors.empty() && std::none_of(topics.begin(), topics.end(), is_topic)) // else it may be one that is broken
      errors.add(*entry->key, quoted(read->topic) + " is not among the topics; expected one of them");
    seen.add(entry->key->text, *entry->key);
    out.push_back(std::move(*read));
  }
  return out;
}

kafka_startup read_startup(map_reader& spec, kafka_ingress_spec const& ingress) {
  kafka_startup out;
  auto position = spec.map("startupPosition", "the startup position");
  if (!position)
    return out;
  error_list& errors = spec.errors();
  auto const type = position->text("type", presence::required);
  auto const from = type ? read_choice(*type, "type", starts, errors) : std::nullopt;
  if (from)
    out.from = *from;
  if (from == kafka_start::group_offsets && !ingress.consumer_group_id && !spec.has("consumerGroupId"))
    errors.add(*type->at,
               "the startup position is group-offsets, and the ingress has no consumerGroupId; expected one");
  if (from == kafka_start::specific_offsets)
    out.offsets = read_offsets(*position, ingress.topics);
  else if (from)
    position->refuse("offsets", "belongs to type specific-offsets", "leave it out, or write that type");
  if (from == kafka_start::date) {
    if (auto const date = position->text("date", presence::required)) {
      auto const read = parse_date(date->text);
      if (read)
        out.date = *read;
      else
        errors.add(*date->at, "\"date\" is not a date: " + read.error().detail);
    }
  } else if (from) {
    position->refuse("date", "belongs to type date", "leave it out, or write that type");
  }
  if (from)
    position->finish();
  return out;
}

// What all ingresses have in common, once the topics are known.
void read_consumer(map_reader& spec, kafka_ingress_spec& into) {
  error_list& errors = spec.errors();
  auto properties = read_properties(spec);
  into.address = read_address(spec, properties);
  if (auto const group = take_setting(spec, "consumerGroupId", "group.id", properties)) {
    if (group->value.text.empty())
      errors.add(*group->value.at, quoted(group->key) + " is empty; expected at least one character");
    into.consumer_group_id = group->value.text;
  }
  if (auto const reset = take_setting(spec, "autoOffsetResetPosition", "auto.offset.reset", properties))
    into.offset_reset = read_choice(reset->value, reset->key, offset_resets, errors).value_or(into.offset_reset);
  into.startup = read_startup(spec, into);
  into.properties = as_they_stand(properties);
}

void read_typed_ingress(component& from, std::string_view type_key, specs& out) {
  kafka_ingress_spec made;
  made.topics = read_topics(from.spec, type_key);
  read_consumer(from.spec, made);
  declare_ingress(from, std::move(made), out);
}

// Only exactly-once has a use for it.
std::optional<std::chrono::milliseconds> read_transaction_timeout(map_reader& semantic) {
  constexpr std::string_view key = "transactionTimeout";
  constexpr std::string_view millis_key = "transactionTimeoutMillis";
  constexpr std::int64_t millis_max = std::numeric_limits<std::int32_t>::max(); // what a broker can be told
  auto const millis = read_number(semantic, millis_key, 1, millis_max);
  auto const timeout = read_positive_duration(semantic, key);
  if (semantic.has(key) && semantic.has(millis_key)) {
    semantic.errors().add(*semantic.self().find(millis_key),
                          quoted(millis_key) + " stands beside " + quoted(key) + "; expected one of them");
    return std::nullopt;
  }
  if (millis)
    return std::chrono::milliseconds(*millis);
  if (!timeout)
    return std::nullopt;
  auto const whole = std::chrono::duration_cast<std::chrono::milliseconds>(*timeout);
  if (whole == *timeout && whole.count() <= millis_max)
    return whole;
  node const& at = *semantic.self().find(key);
  semantic.errors().add(at, quoted(key) + " is " + quoted(at.text) + "; expected whole milliseconds, at most " +
                                std::to_string(millis_max));
  return std::nullopt;
}

void read_delivery(map_reader& spec, kafka_egress_spec& into) {
  auto semantic = spec.map("deliverySemantic", "the delivery semantic");
  if (!semantic)
    return;
  if (auto const type = semantic->text("type", presence::required))
    into.delivery = read_choice(*type, "type", deliveries, spec.errors()).value_or(into.delivery);
  auto const timeout = read_transaction_timeout(*semantic);
  semantic->finish();
  if (into.delivery != kafka_delivery::exactly_once)
    return;
  into.transaction_timeout = timeout;
  if (!semantic->has("transactionTimeout") && !semantic->has("transactionTimeoutMillis"))
    spec.errors().add(semantic->self(), "the delivery semantic is exactly-once and has no \"transactionTimeout\"; "
                                        "expected that key");
}

} // namespace

void read_kafka_ingress(component& from, specs& out) {
  read_typed_ingress(from, "valueType", out);
}

void read_kafka_routable_ingress(component& from, specs& out) {
  read_typed_ingress(from, "typeUrl", out);
}

void read_kafka_protobuf_ingress(component& from, specs& out) {
  kafka_ingress_spec made;
  made.routed = read_schema(from.spec);
  for (auto const& topic : read_texts(from.spec, "topics", "topic")) {
    check_topic(topic, from.spec.errors());
    made.topics.push_back({std::string(topic.text), "type.googleapis.com/" + made.routed->message_type, {}});
  }
  read_consumer(from.spec, made);
  declare_ingress(from, std::move(made), out);
}

void read_kafka_egress(component& from, specs& out) {
  kafka_egress_spec made;
  auto properties = read_properties(from.spec);
  made.address = read_address(from.spec, properties);
  made.properties = as_they_stand(properties);
  read_delivery(from.spec, made);
  declare_egress(from, std::move(made), out);
}

} // namespace statefund::module
