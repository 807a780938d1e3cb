#include "support/fake_functions.hpp"

#include "support/event_loop.hpp"

namespace statefund::support {

namespace asio = boost::asio;

message::address address_of(std::string const& type, std::string const& id) {
  return {{"ns", type}, id};
}

std::vector<std::string> bytes_of(message::batch const& batch) {
  std::vector<std::string> all;
  for (auto const& one : batch)
    all.push_back(one.value.bytes);
  return all;
}

result<message::reply> says(message::invocation_result done) {
  return message::reply{std::move(done)};
}

class fake_functions::one final : public function::function {
 public:
  one(fake_functions& all, std::shared_ptr<version> of, std::string name, std::size_t shard,
      asio::any_io_executor const& executor)
      : all_(all),
        version_(std::move(of)),
        name_(std::move(name)),
        shard_(shard),
        released_(executor) {}

  statefund::function::limits const& call_limits() const noexcept override { return version_->limits; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return version_->states; }
  std::size_t request_bytes_of(message::invocation const& message) const noexcept override {
    return message.value.size_bytes();
  }
  std::size_t request_bytes_of(message::address const&, message::state_values const& states) const noexcept override {
    std::size_t bytes = 0;
    for (auto const& held : states.values)
      bytes += held ? held->value.size_bytes() : 0;
    return bytes;
  }
  asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                               message::state_values const& states, clock::deadline total) override {
    seen_call const seen{self, taken, states, shard_, version_->number, clock::steady::now()};
    all_.begins(*version_, seen);
    std::optional<error> broken;
    do {
      auto waited = task::wait_end::notified;
      if (all_.holds(self))
        waited = co_await released_.wait(total);
      else
        co_await yield(1);
      if (waited == task::wait_end::cancelled)
        broken = error{statefund::function::errc::call_cancelled, {}};
      else if (waited == task::wait_end::deadline_reached)
        broken = error{statefund::function::errc::endpoint_failed, "out of time"};
    } while (all_.holds(self) && !broken);
    co_return all_.ends(*version_, seen, std::move(broken));
  }
  asio::awaitable<void> close() override {
    all_.closed(name_);
    co_return;
  }

  void released() { released_.notify_all(); }

 private:
  fake_functions& all_;
  std::shared_ptr<version> version_;
  std::string name_;
  std::size_t shard_;
  task::event released_;
};

void fake_functions::declare(std::string const& name, answer says, function::limits limits,
                             std::shared_ptr<message::state_specs const> states) {
  std::lock_guard const lock(lock_);
  auto const number = ++lives_[name].declared_count;
  if (!says && !states)
    states = std::make_shared<message::state_specs const>();
  types_[name] = std::make_shared<version>(version{number, std::move(says), limits, std::move(states)});
}

void fake_functions::forget(std::string const& name) {
  std::lock_guard const lock(lock_);
  types_.erase(name);
}

bool fake_functions::is_declared(message::function_type const& type) const {
  std::lock_guard const lock(lock_);
  return types_.contains(type.name);
}

function::handle fake_functions::make(message::function_type const& type, std::size_t shard,
                                      asio::any_io_executor executor) {
  std::lock_guard const lock(lock_);
  return make(types_, type, shard, std::move(executor));
}

function::handle fake_functions::make(versions const& of, message::function_type const& type, std::size_t shard,
                                      asio::any_io_executor executor) {
  auto const found = of.find(type.name);
  if (found == of.end())
    return nullptr;
  auto& own = lives_[type.name];
  ++own.made_count;
  own.made_last = found->second;
  auto made = std::make_shared<one>(*this, found->second, type.name, shard, executor);
  made_.push_back(made);
  return made;
}

fake_functions::reload fake_functions::reload_now(std::function<asio::any_io_executor(std::size_t shard)> executor_of,
                                                  std::function<bool(message::egress_id const&)> is_declared_egress) {
  std::lock_guard const lock(lock_);
  std::set<std::string> kept;
  for (auto const& [name, of] : types_)
    if (lives_[name].made_last == of)
      kept.insert(name);
  auto const make_next = [this, now = types_, executor_of](message::function_type const& type, std::size_t shard) {
    std::lock_guard const making(lock_);
    return make(now, type, shard, executor_of(shard));
  };
  auto const keeps = [kept](message::function_type const& type) { return kept.contains(type.name); };
  auto const text_type_name = [now = types_](message::function_type const& type) {
    return now.contains(type.name) ? std::optional<std::string>("text") : std::nullopt;
  };
  return {{make_next, std::move(is_declared_egress), text_type_name}, keeps};
}

bool fake_functions::holds(message::address const& self) const {
  return held_ && (!holds_ || holds_(self));
}

void fake_functions::hold_only(message::address const& self) {
  holds_ = [self](message::address const& other) { return other == self; };
  held_ = true;
}

void fake_functions::hold_types(std::set<std::string> names) {
  holds_ = [names = std::move(names)](message::address const& other) { return names.contains(other.type.name); };
  held_ = true;
}

void fake_functions::release() {
  held_ = false;
  for (auto const& each : made_)
    if (auto const function = each.lock())
      function->released();
}

void fake_functions::fail_next(std::size_t count, function::errc with) {
  std::lock_guard const lock(lock_);
  fails_next_ = count;
  fails_with_ = with;
}

void fake_functions::begins(version& called, seen_call call) {
  std::lock_guard const lock(lock_);
  if (call.taken.empty())
    fault_ = to_text(call.self) + " is called with nothing";
  if (!in_flight_.insert(call.self).second)
    fault_ = to_text(call.self) + " is called while it is being called";
  if (++called.in_flight_count > std::max<std::size_t>(1, called.limits.concurrent_calls_max))
    fault_ = call.self.type.name + " is called more often than its limit says";
  if (call.taken.size() > called.limits.batch_messages_max)
    fault_ = to_text(call.self) + " is called with more messages than its limit says";
  auto const& asked_for = lives_[call.self.type.name].asked_for;
  auto const unasked = [&](auto const& spec) { return !asked_for.contains(spec.name); };
  if (called.states ? *call.states.specs != *called.states
                    : std::any_of(call.states.specs->begin(), call.states.specs->end(), unasked))
    fault_ = to_text(call.self) + " is called with states that it has not declared";
  in_flight_max_ = std::max(in_flight_max_, in_flight_.size());
  if (keeps_calls_)
    calls_.push_back(std::move(call));
}

result<message::reply> fake_functions::ends(version& called, seen_call const& call, std::optional<error> broken) {
  std::lock_guard const lock(lock_);
  in_flight_.erase(call.self);
  --called.in_flight_count;
  if (broken)
    return *std::move(broken);
  if (fails_next_ > 0) {
    --fails_next_;
    return error{fails_with_, "as the test wants it"};
  }
  if (!called.says)
    return message::reply{message::invocation_result{}};
  auto said = called.says(call);
  if (auto const* const missing = said ? std::get_if<message::missing_states>(&*said) : nullptr)
    for (auto const& spec : missing->specs)
      lives_[call.self.type.name].asked_for.insert(spec.name);
  return said;
}

void fake_functions::closed(std::string const& name) {
  std::lock_guard const lock(lock_);
  ++lives_[name].closed_count;
}

std::size_t fake_functions::made_count(std::string const& name) const {
  std::lock_guard const lock(lock_);
  auto const found = lives_.find(name);
  return found == lives_.end() ? 0 : found->second.made_count;
}

std::size_t fake_functions::closed_count(std::string const& name) const {
  std::lock_guard const lock(lock_);
  auto const found = lives_.find(name);
  return found == lives_.end() ? 0 : found->second.closed_count;
}

std::vector<seen_call> fake_functions::calls() const {
  std::lock_guard const lock(lock_);
  return calls_;
}

std::vector<std::string> fake_functions::taken(message::address const& self) const {
  std::lock_guard const lock(lock_);
  std::vector<std::string> all;
  for (auto const& call : calls_)
    if (call.self == self)
      for (auto& bytes : bytes_of(call.taken))
        all.push_back(std::move(bytes));
  return all;
}

std::size_t fake_functions::calls_count() const {
  std::lock_guard const lock(lock_);
  return calls_.size();
}

std::size_t fake_functions::calls_count(message::address const& self) const {
  std::lock_guard const lock(lock_);
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [&](auto const& call) { return call.self == self; }));
}

std::size_t fake_functions::in_flight_count() const {
  std::lock_guard const lock(lock_);
  return in_flight_.size();
}

std::size_t fake_functions::in_flight_max() const {
  std::lock_guard const lock(lock_);
  return in_flight_max_;
}

std::string fake_functions::fault() const {
  std::lock_guard const lock(lock_);
  return fault_;
}

void fake_functions::forget_calls() {
  std::lock_guard const lock(lock_);
  calls_.clear();
}

number_flow::number_flow(fake_functions& functions, std::size_t count, std::size_t sent_at_once)
    : sender(address_of("fn", "alice")),
      sink(address_of("sink", "s")) {
  functions.declare(sender.type.name, [this, count, sent_at_once](seen_call const& call) {
    message::invocation_result done;
    auto next = std::stoul(call.taken.front().value.bytes);
    for (std::size_t i = 0; i < sent_at_once && next < count; ++i)
      done.messages.push_back({sink, {"t", true, std::to_string(next++)}});
    if (next < count)
      done.messages.push_back({call.self, {"t", true, std::to_string(next)}});
    sent = next;
    return says(std::move(done));
  });
  functions.declare(sink.type.name, [this](seen_call const& call) -> result<message::reply> {
    if (sink_stands)
      return error{statefund::function::errc::endpoint_failed, "not yet"};
    for (auto const& one : call.taken)
      in_order = in_order && one.value.bytes == std::to_string(consumed++);
    return says({});
  });
}

} // namespace statefund::support
