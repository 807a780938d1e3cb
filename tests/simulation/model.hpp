#pragma once

#include "message/change.hpp"
#include "simulation/program.hpp"
#include "simulation/trials.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace statefund::simulation {

// What must be true, told without any of the daemon's code: it sees every change in the order, says what is wrong with
// it, and knows what all of them together amount to. A crash takes it back to what was kept.
class model {
 public:
  explicit model(program const& run)
      : run_(run),
        base_(run),
        now_(run),
        trials_(run.addresses_count()),
        last_wrote_to_(run.addresses_count()),
        carried_(run.addresses_count()) {}

  struct waiting {
    std::uint32_t message = 0;
    std::optional<std::uint32_t> sender; // absent: from outside
    bool is_replayed = false;            // its order against others of its sender is gone
    bool was_delayed = false;            // comes in the order in which such were sent to its address
  };
  struct letter {
    std::uint32_t address = 0;
    waiting what;
  };
  struct pending {
    std::uint32_t message = 0;
    std::uint32_t owner = 0;
    std::optional<std::uint32_t> sender;
    std::int64_t due_ms = 0;
    std::string token;
    bool is_behind = false; // set for a time at which the clock has been before it was set back: out of due order
    bool was_due = false;   // by the wall clock, at some time since; a jump back does not undo it
  };
  struct state {
    std::int64_t value = 0;
    std::int64_t expires_at_ms = 0; // 0: never

    bool has_expired(std::int64_t now_ms) const noexcept { return expires_at_ms != 0 && expires_at_ms <= now_ms; }
  };
  using state_values = std::array<std::optional<state>, states_count>;

  // Judges the change and takes it in. Empty: nothing is wrong.
  std::string take(message::change const& whole, std::uint64_t number, std::int64_t now_ms, trials::room letters);
  // What was kept is the order up to this number.
  void crash(std::uint64_t kept_through);

  // The wall clock was moved to this.
  void time_is(std::int64_t now_ms);
  // The address's states were looked up; then a call goes out with some of them. Returns what of all of them is there.
  void has_read(std::uint32_t address, std::int64_t now_ms) { carried_[address].read_at_ms = now_ms; }
  state_values const& call_begins(std::uint32_t address, std::array<bool, states_count> const& carried);

  // As they are stored: some may have expired.
  state_values const& states(std::uint32_t address) const { return now_.states[address]; }
  std::map<message::entry_key, waiting> const& mailbox(std::uint32_t address) const { return now_.mailboxes[address]; }
  std::map<message::entry_key, pending> const& delayed() const { return now_.delayed; }
  // The change that brought it in or sent it; 0: none.
  std::uint64_t ordered(std::uint32_t message) const { return now_.ordered[message]; }
  bool took_effect(std::uint32_t message) const { return now_.took_effect[message]; }
  // An operator has asked to skip this message of the address.
  void may_skip(std::uint32_t address, message::entry_key const& key) { may_skip_.emplace(address, key); }
  // Or to drop this dead letter.
  void may_drop(message::entry_key const& key) { may_drop_.insert(key); }
  // Skipped, or dropped.
  bool was_let_go(std::uint32_t message) const { return now_.let_go[message]; }
  std::map<message::entry_key, letter> const& letters() const { return now_.letters; }
  // Of the process that runs.
  trials& tried() noexcept { return trials_; }
  trials const& tried() const noexcept { return trials_; }
  std::set<std::uint32_t> const& paused() const { return now_.paused; }
  std::set<std::string> const& paused_types() const { return now_.paused_types; } // by name
  std::set<std::string> const& records(std::size_t egress) const { return now_.records[egress]; }
  // Its last turn did.
  bool last_wrote_to(std::uint32_t address, std::size_t egress) const { return last_wrote_to_[address][egress]; }
  std::size_t waiting_count() const noexcept { return now_.waiting_count; }
  std::uint64_t last_number() const noexcept { return now_.last_number; }

 private:
  struct facts {
    explicit facts(program const& run)
        : states(run.addresses_count()),
          mailboxes(run.addresses_count()),
          ordered(run.messages.size()),
          took_effect(run.messages.size()),
          let_go(run.messages.size()) {}

    std::vector<state_values> states;
    std::vector<std::map<message::entry_key, waiting>> mailboxes;
    std::map<message::entry_key, pending> delayed;
    std::vector<std::uint64_t> ordered;
    std::vector<bool> took_effect;
    std::vector<bool> let_go;
    std::map<message::entry_key, letter> letters;
    std::set<std::uint32_t> paused;
    std::set<std::string> paused_types;
    std::array<std::set<std::string>, egresses_count> records;
    std::size_t waiting_count = 0;
    std::uint64_t last_number = 0;
  };
  enum class consumption { taken, skipped, set_aside };
  struct numbered {
    std::uint64_t number;
    consumption how;
    message::change whole;
    std::int64_t clock_was_at_ms;
  };

  struct judgement {
    std::string wrong; // empty: nothing
    consumption how = consumption::taken;
  };
  judgement judge(message::change const& whole, std::int64_t now_ms, trials::room letters) const;
  judgement judge_consumed(message::change const& whole, std::int64_t now_ms, trials::room letters) const;
  std::string judge_turn(message::change const& whole, std::int64_t now_ms) const;
  std::string judge_states(message::change const& whole, std::array<bool, states_count> const& touched,
                           state_values const& become, std::int64_t now_ms) const;
  std::string judge_due(message::change const& whole, std::int64_t now_ms) const;
  std::string judge_accepted(message::change const& whole) const;
  std::string judge_letter(message::change const& whole) const;
  std::string judge_letter_gone(message::change const& whole) const;
  void follow(numbered const& next);
  void apply(facts& to, numbered const& next) const;

  program const& run_;
  facts base_; // before log_
  std::deque<numbered> log_;
  std::int64_t now_ms_ = 0;
  std::int64_t was_at_ms_ = 0; // before it was set back
  facts now_;
  struct carried_states { // by the last call
    std::int64_t read_at_ms = 0;
    std::array<bool, states_count> which{};
    state_values seen;
  };

  trials trials_;
  std::vector<std::array<bool, egresses_count>> last_wrote_to_;
  std::vector<carried_states> carried_;
  std::set<std::pair<std::uint32_t, message::entry_key>> may_skip_;
  std::set<message::entry_key> may_drop_;
};

// A message's value: its number.
std::uint32_t message_of(message::typed_value const& value);
message::typed_value value_of(std::uint32_t message);
// What the i-th record of a message says.
std::string record_of(std::uint32_t message, std::size_t i);
std::string state_name(std::size_t state);
std::size_t egress_of(message::egress_id const& id);
message::egress_id egress_id_of(std::size_t egress);

} // namespace statefund::simulation
