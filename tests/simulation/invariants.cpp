#include "simulation/modules.hpp"
#include "simulation/world.hpp"

#include <algorithm>

namespace statefund::simulation {

namespace asio = boost::asio;
using support::mistake;

std::optional<store::short_of_space> world::lacks_space() const {
  if (clock::steady::now() >= disk_full_until_)
    return std::nullopt;
  return store::short_of_space{0, 1000};
}

void world::will_order(message::change const& whole) {
  if (dead_)
    return;
  check(!starts_ || planted_ == mistake::doors_before_load, "something is ordered before all is loaded");
  for (auto const& record : whole.egress_records) {
    auto const account = store_->find_account(record.egress);
    check(!account || account->bytes < run_.egress_bytes_max, "an egress holds more than its mark");
  }
  // Messages weigh more than all that one of them may differ by from another one.
  check(!lacks_space() || whole.messages.size() + whole.delayed_set.size() <=
                              whole.consumed.size() + whole.delayed_gone.size() + whole.dead_letters_gone.size(),
        "more is sent than consumed on a disk that is almost full");
  if (!whole.consumed.empty() || !whole.delayed_gone.empty() || whole.departed || whole.pause ||
      !whole.dead_letters_gone.empty())
    return;
  // From outside: through a door.
  if (!whole.delayed_set.empty())
    check(model_.delayed().size() < run_.delayed_max, "more delayed messages are accepted than limits.delayed_max");
  if (whole.messages.empty())
    return;
  std::size_t from_outside_count = 0;
  for (auto const& [key, one] : model_.mailbox(number_of(whole.self)))
    from_outside_count += one.sender ? 0 : 1;
  // What waits, and one batch that is out.
  check(from_outside_count < 2 * batch_messages_max, "a mailbox takes more from outside than its mark");
  check(static_cast<std::uint64_t>(all_->counts().buffered_bytes) < run_.buffered_bytes_max,
        "more is accepted than limits.buffered_bytes_max");
}

void world::has_ordered(message::change const& whole, std::uint64_t number) {
  if (dead_)
    return;
  traced(7, number, whole.consumed.size(), whole.messages.size(), whole.delayed_set.size());
  letters_count_ += whole.dead_letters.size();
  auto const letters = store_->dead_letters().count < run_.dead_letters_max ? trials::room::enough : trials::room::none;
  if (auto found = model_.take(whole, number, clock::unix_ms(), letters); !found.empty())
    wrong(std::move(found));
}

std::string world::where_it_stands() const {
  std::string text;
  for (std::uint32_t i = 0; i < run_.addresses_count(); ++i) {
    auto const& waits = model_.mailbox(i);
    if (waits.empty())
      continue;
    text += "  " + to_text(run_.address(i)) + (in_flight_[i] ? ", in flight" : "") + ", waiting:";
    for (auto const& [key, one] : waits)
      text += " m" + std::to_string(one.message) + (failures_left_[one.message] > 0 ? " (fails)" : "");
    text += "\n";
  }
  for (auto const& [key, one] : model_.delayed())
    text += "  m" + std::to_string(one.message) + " of " + to_text(run_.address(one.owner)) + " is pending, due in " +
            std::to_string(one.due_ms - clock::unix_ms()) + " ms\n";
  for (std::uint32_t i = 0; i < sent_.size(); ++i)
    if (sent_[i].comes_in && !sent_[i].accepted && (sent_[i].keyed || !sent_[i].unknown) && sent_[i].under_way)
      text += "  m" + std::to_string(i) + " has no answer\n";
  for (std::size_t egress = 0; egress < egresses_count; ++egress)
    text += "  " + to_text(egress_id_of(egress)) + ": " + std::to_string(readers_[egress].seen.size()) + " of " +
            std::to_string(model_.records(egress).size()) + " records were read\n";
  return text + (started_ ? "" : "  it has not started\n") + (store_lost_ ? "  the store is lost\n" : "");
}

namespace {

asio::awaitable<void> read_states(store::store& from, message::address self, std::string& into) {
  message::state_specs wanted;
  for (std::size_t i = 0; i < states_count; ++i)
    wanted.push_back({state_name(i), "n", {}});
  auto const values = co_await from.read(self, wanted);
  for (auto const& one : *values)
    into += (one ? one->value.bytes : "") + ";";
}

} // namespace

void world::compare() {
  check(all_->counts().pending_messages_count == 0, "messages are counted that are not there");
  check(all_->counts().buffered_bytes == 0, "bytes are counted that are not there");
  check(all_->counts().delayed_count == 0, "delayed messages are counted that are not there");
  check(all_->counts().delayed_far_count == 0, "far delayed messages are counted that are not there");
  check(store_->dead_letters().count == 0, "dead letters are counted that are not there");
  for (std::uint32_t i = 0; i < sent_.size(); ++i) {
    auto const& own = sent_[i];
    if (own.comes_in && own.accepted && !model_.took_effect(i) && !model_.was_let_go(i))
      wrong("m" + std::to_string(i) + " was acknowledged and took no effect");
    if (own.comes_in && own.refused && !own.unknown && !own.accepted && model_.ordered(i) != 0)
      wrong("m" + std::to_string(i) + " was refused and took effect");
  }
  for (std::uint32_t i = 0; i < run_.addresses_count() && ok(); ++i) {
    std::string wanted;
    bool any = false;
    for (auto const& one : model_.states(i)) {
      wanted += (one ? std::to_string(one->value) : "") + ";";
      any = any || one;
    }
    if (!any && i % 8 != 0)
      continue; // of those without states some are enough
    std::string has;
    outside_->start(read_states(*store_, addresses_[i], has));
    while (outside_->running_count() > 0 && has.empty()) {
      poll_all();
      late_.release_all();
    }
    for (int k = 0; k < 3; ++k)
      poll_all();
    if (has != wanted)
      wrong("the states of " + to_text(addresses_[i]) + " are " + has + ", not " + wanted);
  }
}

} // namespace statefund::simulation
