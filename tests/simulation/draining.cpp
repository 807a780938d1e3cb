#include "simulation/modules.hpp"
#include "simulation/world.hpp"

#include <algorithm>

namespace statefund::simulation {

void world::calm_down() {
  if (!ok())
    return;
  if (ends_soon_)
    crash(*std::exchange(ends_soon_, std::nullopt));
  outages_.fill({});
  std::fill(failures_left_.begin(), failures_left_.end(), std::uint8_t{0});
  bool all_present = false;
  constexpr int rounds_max = 400;
  for (int round = 0; ok(); ++round) {
    if (round == rounds_max)
      return wrong("it does not drain:\n" + where_it_stands());
    for (int i = 0; i < 30; ++i) {
      poll_all();
      late_.release_all();
      store_->write(1000);
      store_->sync();
    }
    if (started_ && !all_present && !std::exchange(applies_, true)) {
      all_present = true;
      outside_->start(apply(make_modules(run_.modules_chance, presence::all, ++generation_)));
    }
    if (started_ && !applies_ && round % 4 == 0)
      resume_everything();
    bool answered = true;
    for (std::uint32_t i = 0; i < sent_.size(); ++i) {
      auto const& own = sent_[i];
      if (!own.comes_in || own.accepted || (own.unknown && !own.keyed))
        continue;
      if (!own.keyed && own.refused && i % 2 == 0)
        continue; // gives up
      answered = false;
      if (!own.under_way)
        send({i}, false);
    }
    bool read_all = true;
    for (std::size_t egress = 0; egress < egresses_count; ++egress) {
      read_all = read_all && readers_[egress].seen == model_.records(egress);
      start_read(egress, 6);
    }
    if (started_ && answered && read_all && all_present && !applies_ && model_.paused().empty() &&
        model_.paused_types().empty() && model_.letters().empty() && model_.waiting_count() == 0 &&
        model_.delayed().empty())
      return;
    move_time(20U << std::min(round / 4, 6));
  }
}

} // namespace statefund::simulation
