#include "support/shards_in_process.hpp"

#include "task/on.hpp"

#include <stdexcept>

namespace statefund::support {

namespace asio = boost::asio;
using clock::deadline;

namespace {

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, coming<T> into) {
  auto told = co_await std::move(work);
  into->emplace(std::move(told));
}

template <class T>
T come(coming<T> const& what, event_loop& loop) {
  if (!loop.run_until([&] { return what->has_value(); }))
    throw std::runtime_error("what the test waits for did not come");
  return std::move(**what);
}

asio::awaitable<std::vector<dispatch::receipt>>
upload_all(dispatch::shard& at, std::vector<dispatch::submission> messages, std::chrono::nanoseconds wait_max) {
  dispatch::upload of(at.shards_count());
  auto told = co_await at.accept_many(std::move(messages), of, wait_max);
  co_return told;
}

} // namespace

dispatch::submission message_to(message::address target, std::string bytes) {
  dispatch::submission one;
  one.target = std::move(target);
  one.value = {"t", true, std::move(bytes)};
  return one;
}

std::vector<std::string> bytes_of(store::egress_page const& page) {
  std::vector<std::string> all;
  for (auto const& one : page.records)
    all.push_back(one.value.bytes);
  return all;
}

std::optional<number> refused(dispatch::receipt const& told) {
  auto const* const why = std::get_if<dispatch::refusal>(&told);
  return why ? std::optional(why->why) : std::nullopt;
}

dispatch::options with_memory(std::uint64_t bytes_max) {
  dispatch::options chosen;
  chosen.memory.bytes_max = bytes_max;
  return chosen;
}

function::limits marked(std::size_t waiting_max) {
  function::limits limits;
  limits.waiting_max = waiting_max;
  limits.batch_messages_max = waiting_max;
  return limits;
}

shards_in_process::shards_in_process(std::size_t shards_count, dispatch::options chosen,
                                     store::memory_store_options const& kept, loops run_by)
    : store(loop.executor(), kept),
      doors_(loop.executor()) {
  for (std::size_t i = 0; i < shards_count; ++i)
    executors_.push_back(i == 0 || run_by == loops::one ? loop.executor() : loop.add_loop());
  dispatch::dispatcher::parts parts;
  parts.executors = executors_;
  parts.store = &store;
  parts.declared.make = [this](message::function_type const& type, std::size_t shard) {
    return functions.make(type, shard, executors_[shard]);
  };
  parts.declared.is_declared_egress = [this](message::egress_id const& id) { return egresses.contains(id); };
  parts.declared.text_type_name = [this](message::function_type const& type) {
    return functions.is_declared(type) ? std::optional<std::string>("text") : std::nullopt;
  };
  parts.store_lost = [this](error const&) { ++stores_lost_count_; };
  all_ = std::make_unique<dispatch::dispatcher>(std::move(chosen), std::move(parts));
  all_->start();
  all_->serve();
}

shards_in_process::~shards_in_process() {
  store.release();
  if (!drained_)
    come(start_drain(deadline::after({})), loop);
  doors_.cancel();
  loop.settle();
  loop.run(doors_.close());
  loop.settle();
}

coming<dispatch::receipt> shards_in_process::start_accept(dispatch::submission one, std::size_t at_shard) {
  auto told = std::make_shared<std::optional<dispatch::receipt>>();
  doors_.start(keep(task::on(executors_[at_shard], at(at_shard).accept(std::move(one))), told));
  return told;
}

dispatch::receipt shards_in_process::accept(dispatch::submission one, std::size_t at_shard) {
  return come(start_accept(std::move(one), at_shard), loop);
}

bool shards_in_process::accepts(message::address const& target, std::string bytes, std::size_t at_shard) {
  return std::holds_alternative<dispatch::accepted>(accept(message_to(target, std::move(bytes)), at_shard));
}

coming<std::vector<dispatch::receipt>> shards_in_process::start_upload(std::vector<dispatch::submission> messages,
                                                                       std::chrono::nanoseconds wait_max,
                                                                       std::size_t at_shard) {
  auto told = std::make_shared<std::optional<std::vector<dispatch::receipt>>>();
  auto upload = upload_all(at(at_shard), std::move(messages), wait_max);
  doors_.start(keep(task::on(executors_[at_shard], std::move(upload)), told));
  return told;
}

coming<std::variant<store::egress_page, dispatch::refusal>>
shards_in_process::start_read(dispatch::egress_request request, std::size_t at_shard) {
  auto told = std::make_shared<std::optional<std::variant<store::egress_page, dispatch::refusal>>>();
  doors_.start(keep(task::on(executors_[at_shard], at(at_shard).read_egress(std::move(request))), told));
  return told;
}

store::egress_page shards_in_process::read(message::egress_id const& egress, std::optional<std::uint64_t> after) {
  auto told = come(start_read({egress, after, false, 100'000, deadline::after({})}), loop);
  auto* const page = std::get_if<store::egress_page>(&told);
  return page ? std::move(*page) : store::egress_page{};
}

coming<dispatch::verb_receipt> shards_in_process::start_verb(asio::awaitable<dispatch::verb_receipt> verb) {
  auto told = std::make_shared<std::optional<dispatch::verb_receipt>>();
  doors_.start(keep(std::move(verb), told));
  return told;
}

dispatch::verb_receipt shards_in_process::carry_out(asio::awaitable<dispatch::verb_receipt> verb) {
  return come(start_verb(std::move(verb)), loop);
}

std::vector<store::dead_letter_row> shards_in_process::dead_letters() {
  auto told = std::make_shared<std::optional<result<std::vector<store::dead_letter_row>>>>();
  store::dead_letter_filter const all; // borrowed until they have come
  std::optional<store::dead_letter_id> const first;
  doors_.start(keep(store.read_dead_letters(all, first, 100'000, UINT64_MAX), told));
  auto rows = come(told, loop);
  return rows ? std::move(*rows) : std::vector<store::dead_letter_row>{};
}

namespace {

asio::awaitable<void> apply_all(dispatch::dispatcher& all, fake_functions::reload what, coming<bool> done) {
  co_await all.apply(std::move(what.next), std::move(what.keeps));
  done->emplace(true);
}

} // namespace

coming<bool> shards_in_process::start_apply() {
  auto const executor_of = [this](std::size_t shard) { return executors_[shard]; };
  auto const is_declared_egress = [now = egresses](message::egress_id const& id) { return now.contains(id); };
  auto done = std::make_shared<std::optional<bool>>();
  doors_.start(apply_all(*all_, functions.reload_now(executor_of, is_declared_egress), done));
  return done;
}

void shards_in_process::apply() {
  come(start_apply(), loop);
}

coming<dispatch::leftovers> shards_in_process::start_drain(deadline until) {
  drained_ = true;
  auto told = std::make_shared<std::optional<dispatch::leftovers>>();
  doors_.start(keep(all_->drain(until), told));
  return told;
}

std::vector<dispatch::shard_status> shards_in_process::shards() {
  auto told = std::make_shared<std::optional<std::vector<dispatch::shard_status>>>();
  doors_.start(keep(all_->status(), told));
  return come(told, loop);
}

std::map<std::string, std::size_t> shards_in_process::held() {
  std::map<std::string, std::size_t> sum;
  for (auto const& shard : shards())
    for (auto const& [what, count] : shard.held)
      sum[to_text(what)] += count;
  return sum;
}

std::size_t shards_in_process::mailboxes_count() {
  std::size_t sum = 0;
  for (auto const& shard : shards())
    sum += shard.mailboxes_count;
  return sum;
}

dispatch::lane_status shards_in_process::status(std::string const& type) {
  dispatch::lane_status sum;
  for (auto const& shard : shards())
    for (auto const& lane : shard.lanes)
      if (lane.type.name == type) {
        sum.bound = sum.bound || lane.bound;
        sum.paused = lane.paused;
        sum.paused_count += lane.paused_count;
        sum.counters.calls_failed_total += lane.counters.calls_failed_total;
        sum.counters.calls_succeeded_total += lane.counters.calls_succeeded_total;
        sum.counters.dead_letters_total += lane.counters.dead_letters_total;
        sum.counters.skipped_total += lane.counters.skipped_total;
        sum.waiting_messages_count += lane.waiting_messages_count;
        sum.addresses_count += lane.addresses_count;
        sum.in_flight_count += lane.in_flight_count;
        sum.backing_off_count += lane.backing_off_count;
        sum.held_count += lane.held_count;
        sum.shut_count += lane.shut_count;
        sum.next_attempt_ms = std::max(sum.next_attempt_ms, lane.next_attempt_ms);
        sum.failing_count += lane.failing_count;
        sum.not_reached_count = std::max(sum.not_reached_count, lane.not_reached_count);
        sum.failures_count_max = std::max(sum.failures_count_max, lane.failures_count_max);
        if (!lane.last_error.empty())
          sum.last_error = lane.last_error;
      }
  return sum;
}

bool shards_in_process::is_empty() const {
  auto const& counts = all_->counts();
  return counts.pending_messages_count == 0 && counts.buffered_bytes == 0;
}

} // namespace statefund::support
