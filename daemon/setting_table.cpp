#include "daemon/setting_table.hpp"

#include "module/diagnostic.hpp"
#include "module/duration.hpp"
#include "module/size.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace statefund::daemon {

namespace {

std::string expected_instead(std::string_view found, std::string_view expected) {
  return "is " + module::quoted(found) + "; expected " + std::string(expected);
}

template <std::unsigned_integral Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  Number value = 0;
  char const* const end = text.data() + text.size();
  auto const [stop, failure] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || failure != std::errc{} || stop != end)
    return {};
  return value;
}

// How each kind of value is read from a text and written to YAML.

struct any_text {
  fault read(std::string const& text, std::string& into) const {
    into = text;
    return {};
  }
  std::string yaml(std::string const& value) const { return yaml_text(value); }
};

struct path_name {
  fault read(std::string const& text, std::filesystem::path& into) const {
    if (text.empty() || text.find('\0') != std::string::npos)
      return expected_instead(text, "a path");
    into = text;
    return {};
  }
  std::string yaml(std::filesystem::path const& value) const { return yaml_text(value.string()); }
};

struct socket_path : path_name {
  static constexpr std::size_t bytes_max = 107; // sockaddr_un::sun_path with its end
  fault read(std::string const& text, std::filesystem::path& into) const {
    if (text.size() > bytes_max)
      return expected_instead(text, "a path of at most 107 bytes, the longest that a unix socket can have");
    return path_name::read(text, into);
  }
};

struct access_mode {
  fault read(std::string const& text, mode_t& into) const {
    auto const mode = number_of<mode_t>(text, 8);
    if (!mode || text.size() < 3 || text.size() > 4 || *mode > 0777)
      return expected_instead(text, "the octal digits of a file mode, as in \"0660\"");
    into = *mode;
    return {};
  }
  std::string yaml(mode_t value) const {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "\"%04o\"", static_cast<unsigned>(value));
    return digits.data();
  }
};

struct count {
  std::uint64_t min = 1;
  std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  fault read(std::string const& text, std::uint64_t& into) const {
    auto const value = number_of<std::uint64_t>(text);
    if (!value || *value < min || *value > max)
      return expected_instead(text, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    into = *value;
    return {};
  }
  std::string yaml(std::uint64_t value) const { return std::to_string(value); }
};

struct size {
  std::uint64_t min = 1;
  std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  fault read(std::string const& text, std::uint64_t& into) const {
    auto const value = module::parse_size(text);
    if (!value)
      return "is not a size: " + value.error().detail;
    if (*value < min || *value > max)
      return expected_instead(text, "a size from " + module::size_to_text(min) + " to " +
                                        (max == size{}.max ? "8388607TiB" : module::size_to_text(max)));
    into = *value;
    return {};
  }
  std::string yaml(std::uint64_t value) const { return module::size_to_text(value); }
};

struct duration {
  std::chrono::nanoseconds min = std::chrono::nanoseconds::zero();
  fault read(std::string const& text, std::chrono::nanoseconds& into) const {
    auto const value = module::parse_duration(text);
    if (!value)
      return "is not a duration: " + value.error().detail;
    if (*value < min)
      return expected_instead(text, "at least " + module::to_text(min));
    into = *value;
    return {};
  }
  std::string yaml(std::chrono::nanoseconds value) const { return module::to_text(value); }
};

template <class Value>
struct choice {
  std::vector<std::pair<std::string_view, Value>> names;
  fault read(std::string const& text, Value& into) const {
    std::string expected;
    for (auto const& [name, value] : names) {
      if (name == text) {
        into = value;
        return {};
      }
      expected.append(expected.empty() ? "" : name == names.back().first ? " or " : ", ").append(name);
    }
    return expected_instead(text, expected);
  }
  std::string yaml(Value value) const {
    for (auto const& [name, known] : names)
      if (known == value)
        return std::string(name);
    return {};
  }
};

struct shard_count {
  static constexpr unsigned max = 256; // partitions at creation: a shard beyond that would own none
  fault read(std::string const& text, std::optional<unsigned>& into) const {
    auto const value = number_of<unsigned>(text);
    if (text != "auto" && (!value || *value < 1 || *value > max))
      return expected_instead(text, "auto or a whole number from 1 to 256");
    into = value;
    return {};
  }
  std::string yaml(std::optional<unsigned> const& value) const { return value ? std::to_string(*value) : "auto"; }
};

struct order_number {
  fault read(std::string const& text, std::optional<std::uint64_t>& into) const {
    auto const value = number_of<std::uint64_t>(text);
    if (!text.empty() && !value)
      return expected_instead(text, "the number that the store's refusal names, or nothing");
    into = value;
    return {};
  }
  std::string yaml(std::optional<std::uint64_t> const& value) const {
    return value ? std::to_string(*value) : std::string("\"\"");
  }
};

struct host_and_port {
  fault read(std::string const& text, std::string& into) const {
    std::string_view const whole = text;
    std::size_t const colon = whole.rfind(':');
    auto const host = whole.substr(0, std::min(colon, whole.size()));
    auto const port =
        colon == std::string_view::npos ? std::nullopt : number_of<std::uint16_t>(whole.substr(colon + 1));
    bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    bool const usable = !host.empty() && (bracketed || host.find_first_of(":[]") == std::string_view::npos);
    if (!text.empty() && (!port || !usable))
      return expected_instead(text, "host:port, as in 127.0.0.1:9810 or [::1]:9810, or nothing");
    into = text;
    return {};
  }
  std::string yaml(std::string const& value) const { return yaml_text(value); }
};

// Places are generic lambdas from (const) settings to the member.
template <class Kind, class Place>
setting text(std::string path, Place place, Kind kind) {
  return {std::move(path), setting_shape::text,
          [place, kind](settings& into, std::span<std::string const> given) {
            return kind.read(given.front(), place(into));
          },
          [place, kind](settings const& from) {
            return std::vector<printed>{{"", kind.yaml(place(from))}};
          }};
}

template <class Value, class Place>
setting one_of(std::string path, Place place, std::vector<std::pair<std::string_view, Value>> names) {
  return text(std::move(path), place, choice<Value>{std::move(names)});
}

fault read_uids(settings& into, std::span<std::string const> given) {
  std::vector<uid_t> uids;
  for (std::string const& each : given) {
    auto const uid = number_of<uid_t>(each);
    if (!uid || *uid == std::numeric_limits<uid_t>::max())
      return "holds " + module::quoted(each) + "; expected uids, which are whole numbers";
    uids.push_back(*uid);
  }
  into.ingress.allow_uids = std::move(uids);
  return {};
}

std::vector<printed> print_uids(settings const& from) {
  std::string list;
  for (uid_t const uid : from.ingress.allow_uids)
    list.append(list.empty() ? "" : ", ").append(std::to_string(uid));
  return {{"", "[" + list + "]"}};
}

fault read_global_config(settings& into, std::span<std::string const> given) {
  into.global_config.insert_or_assign(given[0], given[1]);
  return {};
}

std::vector<printed> print_global_config(settings const& from) {
  std::vector<printed> entries;
  entries.reserve(from.global_config.size());
  for (auto const& [key, value] : from.global_config)
    entries.push_back({key, yaml_text(value)});
  return entries;
}

// Enumerations of two that a file writes as true or false.
template <class Value>
std::vector<std::pair<std::string_view, Value>> yes_or_no(Value yes, Value no) {
  return {{"true", yes}, {"false", no}};
}

std::vector<setting> make_table() {
  using namespace std::chrono_literals;
  constexpr std::uint64_t gibibyte = 1ULL << 30;
  return {
      text(
          "modules", [](auto& s) -> auto& { return s.modules; }, path_name{}),

      text(
          "ingress.socket", [](auto& s) -> auto& { return s.ingress.socket; }, socket_path{}),
      text(
          "ingress.mode", [](auto& s) -> auto& { return s.ingress.mode; }, access_mode{}),
      text(
          "ingress.group", [](auto& s) -> auto& { return s.ingress.group; }, any_text{}),
      {"ingress.allow_uids", setting_shape::list, read_uids, print_uids},
      text(
          "ingress.connections_max", [](auto& s) -> auto& { return s.ingress.connections_max; }, count{}),
      text(
          "ingress.message_bytes_max", [](auto& s) -> auto& { return s.ingress.message_bytes_max; }, size{1, gibibyte}),
      text(
          "ingress.wait_max", [](auto& s) -> auto& { return s.ingress.wait_max; }, duration{}),

      text(
          "admin.socket", [](auto& s) -> auto& { return s.admin.socket; }, socket_path{}),
      text(
          "admin.mode", [](auto& s) -> auto& { return s.admin.mode; }, access_mode{}),
      text(
          "admin.group", [](auto& s) -> auto& { return s.admin.group; }, any_text{}),
      text(
          "admin.listen", [](auto& s) -> auto& { return s.admin.listen; }, host_and_port{}),
      one_of(
          "admin.actions", [](auto& s) -> auto& { return s.admin.actions; },
          yes_or_no(admin_actions::allowed, admin_actions::refused)),

      one_of<store_kind>("store.kind", [](auto& s) -> auto& { return s.store.kind; },
                         {{"memory", store_kind::memory}, {"rocksdb", store_kind::rocksdb}}),
      text(
          "store.path", [](auto& s) -> auto& { return s.store.path; }, path_name{}),
      one_of<store::sync_mode>("store.sync", [](auto& s) -> auto& { return s.store.sync; },
                               {{"always", store::sync_mode::always},
                                {"interval", store::sync_mode::interval},
                                {"never", store::sync_mode::never}}),
      text(
          "store.sync_interval", [](auto& s) -> auto& { return s.store.sync_interval; }, duration{1ms}),
      text(
          "store.free_bytes_min", [](auto& s) -> auto& { return s.store.free_bytes_min; }, size{0}),
      text(
          "store.idempotency_window", [](auto& s) -> auto& { return s.store.idempotency_window; }, duration{1s}),
      text(
          "store.accept_loss", [](auto& s) -> auto& { return s.store.accept_loss; }, order_number{}),

      text(
          "shards", [](auto& s) -> auto& { return s.shards; }, shard_count{}),

      text(
          "limits.buffered_bytes_max", [](auto& s) -> auto& { return s.limits.buffered_bytes_max; }, size{}),
      text(
          "limits.unsynced_bytes_max", [](auto& s) -> auto& { return s.limits.unsynced_bytes_max; }, size{}),
      text(
          "limits.waiting_addresses_max", [](auto& s) -> auto& { return s.limits.waiting_addresses_max; }, count{}),
      text(
          "limits.delayed_max", [](auto& s) -> auto& { return s.limits.delayed_max; }, count{0}),
      text(
          "limits.idempotency_keys_max", [](auto& s) -> auto& { return s.limits.idempotency_keys_max; }, count{}),
      text(
          "limits.states_max", [](auto& s) -> auto& { return s.limits.states_max; }, count{}),
      text(
          "limits.calls_in_flight_max", [](auto& s) -> auto& { return s.limits.calls_in_flight_max; }, count{}),
      text(
          "limits.egress_queue_bytes_max", [](auto& s) -> auto& { return s.limits.egress_queue_bytes_max; }, size{}),
      text(
          "limits.egress_queues_max", [](auto& s) -> auto& { return s.limits.egress_queues_max; }, count{}),
      text(
          "limits.unbound_bytes_max", [](auto& s) -> auto& { return s.limits.unbound_bytes_max; }, size{0}),
      text(
          "limits.function_types_max", [](auto& s) -> auto& { return s.limits.function_types_max; }, count{}),

      one_of(
          "start_paused", [](auto& s) -> auto& { return s.starting; }, yes_or_no(start::paused, start::serving)),

      text(
          "embedded.directory", [](auto& s) -> auto& { return s.embedded.directory; }, path_name{}),

      text(
          "drain_timeout", [](auto& s) -> auto& { return s.drain_timeout; }, duration{}),

      one_of<log::level>("log.level", [](auto& s) -> auto& { return s.log.level; },
                         {{"debug", log::level::debug},
                          {"info", log::level::info},
                          {"warning", log::level::warning},
                          {"error", log::level::error}}),
      one_of<log::format>("log.format", [](auto& s) -> auto& { return s.log.format; },
                          {{"auto", log::format::automatic}, {"text", log::format::text}, {"json", log::format::json}}),

      {"module.global-config", setting_shape::map, read_global_config, print_global_config},
  };
}

} // namespace

std::string yaml_text(std::string_view text) {
  auto const plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '/' || letter == '.' || letter == '_' || letter == '-';
  };
  bool const is_null = text == "null" || text == "Null" || text == "NULL";
  if (!text.empty() && !is_null && text.front() != '-' && std::all_of(text.begin(), text.end(), plain))
    return std::string(text);
  std::string quoted = "\"";
  for (char const letter : text) {
    if (letter == '"' || letter == '\\')
      quoted.append({'\\', letter});
    else if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(letter));
      quoted += escape.data();
    } else
      quoted += letter;
  }
  return quoted += '"';
}

std::vector<setting> const& setting_table() {
  static std::vector<setting> const table = make_table();
  return table;
}

} // namespace statefund::daemon
