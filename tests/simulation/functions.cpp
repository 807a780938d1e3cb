#include "daemon/function_limits.hpp"
#include "function/errc.hpp"
#include "simulation/world.hpp"

#include <charconv>

namespace statefund::simulation {

namespace asio = boost::asio;
using clock::deadline;

class simulated_function final : public function::function {
 public:
  simulated_function(world& in, std::uint64_t number, statefund::function::limits limits,
                     std::shared_ptr<message::state_specs const> states)
      : world_(in),
        process_(in.process_),
        limits_(limits),
        policy_{number, limits.attempts_max, limits.then},
        states_(std::move(states)) {}

  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return states_; }
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
  trials::policy const policy_;
  std::shared_ptr<message::state_specs const> const states_;
};

asio::awaitable<result<message::reply>> simulated_function::call(message::address const& self,
                                                                 message::batch const& taken,
                                                                 message::state_values const& states, deadline total) {
  auto const number = world_.number_of(self);
  world_.call_begins(number, taken, states, limits_, policy_);
  auto end = task::wait_end::notified;
  if (!world_.one_in(3))
    end = co_await world_.late_.wait(total);
  if (process_ != world_.process_ || world_.dead_ || end == task::wait_end::cancelled)
    co_return error{statefund::function::errc::call_cancelled, {}};
  world_.in_flight_[number] = false;
  if (end == task::wait_end::deadline_reached)
    co_return world_.fail(number, trouble::late);
  co_return world_.answer(number, taken, states);
}

void world::call_begins(std::uint32_t self, message::batch const& taken, message::state_values const& states,
                        function::limits const& limits, trials::policy const& policy) {
  if (dead_)
    return;
  ++turns_count_;
  traced(1, self, taken.size(), taken.front().key.number);
  check(!in_flight_[self], "two calls of one address at a time");
  check(!model_.paused().contains(self), "a paused address is called");
  in_flight_[self] = true;
  check(!taken.empty() && taken.size() <= limits.batch_messages_max, "a batch is larger than its limit");
  std::array<bool, states_count> carried{};
  for (auto const& spec : *states.specs)
    carried[static_cast<std::size_t>(spec.name[1] - '0')] = true;
  // One call at a time: what it carries is all that the address has ever written, but for what has expired.
  auto const& wanted = model_.call_begins(self, carried);
  for (std::size_t i = 0; i < states.values.size(); ++i) {
    auto const which = static_cast<std::size_t>((*states.specs)[i].name[1] - '0');
    auto const has = states.values[i] ? states.values[i]->value.bytes : "";
    check(has == (wanted[which] ? std::to_string(wanted[which]->value) : ""),
          "a call carries a state that is not the last, or that has expired");
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
  if (auto found = model_.tried().call_begins(self, policy, taken); !found.empty())
    wrong(std::move(found));
}

namespace {

trials::ending ending_of(trouble what) {
  switch (what) {
  case trouble::out_of_reach:
    return trials::ending::unknown;
  case trouble::cut:
  case trouble::late:
    return trials::ending::uncounted;
  case trouble::too_large:
  case trouble::thrown:
  case trouble::misplaced:
    return trials::ending::counted;
  case trouble::refused:
  case trouble::unreadable:
  case trouble::state_unknown:
  case trouble::token_missing:
  case trouble::delay_negative:
    return trials::ending::refused;
  }
  return trials::ending::unknown;
}

result<message::reply> answer_of(trouble what, message::address const& self) {
  message::invocation_result asked;
  switch (what) {
  case trouble::out_of_reach:
    return error{function::errc::endpoint_unreachable, {}};
  case trouble::cut:
    return error{function::errc::endpoint_failed, {}};
  case trouble::late:
    return error{function::errc::timed_out, {}};
  case trouble::too_large:
    return error{function::errc::answer_too_large, {}};
  case trouble::thrown:
    return error{function::errc::answered_500, {}};
  case trouble::misplaced:
    return error{function::errc::endpoint_answered, {}};
  case trouble::refused:
    return error{function::errc::message_refused, {}};
  case trouble::unreadable:
    return error{function::errc::answer_unreadable, {}};
  case trouble::state_unknown:
    asked.mutations.push_back({"unknown", message::typed_value{"n", true, "1"}});
    break;
  case trouble::token_missing:
    asked.delayed.push_back(message::delayed_cancel{});
    break;
  case trouble::delay_negative:
    asked.delayed.push_back(message::delayed_send{-1, self, value_of(0), {}});
    break;
  }
  return message::reply{std::move(asked)};
}

} // namespace

result<message::reply> world::fail(std::uint32_t self, trouble what) {
  traced(2, self, what);
  model_.tried().call_ends(self, ending_of(what));
  return answer_of(what, addresses_[self]);
}

std::optional<trouble> world::trouble_with(std::uint32_t self, message::batch const& taken) {
  auto const& of_kind = outages_[run_.kind_of(self)];
  if (clock::steady::now() < of_kind.until)
    return of_kind.what;
  for (auto const& one : taken) {
    auto& left = failures_left_[message_of(one.value)];
    if (left == 0)
      continue;
    left -= left == for_ever ? 0 : 1;
    return run_.messages[message_of(one.value)].failure;
  }
  return std::nullopt;
}

result<message::reply> world::answer(std::uint32_t self, message::batch const& taken,
                                     message::state_values const& states) {
  if (auto const what = trouble_with(self, taken))
    return fail(self, *what);
  auto const& specs = *states.specs;
  std::array<std::optional<std::size_t>, states_count> carried;
  for (std::size_t i = 0; i < specs.size(); ++i)
    carried[static_cast<std::size_t>(specs[i].name[1] - '0')] = i;
  message::missing_states missing;
  for (auto const& one : taken)
    for (auto const& asked : run_.messages[message_of(one.value)].does)
      if ((asked.what == verb::add || asked.what == verb::remove) && !carried[asked.which]) {
        carried[asked.which] = 0;
        missing.specs.push_back({state_name(asked.which), "n", run_.expirations[asked.which]});
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
  model_.tried().call_ends(self, trials::ending::good);
  return message::reply{std::move(done)};
}

dispatch::declarations world::declarations_of(std::shared_ptr<catalog::snapshot const> const& modules) {
  auto const make = [this, modules, numbers = function_numbers_](message::function_type const& type,
                                                                 std::size_t) -> function::handle {
    auto const* const spec = modules->find(type);
    if (!spec)
      return nullptr;
    auto declared =
        spec->speaks == module::protocol::v2 ? std::make_shared<message::state_specs const>(spec->states) : nullptr;
    auto const number = numbers[run_.kind_of(run_.number_of({type, "0"}))];
    return std::make_shared<simulated_function>(*this, number, daemon::limits_of(*spec), std::move(declared));
  };
  auto const is_declared = [modules](message::egress_id const& egress) { return modules->find(egress) != nullptr; };
  auto const text_type_name = [](message::function_type const&) { return std::nullopt; }; // nobody sends texts here
  return {make, is_declared, text_type_name};
}

} // namespace statefund::simulation
