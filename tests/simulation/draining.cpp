#include "simulation/modules.hpp"
#include "simulation/world.hpp"

#include <algorithm>

namespace statefund::simulation {

namespace {

constexpr int rounds_max = 400;

} // namespace

void world::calm_down() {
  if (!ok())
    return;
  if (ends_soon_)
    crash(*std::exchange(ends_soon_, std::nullopt));
  outages_.fill({});
  disk_full_until_ = {};
  for (int round = 0; ok() && (!started_ || applies_); ++round) {
    check(round < rounds_max, "a start or a reload does not end");
    settle();
    move_time(20);
  }
  applies_ = true;
  outside_->start(apply(make_modules(run_, run_.modules_chance, presence::all, ++generation_)));
  if (run_.isolates) {
    break_some();
    drain_rest();
  }
  heal_all();
  if (run_.isolates && ok())
    crash_while_it_is_mended();
  drain_rest();
}

// One address, one endpoint and one egress: whoever depends on none of them, and on no message that is refused for
// good, has to drain all the same.
void world::break_some() {
  auto const chance = run_.broken_chance;
  constexpr std::array ways{trouble::out_of_reach, trouble::cut, trouble::late, trouble::refused};
  broken_ = {chance % kinds.size(), chance / 8 % egresses_count};
  outages_[broken_->kind] = {clock::steady::time_point::max(), ways[chance / 16 % ways.size()]};
  if (auto const address = chance / 64 % static_cast<std::uint32_t>(run_.addresses_count()); !run_.is_probed(address))
    outside_->start(carry_out(all_->pause(addresses_[address], "broken")));
}

void world::heal_all() {
  broken_.reset();
  outages_.fill({});
  std::fill(failures_left_.begin(), failures_left_.end(), std::uint8_t{0});
}

void world::crash_while_it_is_mended() {
  resume_everything();
  for (auto count = below(300); count > 0 && ok(); --count)
    stir();
  crash(one_in(2) ? action::kill : action::lose_power);
}

void world::settle() {
  for (int i = 0; i < 30; ++i) {
    poll_all();
    late_.release_all();
    store_->write(1000);
    store_->sync();
  }
}

void world::drain_rest() {
  for (int round = 0; ok(); ++round) {
    if (round == rounds_max)
      return wrong((broken_ ? "what depends on nothing broken does not drain:\n" : "it does not drain:\n") +
                   where_it_stands());
    settle();
    if (!broken_ && started_ && !applies_ && round % 4 == 0)
      resume_everything();
    if (broken_ && round % 8 == 7)
      probe();
    if (is_drained())
      return;
    move_time(std::max(20U << std::min(round / 4, 6), until_due_ms(round)));
  }
}

// Where little is left but delayed messages that a jump of the clock has put far off.
std::uint32_t world::until_due_ms(int round) const {
  std::int64_t least_ms = 0;
  for (auto const& [key, own] : model_.delayed())
    if (auto const left_ms = own.due_ms - clock::unix_ms(); left_ms > 0)
      least_ms = least_ms == 0 ? left_ms : std::min(least_ms, left_ms);
  return round < 40 ? 0 : static_cast<std::uint32_t>(least_ms);
}

// Asks for what is left, as well.
bool world::is_drained() {
  bool drained = started_ && !applies_;
  for (std::uint32_t i = 0; i < sent_.size(); ++i) {
    auto const& own = sent_[i];
    if (!own.comes_in || own.accepted || (own.unknown && !own.keyed))
      continue;
    if (!own.keyed && own.refused && i % 2 == 0)
      continue; // gives up
    drained = drained && is_stuck(run_.messages[i].target);
    if (!own.under_way)
      send({i}, false);
  }
  for (std::size_t egress = 0; egress < egresses_count; ++egress) {
    if (broken_ && broken_->egress == egress)
      continue;
    drained = drained && readers_[egress].seen == model_.records(egress);
    start_read(egress, 6);
  }
  for (auto const& [key, own] : model_.delayed())
    drained = drained && is_stuck(run_.messages[own.message].target);
  for (std::uint32_t i = 0; drained && i < run_.addresses_count(); ++i)
    drained = model_.mailbox(i).empty() || is_stuck(i);
  return drained && (broken_ || (model_.paused().empty() && model_.paused_types().empty() && model_.letters().empty()));
}

// Whether what waits there may go on waiting, for the sake of what is broken.
bool world::is_stuck(std::uint32_t address) const {
  if (!broken_)
    return false;
  auto const kind = run_.kind_of(address);
  if (kind == broken_->kind || model_.paused().contains(address) ||
      model_.paused_types().contains(std::string(kinds[kind].name)))
    return true;
  auto const account = store_->find_account(egress_id_of(broken_->egress));
  bool const is_full = account && account->bytes * 2 >= run_.egress_bytes_max; // or was: who is held is so down to here
  auto const waits_for = [&](auto const& entry) {
    auto const message = entry.second.message;
    auto const& does = run_.messages[message].does;
    return never_ends(message) || (is_full && std::any_of(does.begin(), does.end(), [&](command const& one) {
                                     return one.what == verb::record && one.which == broken_->egress;
                                   }));
  };
  auto const& waits = model_.mailbox(address);
  return (is_full && model_.last_wrote_to(address, broken_->egress)) ||
         std::any_of(waits.begin(), waits.end(), waits_for);
}

// Its calls fail for ever, and it is never given up: they say nothing of it, or its module says so.
bool world::never_ends(std::uint32_t message) const {
  auto const what = run_.messages[message].failure;
  if (failures_left_[message] != for_ever)
    return false;
  if (what == trouble::cut || what == trouble::late)
    return true;
  bool const is_counted = what == trouble::too_large || what == trouble::thrown || what == trouble::misplaced;
  auto const* const declared = modules_->find(run_.address(run_.messages[message].target).type);
  return is_counted && (!declared || declared->policy.attempts_max == 0);
}

// Whoever waits for the success of another call goes on after it.
void world::probe() {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    bool waits = false;
    for (auto id = static_cast<std::uint32_t>(kind * run_.ids_count); id < (kind + 1) * run_.ids_count; ++id)
      waits = waits || (!model_.mailbox(id).empty() && !is_stuck(id));
    if (!waits || probes_sent_count_[kind] == probes_count)
      continue;
    auto& own = sent_[run_.probe(kind, probes_sent_count_[kind]++)];
    own.comes_in = own.keyed = true;
  }
}

} // namespace statefund::simulation
