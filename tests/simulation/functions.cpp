#include "daemon/function_limits.hpp"
#include "function/errc.hpp"
#include "simulation/world.hpp"

#include <charconv>

namespace statefund::simulation {

namespace asio = boost::asio;
using clock::deadline;

class simulated_function final : public function::function {
 public:
  simulated_function(world& in, statefund::function::limits limits, std::shared_ptr<message::state_specs const> states)
      : world_(in),
        process_(in.process_),
        limits_(limits),
        states_(std::move(states)) {}

  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return states_; }
  std::string_view text_type_name() const noexcept override { return "text"; }
  std::size_t request_bytes_of(message::invocation const& one) const noexcept override {
    return one.value.size_bytes();
  }
  std::size_t request_bytes_of(message::address const&, message::state_values const&) const noexcept override {
    return 0;
  }
  asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                               message::state_values const& states, deadline total) override;
  asio::awaitable<void> close() override { co_return; }

 private:
  world& world_;
  std::size_t const process_;
  statefund::function::limits const limits_;
  std::shared_ptr<message::state_specs const> const states_;
};

asio::awaitable<result<message::reply>> simulated_function::call(message::address const& self,
                                                                 message::batch const& taken,
                                                                 message::state_values const& states, deadline total) {
  auto const number = world_.number_of(self);
  world_.call_begins(number, taken, states, limits_);
  auto end = task::wait_end::notified;
  if (!world_.one_in(3))
    end = co_await world_.late_.wait(total);
  if (process_ != world_.process_ || world_.dead_ || end == task::wait_end::cancelled)
    co_return error{statefund::function::errc::call_cancelled, {}};
  world_.in_flight_[number] = false;
  if (end == task::wait_end::deadline_reached)
    co_return error{statefund::function::errc::endpoint_failed, "out of time"};
  co_return world_.answer(number, taken, states);
}

void world::call_begins(std::uint32_t self, message::batch const& taken, message::state_values const& states,
                        function::limits const& limits) {
  if (dead_)
    return;
  ++turns_count_;
  traced(1, self, taken.size(), taken.front().key.number);
  check(!in_flight_[self], "two calls of one address at a time");
  check(!model_.paused().contains(self), "a paused address is called");
  in_flight_[self] = true;
  check(!taken.empty() && taken.size() <= limits.batch_messages_max, "a batch is larger than its limit");
  // One call at a time: what it carries is all that the address has ever written.
  auto const& wanted = model_.states(self);
  for (std::size_t i = 0; i < states.values.size(); ++i) {
    auto const which = static_cast<std::size_t>((*states.specs)[i].name[1] - '0');
    auto const has = states.values[i] ? states.values[i]->value.bytes : "";
    check(has == (wanted[which] ? std::to_string(*wanted[which]) : ""), "a call carries a state that is not the last");
  }
  auto const& waits = model_.mailbox(self);
  for (auto const& one : taken) {
    auto const found = waits.find(one.key);
    if (found == waits.end())
      return wrong("a call carries what does not wait");
    check(found->second.message == message_of(one.value), "a call carries another value");
    check(one.caller ? found->second.sender == number_of(*one.caller) : !found->second.sender,
          "a call carries another caller");
  }
}

result<message::reply> world::answer(std::uint32_t self, message::batch const& taken,
                                     message::state_values const& states) {
  if (clock::steady::now() < out_of_reach_until_[run_.kind_of(self)])
    return error{function::errc::endpoint_unreachable, {}};
  for (auto const& one : taken) {
    auto const message = message_of(one.value);
    if (failures_left_[message] > 0) {
      --failures_left_[message];
      traced(2, self, message);
      return error{run_.messages[message].failure, {}};
    }
  }
  auto const& specs = *states.specs;
  std::array<std::optional<std::size_t>, states_count> carried;
  for (std::size_t i = 0; i < specs.size(); ++i)
    carried[static_cast<std::size_t>(specs[i].name[1] - '0')] = i;
  message::missing_states missing;
  for (auto const& one : taken)
    for (auto const& asked : run_.messages[message_of(one.value)].does)
      if ((asked.what == verb::add || asked.what == verb::remove) && !carried[asked.which]) {
        carried[asked.which] = 0;
        missing.specs.push_back({state_name(asked.which), "n", {}});
      }
  if (!missing.specs.empty())
    return message::reply{std::move(missing)};

  message::invocation_result done;
  std::array<bool, states_count> touched{};
  std::array<std::optional<std::int64_t>, states_count> values;
  for (std::size_t which = 0; which < states_count; ++which)
    if (carried[which] && states.values[*carried[which]]) {
      auto const& bytes = states.values[*carried[which]]->value.bytes;
      std::int64_t value = 0;
      std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
      values[which] = value;
    }
  for (auto const& one : taken) {
    std::size_t records_count = 0;
    auto const message = message_of(one.value);
    for (auto const& asked : run_.messages[message].does)
      switch (asked.what) {
      case verb::add:
        values[asked.which] = values[asked.which].value_or(0) + asked.amount;
        touched[asked.which] = true;
        break;
      case verb::remove:
        values[asked.which].reset();
        touched[asked.which] = true;
        break;
      case verb::send:
        done.messages.push_back({addresses_[run_.messages[asked.which].target], value_of(asked.which)});
        break;
      case verb::send_later:
        done.delayed.push_back(message::delayed_send{asked.amount, addresses_[run_.messages[asked.which].target],
                                                     value_of(asked.which),
                                                     asked.token == 0 ? std::string() : std::to_string(asked.token)});
        break;
      case verb::cancel:
        done.delayed.push_back(message::delayed_cancel{std::to_string(asked.token)});
        break;
      case verb::record:
        done.egresses.push_back({egress_id_of(asked.which), {"r", true, record_of(message, records_count++)}});
        break;
      }
  }
  for (std::size_t which = 0; which < states_count; ++which)
    if (touched[which])
      done.mutations.push_back({state_name(which), values[which] ? std::optional(message::typed_value{
                                                                       "n", true, std::to_string(*values[which])})
                                                                 : std::nullopt});
  return message::reply{std::move(done)};
}

dispatch::declarations world::declarations_of(std::shared_ptr<catalog::snapshot const> const& modules) {
  auto const make = [this, modules](message::function_type const& type, std::size_t) -> function::handle {
    auto const* const spec = modules->find(type);
    if (!spec)
      return nullptr;
    auto declared =
        spec->speaks == module::protocol::v2 ? std::make_shared<message::state_specs const>(spec->states) : nullptr;
    return std::make_shared<simulated_function>(*this, daemon::limits_of(*spec), std::move(declared));
  };
  auto const is_declared = [modules](message::egress_id const& egress) { return modules->find(egress) != nullptr; };
  return {make, is_declared};
}

} // namespace statefund::simulation
