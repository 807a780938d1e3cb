#include "support/fake_functions.hpp"

#include "support/event_loop.hpp"

namespace statefund::support {

namespace asio = boost::asio;

class fake_functions::one final : public function::function {
 public:
  one(fake_functions& all, statefund::function::limits limits, std::size_t shard, asio::any_io_executor const& executor)
      : all_(all),
        limits_(limits),
        shard_(shard),
        released_(executor) {}

  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return nullptr; }
  std::string_view text_type_name() const noexcept override { return "text"; }
  std::size_t request_bytes_of(message::invocation const& message) const noexcept override {
    return message.value.size_bytes();
  }
  asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                               message::state_values const& states, clock::deadline total) override {
    seen_call const seen{self, taken, states, shard_, clock::steady::now()};
    all_.begins(seen);
    std::optional<error> broken;
    do {
      auto waited = task::wait_end::notified;
      if (all_.held_)
        waited = co_await released_.wait(total);
      else
        co_await yield(1);
      if (waited == task::wait_end::cancelled)
        broken = error{statefund::function::errc::call_cancelled, {}};
      else if (waited == task::wait_end::deadline_reached)
        broken = error{statefund::function::errc::endpoint_failed, "out of time"};
    } while (all_.held_ && !broken);
    co_return all_.ends(seen, std::move(broken));
  }
  asio::awaitable<void> close() override { co_return; }

  void released() { released_.notify_all(); }

 private:
  fake_functions& all_;
  statefund::function::limits limits_;
  std::size_t shard_;
  task::event released_;
};

void fake_functions::declare(std::string const& name, answer says, function::limits limits) {
  std::lock_guard const lock(lock_);
  types_[name] = {std::move(says), limits};
}

function::handle fake_functions::make(message::function_type const& type, std::size_t shard,
                                      asio::any_io_executor executor) {
  std::lock_guard const lock(lock_);
  auto const found = types_.find(type.name);
  if (found == types_.end())
    return nullptr;
  auto made = std::make_shared<one>(*this, found->second.limits, shard, executor);
  made_.push_back(made);
  return made;
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

void fake_functions::begins(seen_call call) {
  std::lock_guard const lock(lock_);
  auto& type = types_.at(call.self.type.name);
  if (call.taken.empty())
    fault_ = to_text(call.self) + " is called with nothing";
  if (!in_flight_.insert(call.self).second)
    fault_ = to_text(call.self) + " is called while it is being called";
  if (++type.in_flight_count > std::max<std::size_t>(1, type.limits.concurrent_calls_max))
    fault_ = call.self.type.name + " is called more often than its limit says";
  in_flight_max_ = std::max(in_flight_max_, in_flight_.size());
  if (keeps_calls_)
    calls_.push_back(std::move(call));
}

result<message::reply> fake_functions::ends(seen_call const& call, std::optional<error> broken) {
  std::lock_guard const lock(lock_);
  auto& type = types_.at(call.self.type.name);
  in_flight_.erase(call.self);
  --type.in_flight_count;
  if (broken)
    return *std::move(broken);
  if (fails_next_ > 0) {
    --fails_next_;
    return error{fails_with_, "as the test wants it"};
  }
  if (!type.says)
    return message::reply{message::invocation_result{}};
  return type.says(call);
}

std::vector<seen_call> fake_functions::calls() const {
  std::lock_guard const lock(lock_);
  return calls_;
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

} // namespace statefund::support
