#include "daemon/open_store.hpp"

#include "module/duration.hpp"
#include "store/memory_store.hpp"
#include "store/rocks_store.hpp"

#include <utility>

namespace statefund::daemon {

result<std::unique_ptr<store::store>> open_store(settings const& chosen, std::function<void(error const&)> lost,
                                                 store::tell_opening tell) {
  if (chosen.store.kind == store_kind::memory) {
    store::memory_store_options options;
    options.keys_max = chosen.limits.idempotency_keys_max;
    return std::unique_ptr<store::store>(std::make_unique<store::memory_store>(options));
  }
  store::rocks_store_options options;
  options.database.directory = chosen.store.path;
  options.database.accept_loss = chosen.store.accept_loss;
  options.database.tell = std::move(tell);
  options.sync = {chosen.store.sync, chosen.store.sync_interval};
  options.free_bytes_min = chosen.store.free_bytes_min;
  options.keys_max = chosen.limits.idempotency_keys_max;
  auto opened = store::rocks_store::open(options, std::move(lost));
  if (!opened)
    return opened.error();
  return std::unique_ptr<store::store>(std::move(*opened));
}

number number_of(error const& of_store) noexcept {
  if (of_store.code == store::errc::promise_broken)
    return number::store_promise_broken;
  if (of_store.code == store::errc::row_damaged)
    return number::store_damaged;
  if (of_store.code == store::errc::lost)
    return number::store_lost;
  return number::store_not_opened;
}

std::string what_may_be_lost(settings const& chosen) {
  if (chosen.store.kind == store_kind::memory)
    return "everything, at every stop";
  if (chosen.store.sync == store::sync_mode::interval)
    return "what was answered within " + module::to_text(chosen.store.sync_interval) + " before a power loss";
  if (chosen.store.sync == store::sync_mode::never)
    return "what the system had not written to the disk by itself before a power loss";
  return {};
}

} // namespace statefund::daemon
