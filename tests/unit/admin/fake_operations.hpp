#pragma once

#include "dispatch/operations.hpp"

#include <optional>
#include <string>
#include <vector>

namespace statefund::support {

// Writes down what is asked of dispatch, and answers as it is told to.
class fake_operations final : public dispatch::operations {
 public:
  boost::asio::awaitable<dispatch::address_list> addresses(dispatch::address_filter wanted) override {
    asked.push_back("addresses " + std::string(wanted.stands ? dispatch::to_string(*wanted.stands) : "any") + " " +
                    (wanted.type ? to_text(*wanted.type) : "any") + " " + std::to_string(wanted.addresses_max));
    co_return list;
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::address_detail>> describe(message::address self) override {
    asked.push_back("describe " + to_text(self));
    if (refused)
      co_return *refused;
    co_return seen;
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> pause(message::address self,
                                                                       std::string reason) override {
    return verb("pause " + to_text(self) + " " + reason);
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> resume(message::address self) override {
    return verb("resume " + to_text(self));
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> skip(message::address self,
                                                                      message::entry_key head) override {
    return verb("skip " + to_text(self) + " " + to_text(head));
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> pause(message::function_type type,
                                                                       std::string reason) override {
    return verb("pause type " + to_text(type) + " " + reason);
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> resume(message::function_type type) override {
    return verb("resume type " + to_text(type));
  }
  boost::asio::awaitable<result<dispatch::dead_letter_page>> dead_letters(store::dead_letter_filter wanted,
                                                                          std::optional<message::entry_key> after,
                                                                          std::size_t letters_max) override {
    asked.push_back("dead letters " + filter_text(wanted) + " " + (after ? to_text(*after) : "first") + " " +
                    std::to_string(letters_max));
    co_return page;
  }
  boost::asio::awaitable<dispatch::verb_answer<store::dead_letter_row>> dead_letter(message::entry_key id) override {
    asked.push_back("dead letter " + to_text(id));
    if (refused)
      co_return *refused;
    co_return row;
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> replay(message::entry_key id) override {
    return verb("replay " + to_text(id));
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> drop(message::entry_key id) override {
    return verb("drop " + to_text(id));
  }
  boost::asio::awaitable<result<dispatch::replayed>> replay_all(store::dead_letter_filter wanted) override {
    asked.push_back("replay " + filter_text(wanted));
    co_return many;
  }
  bool resume_all() override { return is_paused; }

  static std::string filter_text(store::dead_letter_filter const& wanted) {
    return (wanted.type ? to_text(*wanted.type) : "any") + " " + (wanted.self ? to_text(*wanted.self) : "any");
  }
  boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb(std::string what) {
    asked.push_back(std::move(what));
    if (is_lost)
      co_return error{store::errc::lost, {}};
    if (refused)
      co_return *refused;
    co_return dispatch::acted{changes};
  }

  std::vector<std::string> asked;
  std::optional<dispatch::refusal> refused;
  bool changes = true;
  bool is_lost = false;
  bool is_paused = false;
  dispatch::address_list list;
  dispatch::address_detail seen;
  dispatch::dead_letter_page page;
  store::dead_letter_row row;
  dispatch::replayed many;
};

} // namespace statefund::support
