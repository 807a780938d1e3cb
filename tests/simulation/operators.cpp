#include "simulation/world.hpp"

#include <algorithm>

namespace statefund::simulation {

namespace asio = boost::asio;

asio::awaitable<void> world::carry_out(asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb) {
  auto const process = process_;
  auto const told = co_await std::move(verb);
  if (process != process_ || dead_ || !told)
    co_return;
  traced(10, told->index());
}

asio::awaitable<void> world::carry_out(message::entry_key letter,
                                       asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb) {
  auto const process = process_;
  auto const told = co_await std::move(verb);
  if (process != process_ || dead_ || !told)
    co_return;
  traced(11, letter.number, told->index());
  if (std::holds_alternative<dispatch::acted>(*told))
    check(letters_gone_.insert(letter).second, "a dead letter is replayed or dropped twice");
}

asio::awaitable<void> world::replay_all() {
  store::dead_letter_filter const all;
  auto const process = process_;
  auto const told = co_await all_->replay_all(all);
  if (process == process_ && !dead_ && told)
    traced(12, told->replayed_count, told->left_count);
}

// Any that was ever seen: whatever is asked of it twice happens once.
void world::see_to_letters(std::uint32_t chance) {
  for (auto const& [key, one] : model_.letters())
    if (std::find(letters_seen_.begin(), letters_seen_.end(), key) == letters_seen_.end())
      letters_seen_.push_back(key);
  if (letters_seen_.empty())
    return;
  auto& by = *connections_[below(connections_count)];
  auto const key = letters_seen_[chance / 4 % letters_seen_.size()];
  switch (chance % 4) {
  case 0:
    model_.may_drop(key);
    return by.start(carry_out(key, all_->drop(key)));
  case 1:
    return by.start(replay_all());
  default:
    return by.start(carry_out(key, all_->replay(key)));
  }
}

void world::heal(std::uint32_t address) {
  for (auto const& [key, one] : model_.mailbox(address))
    failures_left_[one.message] = 0;
}

void world::operate(std::uint32_t chance) {
  if (!is_open())
    return;
  auto& by = *connections_[below(connections_count)];
  auto const type = message::function_type{"sim", std::string(kinds[chance / 16 % kinds.size()].name)};
  // Somebody who has messages, if there is one.
  auto address = chance / 64 % static_cast<std::uint32_t>(run_.addresses_count());
  for (std::size_t i = 0; i < run_.addresses_count() && model_.mailbox(address).empty(); ++i)
    address = (address + 1) % static_cast<std::uint32_t>(run_.addresses_count());
  if (run_.is_probed(address))
    return;
  auto const& self = addresses_[address];
  switch (chance % 16) {
  case 0:
    return by.start(carry_out(all_->pause(type, "looked at")));
  case 1:
  case 2:
    return by.start(carry_out(all_->resume(type)));
  case 3:
  case 4:
    if (model_.mailbox(address).empty())
      return;
    model_.may_skip(address, model_.mailbox(address).begin()->first);
    return by.start(carry_out(all_->skip(self, model_.mailbox(address).begin()->first)));
  case 5:
  case 6:
    heal(address);
    return by.start(carry_out(all_->resume(self)));
  case 7:
    return by.start(carry_out(all_->resume(self)));
  case 8:
  case 9:
  case 10:
  case 11:
    return see_to_letters(chance / 16);
  default:
    return by.start(carry_out(all_->pause(self, "looked at")));
  }
}

// Whoever waits for the success of others is not among those that the store has as paused.
void world::resume_everything() {
  for (std::uint32_t address = 0; address < run_.addresses_count(); ++address)
    if (model_.paused().contains(address) || !model_.mailbox(address).empty())
      outside_->start(carry_out(all_->resume(addresses_[address])));
  for (auto const& name : model_.paused_types())
    outside_->start(carry_out(all_->resume(message::function_type{"sim", name})));
  if (!model_.letters().empty())
    outside_->start(replay_all());
}

} // namespace statefund::simulation
