#include "mailbox/mailboxes.hpp"

#include "error/ensure.hpp"

namespace statefund::mailbox {

mailbox& mailboxes::open(message::address const& self) {
  return by_address_.try_emplace(self, self).first->second;
}

mailbox* mailboxes::find(message::address const& self) noexcept {
  auto const found = by_address_.find(self);
  return found == by_address_.end() ? nullptr : &found->second;
}

void mailboxes::erase(mailbox& idle) {
  ensure(idle.stands == phase::idle && idle.waiting_count() == 0 && !idle.paused && !idle.is_read,
         "only an idle mailbox is erased");
  by_address_.erase(by_address_.find(idle.self()));
}

} // namespace statefund::mailbox
