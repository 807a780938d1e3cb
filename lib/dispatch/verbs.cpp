#include "dispatch/verbs.hpp"

#include "clock/clock.hpp"
#include "dispatch/refill.hpp"
#include "log/log.hpp"
#include "task/event.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using message::pause_cause;

namespace {

constexpr log::logger logger{"dispatch"};

std::string name_of(store::dead_letter_id const& id) {
  return "the dead letter " + to_text(id.key) + " of " + to_text(id.self);
}

} // namespace

asio::awaitable<verb_receipt> verbs::at_rest(message::address self, std::function<verb_receipt()> work) {
  auto const* const box = data_.mailboxes.find(self);
  if (!box || box->stands != mailbox::phase::in_flight)
    co_return work();
  struct outcome {
    std::optional<verb_receipt> told;
    task::event ended;
  };
  auto const waited_for = std::make_shared<outcome>(outcome{std::nullopt, task::event(data_.executor)});
  turns_.when_at_rest(self, [waited_for, work = std::move(work)] {
    waited_for->told = work();
    waited_for->ended.notify_all();
  });
  while (!waited_for->told) {
    auto const end = co_await waited_for->ended.wait(deadline::never());
    if (end == task::wait_end::cancelled && !waited_for->told)
      co_return refusal{number::not_accepting, "who asked has gone; it will be done once the call has ended", {}};
  }
  co_return *waited_for->told;
}

asio::awaitable<verb_receipt> verbs::pause(message::address self, std::string reason) {
  std::function<verb_receipt()> work = [this, self, reason = std::move(reason)] { return pause_now(self, reason); };
  co_return co_await at_rest(self, std::move(work));
}

asio::awaitable<verb_receipt> verbs::resume(message::address self) {
  std::function<verb_receipt()> work = [this, self] { return resume_now(self); };
  co_return co_await at_rest(self, std::move(work));
}

asio::awaitable<verb_receipt> verbs::skip(message::address self, message::entry_key head) {
  if (auto const* const box = data_.mailboxes.find(self); box && box->head_is_on_disk()) {
    auto const filled = co_await refill(data_, self);
    if (!filled)
      co_return refusal{number::not_accepting, "the store was lost", std::nullopt};
  }
  std::function<verb_receipt()> work = [this, self, head] { return skip_now(self, head); };
  co_return co_await at_rest(self, std::move(work));
}

verb_receipt verbs::pause_now(message::address const& self, std::string const& reason) {
  auto& box = data_.mailboxes.open(self);
  message::pause const why{pause_cause::by_operator, reason, clock::unix_ms()};
  message::change whole;
  whole.self = self;
  whole.pause = message::pause_row{why};
  auto const ordered = data_.store.commit(whole);
  bool const was_so = box.paused.has_value();
  turns_.pause(box, why);
  logger.info({number::operator_acted, "an operator has paused an address"},
              {{"address", to_text(self)}, {"reason", reason}, {"messages", box.waiting_count()}});
  return carried_out{ordered, was_so};
}

verb_receipt verbs::resume_now(message::address const& self) {
  auto* const box = data_.mailboxes.find(self);
  if (!box || !box->paused)
    return carried_out{{}, true};
  message::change whole;
  whole.self = self;
  whole.pause = message::pause_row{};
  auto const ordered = data_.store.commit(whole);
  logger.info({number::operator_acted, "an operator has resumed an address"},
              {{"address", to_text(self)}, {"paused_for", box->paused->reason}, {"messages", box->waiting_count()}});
  turns_.resume(*box);
  return carried_out{ordered};
}

verb_receipt verbs::skip_now(message::address const& self, message::entry_key const& head) {
  auto* const box = data_.mailboxes.find(self);
  bool const is_empty = !box || box->waiting_count() == 0;
  bool const is_read_on = !is_empty && box->head_is_on_disk(); // it was called meanwhile, and what was first is gone
  if (is_empty || is_read_on || box->head().key != head)
    return refusal{number::message_not_at_head,
                   "the message " + to_text(head) + " is not the first one of " + to_text(self) +
                       (is_empty     ? ": nothing waits there"
                        : is_read_on ? ": those before it were consumed, and the next ones are on disk"
                                     : ": that is " + to_text(box->head().key)),
                   std::nullopt};
  message::change whole;
  whole.self = self;
  whole.consumed.push_back(head);
  if (box->paused && box->paused->cause == pause_cause::by_failure)
    whole.pause = message::pause_row{};
  auto const ordered = data_.store.commit(whole);
  logger.info({number::operator_acted, "an operator has dropped a message"},
              {{"address", to_text(self)}, {"message_id", to_text(head)}, {"messages", box->waiting_count() - 1}});
  turns_.skip_head(*box);
  return carried_out{ordered};
}

carried_out verbs::order_pause(message::function_type const& type, message::pause const& why) {
  message::change whole;
  whole.self = {type, {}};
  whole.pause = message::pause_row{why};
  auto const ordered = data_.store.commit(whole);
  logger.info({number::operator_acted, "an operator has paused a function type"},
              {{"function_type", to_text(type)}, {"reason", why.reason}});
  return {ordered, data_.types.open(type).paused.has_value()};
}

carried_out verbs::order_resume(message::function_type const& type) {
  message::change whole;
  whole.self = {type, {}};
  whole.pause = message::pause_row{};
  auto const ordered = data_.store.commit(whole);
  logger.info({number::operator_acted, "an operator has resumed a function type"}, {{"function_type", to_text(type)}});
  return {ordered, !data_.types.open(type).paused};
}

asio::awaitable<verb_receipt> verbs::replay(store::dead_letter_id id) {
  return take(std::move(id), letter_goes::to_its_address);
}

asio::awaitable<verb_receipt> verbs::drop(store::dead_letter_id id) {
  return take(std::move(id), letter_goes::nowhere);
}

asio::awaitable<verb_receipt> verbs::take(store::dead_letter_id id, letter_goes where) {
  auto const [place, is_first] = taken_.insert(id);
  if (!is_first)
    co_return refusal{number::dead_letter_taken, name_of(id) + " is being replayed or dropped by somebody else",
                      std::nullopt};
  auto letter = co_await data_.store.read_dead_letter(id);
  taken_.erase(place); // whoever looks it up from here on finds what this step makes of it
  if (!letter) {
    data_.store_lost(letter.error());
    co_return refusal{number::not_accepting, "the store was lost", std::nullopt};
  }
  if (!*letter)
    co_return refusal{number::dead_letter_unknown,
                      name_of(id) + " is not there: it was never set aside, or was replayed or dropped", std::nullopt};
  co_return take_now(id, std::move(**letter), where);
}

verb_receipt verbs::take_now(store::dead_letter_id const& id, message::dead_letter letter, letter_goes where) {
  message::change whole;
  whole.self = id.self;
  whole.dead_letters_gone.push_back(id.key);
  if (where == letter_goes::to_its_address) {
    submission again;
    again.target = id.self;
    again.value = std::move(letter.message.value);
    if (auto no = accept_.refusal_of(again))
      return *std::move(no);
    whole.messages.push_back({id.self, std::move(letter.message.caller), std::move(again.value)});
  }
  auto const ordered = data_.store.commit(whole);
  data_.delivered.release(whole, ordered);
  logger.info({number::operator_acted, where == letter_goes::nowhere ? "an operator has dropped a dead letter"
                                                                     : "an operator has replayed a dead letter"},
              {{"address", to_text(id.self)}, {"message_id", to_text(id.key)}, {"reason", letter.reason}});
  return carried_out{ordered};
}

} // namespace statefund::dispatch
