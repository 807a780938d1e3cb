#include "dispatch/load_kept.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;

asio::awaitable<result<std::vector<store::kept_pause>>> load_kept(shard_data& data) {
  std::vector<store::kept_pause> of_types;
  auto const shards_count = static_cast<std::uint32_t>(data.place.shards_count);
  for (auto partition = static_cast<std::uint32_t>(data.place.shard); partition < data.place.partition_count;
       partition += shards_count)
    for (std::optional<std::string> from{""}; from;) {
      auto part = co_await data.store.recover(partition, *from);
      if (!part)
        co_return part.error();
      for (auto& one : part->messages)
        data.delivered.loaded(ordered_message{one.key, std::move(one.envelope)});
      for (auto& one : part->pauses)
        if (one.self.id.empty())
          of_types.push_back(std::move(one));
        else
          data.delivered.loaded(one.self, std::move(one.why));
      from = std::move(part->next);
    }
  co_return of_types;
}

} // namespace statefund::dispatch
