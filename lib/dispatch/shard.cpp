#include "dispatch/shard.hpp"

#include "dispatch/dispatcher.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;

shard::shard(dispatcher& all, delivery::place const& own, asio::any_io_executor executor, options const& chosen,
             totals& counts, watermarks& marks, store::store& truth, std::shared_ptr<declarations const> declared)
    : all_(all),
      data_(own, std::move(executor), chosen, counts, marks, truth, std::move(declared), links()),
      accept_(data_),
      turns_(data_, turn_links()),
      spilling_(data_, [this] { return all_has_come(); }),
      verbs_(data_, turns_),
      overdue_(data_, marks,
               [this](std::size_t at, message::address const& target, std::size_t count_max,
                      message::delayed_key through) { send_set_aside(at, target, count_max, through); }),
      delayed_(data_, marks, overdue_, delayed_links()),
      departures_(data_, {[this](std::size_t at, message::egress_id const& egress) {
                            all_.post_to(at, [egress](shard& there) { there.departures_.records_came(egress); });
                          },
                          [this](message::egress_id const& egress) {
                            all_.post_to_all([egress](shard& there) { there.turns_.egress_has_room(egress); });
                          }}),
      closing_(data_.executor) {}

namespace {

asio::awaitable<void> close(function::handle unused) {
  co_await unused->close();
}

} // namespace

lanes::links shard::lane_links() {
  return {.start_worker = [this](permit held) { turns_.start_worker(std::move(held)); },
          .send_home =
              [this](std::size_t home, message::function_type const& type, ready_turn next) {
                auto const generation = data_.types.generation();
                all_.post_to(home, [type, next, generation](shard& there) {
                  there.data_.types.arrived(type, next, generation);
                });
              },
          .close = [this](function::handle unused) { closing_.start(close(std::move(unused))); },
          .probes_changed = [this] { turns_.probes_changed(); }};
}

shard_data::links shard::links() {
  return {lane_links(),
          {[this](std::size_t at, std::vector<ordered_message> messages) {
             auto const batch = std::make_shared<std::vector<ordered_message>>(std::move(messages));
             all_.post_to(at, [batch](shard& there) {
               for (auto& one : *batch)
                 there.data_.delivered.arrived(std::move(one));
             });
           },
           [this](message::function_type const& type) {
             all_.post_to_all(
                 [type, from = data_.place.shard](shard& there) { there.turns_.unbound_is_full(type, from); });
           }},
          [this](error const& why) { all_.store_lost(why); }};
}

turn_loop::links shard::turn_links() {
  return {[this](ready_turn next, call_place at) { return run_there(next, at); },
          [this](call_place at, message::address const& self, message::batch const& taken,
                 message::state_values const& states,
                 deadline total) { return call_there(at, self, taken, states, total); },
          [this](message::function_type const& type) {
            all_.post_to_all(
                [type, from = data_.place.shard](shard& there) { there.turns_.unbound_has_room(type, from); });
          },
          [this](message::function_type const& type, std::uint64_t since, std::uint64_t generation) {
            for (std::size_t i = 0; i < shards_count(); ++i)
              if (auto const own = data_.place.shard; i != own)
                all_.post_to(i, [own, type, since, generation](shard& there) {
                  there.turns_.success_wanted(own, type, since, generation);
                });
          },
          [this](std::size_t at, message::function_type const& type, success told) {
            all_.post_to(at, [type, told](shard& there) { there.turns_.success_told(type, told); });
          }};
}

asio::awaitable<void> shard::all_has_come() {
  for (std::size_t i = 0; i < shards_count(); ++i)
    if (shard& there = all_.at(i); &there != this)
      co_await task::on(there.executor(), there.send_all());
  auto behind = asio::post(data_.executor, asio::deferred); // what they have posted
  co_await std::move(behind);
}

asio::awaitable<void> shard::send_all() {
  data_.delivered.flush();
  data_.delivered.look_at_memory();
  co_return;
}

// At once where that is this one.
template <class Tell>
void shard::tell(std::size_t at, Tell const& told) {
  if (at == data_.place.shard)
    told(*this);
  else
    all_.post_to(at, told);
}

delayed::links shard::delayed_links() {
  auto const own = data_.place.shard;
  return {[this, own](message::address const& target, message::delayed_key first) {
            tell(data_.delivered.shard_of(target),
                 [own, target, first](shard& there) { there.overdue_.has_first(own, target, first); });
          },
          [this](message::address const& target, message::delayed_key through) {
            tell(data_.delivered.shard_of(target),
                 [target, through](shard& there) { there.overdue_.let_in(target, through); });
          },
          [this](std::size_t at) { tell(at, [](shard& there) { there.overdue_.look_again(); }); }};
}

void shard::send_set_aside(std::size_t at, message::address const& target, std::size_t count_max,
                           message::delayed_key through) {
  tell(at, [own = data_.place.shard, at, target, count_max, through](shard& there) {
    if (there.delayed_.closed())
      return; // so that nothing overtakes what is not sent any more
    auto const left = there.delayed_.send(target, count_max, through);
    there.tell(own, [at, target, left](shard& asked) { asked.overdue_.sent(at, target, left); });
  });
}

asio::awaitable<turn_told> shard::run_there(ready_turn next, call_place at) {
  shard& there = all_.at(next.shard);
  co_return co_await task::on(there.executor(), there.turns_.run(*next.box, at));
}

namespace {

asio::awaitable<result<message::reply>> call(function::function& callee, message::address const& self,
                                             message::batch const& taken, message::state_values const& states,
                                             deadline total) {
  co_return co_await callee.call(self, taken, states, total);
}

} // namespace

asio::awaitable<result<message::reply>> shard::call_there(call_place at, message::address const& self,
                                                          message::batch const& taken,
                                                          message::state_values const& states, deadline total) {
  co_return co_await task::on(all_.at(at.shard).executor(), call(*at.callee, self, taken, states, total));
}

asio::awaitable<receipt> shard::accept(submission one) {
  shard& there = all_.at(data_.delivered.shard_of(one.target));
  if (&there == this)
    co_return co_await accept_.one(std::move(one));
  co_return co_await task::on(there.executor(), there.accept_.one(std::move(one)));
}

struct shard::part {
  std::vector<submission> messages;
  std::vector<std::size_t> positions; // of each in the upload's piece
  std::vector<receipt> receipts;
};

struct shard::parts_left {
  task::event none;
  std::size_t count = 0;
};

asio::awaitable<void> shard::accept_part(part& own, upload& of, std::chrono::nanoseconds wait_max) {
  auto& rejected = of.rejected_on(data_.place.shard);
  own.receipts = co_await accept_.of_upload(std::move(own.messages), rejected, wait_max);
}

asio::awaitable<void> shard::accept_elsewhere(shard& there, part& own, upload& of, std::chrono::nanoseconds wait_max,
                                              parts_left& left) {
  co_await task::on(there.executor(), there.accept_part(own, of, wait_max));
  if (--left.count == 0)
    left.none.notify_all();
}

asio::awaitable<std::vector<receipt>> shard::accept_many(std::vector<submission> next, upload& of,
                                                         std::chrono::nanoseconds wait_max) {
  std::vector<part> parts(shards_count());
  for (std::size_t i = 0; i < next.size(); ++i) {
    auto& own = parts[data_.delivered.shard_of(next[i].target)];
    own.positions.push_back(i);
    own.messages.push_back(std::move(next[i]));
  }
  parts_left left{task::event(data_.executor)};
  task::gate elsewhere(data_.executor);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (i != data_.place.shard && !parts[i].messages.empty()) {
      ++left.count;
      elsewhere.start(accept_elsewhere(all_.at(i), parts[i], of, wait_max, left));
    }
  co_await accept_part(parts[data_.place.shard], of, wait_max);
  while (left.count > 0) {
    auto const told = co_await left.none.wait(deadline::never());
    if (told == task::wait_end::cancelled) {
      elsewhere.cancel();
      break;
    }
  }
  co_await elsewhere.close();

  std::vector<receipt> receipts(next.size());
  for (auto& own : parts)
    for (std::size_t i = 0; i < own.positions.size(); ++i)
      receipts[own.positions[i]] = std::move(own.receipts[i]);
  co_return receipts;
}

asio::awaitable<result<void>> shard::durable(store::ticket ordered) {
  return data_.store.durable(ordered);
}

std::optional<std::string> shard::text_type_name(message::function_type const& type) {
  return data_.declared->text_type_name(type);
}

asio::awaitable<std::variant<store::egress_page, refusal>> shard::read_egress(egress_request request) {
  shard& there = all_.at(departures_.shard_of(request.egress));
  if (&there == this)
    co_return co_await departures_.read(std::move(request));
  co_return co_await task::on(there.executor(), there.departures_.read(std::move(request)));
}

std::optional<refusal> shard::not_accepting() const {
  return refusal_in(data_.process.state.load(std::memory_order_relaxed));
}

bool shard::reserve_bytes(std::uint64_t bytes) {
  auto const wanted = static_cast<std::int64_t>(bytes);
  auto& held = data_.process.buffered_bytes;
  auto const held_before = held.fetch_add(wanted, std::memory_order_relaxed);
  data_.delivered.look_at_memory();
  if (data_.chosen.memory.admits(held_before, bytes))
    return true;
  held.fetch_sub(wanted, std::memory_order_relaxed);
  return false;
}

void shard::release_bytes(std::uint64_t bytes) noexcept {
  data_.process.buffered_bytes.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

std::size_t shard::shards_count() const noexcept {
  return data_.place.shards_count;
}

template <class Verb, class... Given>
asio::awaitable<verb_receipt> shard::where_it_lives(message::address const& self, Verb verb, Given... given) {
  shard& there = all_.at(data_.delivered.shard_of(self));
  return task::on(there.executor(), (there.verbs_.*verb)(std::move(given)...));
}

asio::awaitable<verb_receipt> shard::pause(message::address self, std::string reason) {
  using verb = asio::awaitable<verb_receipt> (verbs::*)(message::address, std::string);
  return where_it_lives(self, verb{&verbs::pause}, self, std::move(reason));
}

asio::awaitable<verb_receipt> shard::resume(message::address self) {
  return where_it_lives(self, &verbs::resume, self);
}

asio::awaitable<verb_receipt> shard::skip(message::address self, message::entry_key head) {
  return where_it_lives(self, &verbs::skip, self, head);
}

asio::awaitable<verb_receipt> shard::replay(store::dead_letter_id id) {
  return where_it_lives(id.self, &verbs::replay, id);
}

asio::awaitable<verb_receipt> shard::drop(store::dead_letter_id id) {
  return where_it_lives(id.self, &verbs::drop, id);
}

namespace {

asio::awaitable<void> look_in() {
  co_return;
}

} // namespace

asio::awaitable<carried_out> shard::order(message::function_type type, std::optional<message::pause> why) {
  auto const done = why ? verbs_.order_pause(type, *why) : verbs_.order_resume(type);
  // In the order of the changes, wherever two operators disagree.
  all_.post_to_all([type, why](shard& there) {
    lane& own = there.data_.types.open(type);
    if (why)
      there.data_.types.pause(own, *why);
    else
      there.data_.types.resume(own);
  });
  for (std::size_t i = 0; i < shards_count(); ++i)
    co_await task::on(all_.at(i).executor(), look_in());
  co_return done;
}

asio::awaitable<verb_receipt> shard::pause(message::function_type type, std::string reason) {
  message::pause why{message::pause_cause::by_operator, std::move(reason), clock::unix_ms()};
  shard& there = all_.at(data_.delivered.shard_of({type, {}}));
  auto done = co_await task::on(there.executor(), there.order(type, std::move(why)));
  co_return done;
}

asio::awaitable<verb_receipt> shard::resume(message::function_type type) {
  shard& there = all_.at(data_.delivered.shard_of({type, {}}));
  auto done = co_await task::on(there.executor(), there.order(type, std::nullopt));
  co_return done;
}

void shard::apply(std::shared_ptr<declarations const> next, keeps_function const& keeps) {
  data_.declared = std::move(next);
  for (auto& one : data_.functions.replace(data_.makes(data_.declared), keeps))
    closing_.start(close(std::move(one)));
  measure_mailboxes(data_.types.rebind());
  turns_.rebound();
  data_.overdue_doors.look_again();
  data_.doors.look_again();
  turns_.room_looked_at_again();
}

void shard::measure_mailboxes(std::unordered_set<lane*> const& of) {
  if (of.empty())
    return;
  for (auto& [self, box] : data_.mailboxes) {
    lane& type = data_.types.open(self.type);
    if (!of.contains(&type))
      continue;
    type.shut_count -= box.is_shut() ? 1 : 0;
    box.measure({type.limits.waiting_max});
    type.shut_count += box.is_shut() ? 1 : 0;
  }
}

shard_status shard::status() const {
  auto const now = clock::steady::now();
  auto const ms_until = [now](clock::steady::time_point at) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(at - now).count();
    return std::max<std::int64_t>(0, left);
  };
  shard_status seen;
  seen.delayed_lateness_seconds = delayed_.lateness_seconds();
  seen.held = turns_.held_counts();
  seen.mailboxes_count = data_.mailboxes.count();
  std::unordered_map<message::function_type, std::size_t> position;
  for (auto const& [type, lane] : data_.types) {
    position.emplace(type, seen.lanes.size());
    auto& own = seen.lanes.emplace_back();
    own.type = type;
    own.bound = lane->callee != nullptr;
    own.paused = lane->paused;
    own.counters = lane->counters;
    if (lane->callee)
      own.attempts = lane->callee->attempts();
    own.waiting_messages_count = lane->waiting_messages_count;
    own.addresses_count = lane->addresses_count;
    own.shut_count = lane->shut_count;
    own.in_flight_count = lane->in_flight_count;
    own.backing_off_count = lane->backing_off_count;
    own.held_count = lane->held_count;
    own.paused_count = lane->paused_count;
    own.failing_count = lane->failing_count;
    own.last_error = lane->last_error;
    own.last_error_at_ms = lane->last_error_at_ms;
    own.not_reached_count = lane->not_reached_count;
    if (lane->not_reached_count > 0)
      own.next_attempt_ms = ms_until(lane->next_probe);
  }
  turns_.for_some_waiting([&](mailbox::mailbox const& box) {
    auto& own = seen.lanes[position.at(box.self().type)];
    own.failures_count_max = std::max(own.failures_count_max, box.failures_count);
    own.oldest_seconds = std::max(own.oldest_seconds, std::chrono::duration<double>(now - box.oldest_since).count());
    if (box.stands == mailbox::phase::backing_off) {
      auto const in_ms = ms_until(box.next_attempt);
      own.next_attempt_ms = own.next_attempt_ms < 0 ? in_ms : std::min(own.next_attempt_ms, in_ms);
    }
  });
  return seen;
}

} // namespace statefund::dispatch
