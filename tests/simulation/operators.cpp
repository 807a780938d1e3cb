#include "simulation/world.hpp"

namespace statefund::simulation {

namespace asio = boost::asio;

asio::awaitable<void> world::carry_out(asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb) {
  auto const process = process_;
  auto const told = co_await std::move(verb);
  if (process != process_ || dead_ || !told)
    co_return;
  traced(10, told->index());
}

void world::operate(std::uint32_t chance) {
  if (!is_open())
    return;
  auto& by = *connections_[below(connections_count)];
  auto const type = message::function_type{"sim", std::string(kinds[chance / 8 % kinds.size()].name)};
  // Somebody who has messages, if there is one.
  auto address = chance / 64 % static_cast<std::uint32_t>(run_.addresses_count());
  for (std::size_t i = 0; i < run_.addresses_count() && model_.mailbox(address).empty(); ++i)
    address = (address + 1) % static_cast<std::uint32_t>(run_.addresses_count());
  auto const& self = addresses_[address];
  switch (chance % 8) {
  case 0:
    return by.start(carry_out(all_->pause(type, "looked at")));
  case 1:
    return by.start(carry_out(all_->resume(type)));
  case 2:
  case 3:
    if (model_.mailbox(address).empty())
      return;
    model_.may_skip(address, model_.mailbox(address).begin()->first);
    return by.start(carry_out(all_->skip(self, model_.mailbox(address).begin()->first)));
  case 4:
    return by.start(carry_out(all_->resume(self)));
  default:
    return by.start(carry_out(all_->pause(self, "looked at")));
  }
}

void world::resume_everything() {
  for (auto const address : model_.paused())
    outside_->start(carry_out(all_->resume(addresses_[address])));
  for (auto const& name : model_.paused_types())
    outside_->start(carry_out(all_->resume(message::function_type{"sim", name})));
}

} // namespace statefund::simulation
