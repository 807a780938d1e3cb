#include "dispatch/accept.hpp"

#include "error/ensure.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock::deadline;

namespace {

constexpr std::size_t key_bytes_max = 1024;
// The memory mark sinks without telling anybody: who waits for it looks again.
constexpr auto memory_looked_at_every = 20ms;

// The same key with another type, other bytes or another delay is a conflict. A collision would lose a message, hence
// a cryptographic hash.
std::string fingerprint_of(submission const& message) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const state(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  auto const delay_ms = message.delay.count();
  auto const& [type_name, has_value, bytes] = message.value;
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  bool const done = state && EVP_DigestInit_ex(state.get(), EVP_sha256(), nullptr) == 1 &&
                    EVP_DigestUpdate(state.get(), type_name.c_str(), type_name.size() + 1) == 1 &&
                    EVP_DigestUpdate(state.get(), &delay_ms, sizeof delay_ms) == 1 &&
                    EVP_DigestUpdate(state.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(state.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1;
  ensure(done, "SHA-256 is there and takes any bytes");
  digest.resize(size);
  return digest;
}

} // namespace

std::optional<refusal> refusal_in(serving_state state) {
  switch (state) {
  case serving_state::serving:
    return std::nullopt;
  case serving_state::starting:
    return refusal{number::not_accepting, "statefund is starting; send the message again in a moment", 1s};
  case serving_state::paused:
    return refusal{number::not_accepting, "statefund is paused by its operator; send the message again later", 30s};
  case serving_state::draining:
  case serving_state::stopping:
    break;
  }
  return refusal{number::not_accepting, "statefund is stopping; send the message again once it is back", 5s};
}

asio::awaitable<receipt> accept::one(submission message) {
  auto told = at_once(message, nullptr);
  if (!told && !message.idempotency_key)
    told = no_room_for(message, *data_.types.find(message.target.type));
  if (!told) {
    door_queue::place at(data_.doors, message.target);
    auto const wait_until = deadline::after(10s);
    auto admitted = co_await admit(message, at, patience::none, wait_until);
    told = std::move(admitted);
  }
  // Who sends one message waits for it: its write need not wait for the way back to the connection, and for turns.
  if (auto const* const ordered = std::get_if<accepted>(&*told))
    data_.store.hasten(ordered->ordered);
  co_return *std::move(told);
}

asio::awaitable<std::vector<receipt>> accept::of_upload(std::vector<submission> messages,
                                                        upload::rejected_addresses& rejected,
                                                        std::chrono::nanoseconds wait_max) {
  std::vector<receipt> all;
  all.reserve(messages.size());
  std::optional<door_queue::place> at; // kept while there is room: uploads take turns by mailboxes full
  for (auto& one : messages) {
    auto const caller = co_await asio::this_coro::cancellation_state;
    if (caller.cancelled() != asio::cancellation_type::none) {
      all.emplace_back(refusal{number::not_accepting, "the upload was broken off", std::nullopt});
      continue;
    }
    if (rejected.contains(one.target)) {
      all.emplace_back(refusal{number::rejected_before,
                               "an earlier message of this request to the same address was rejected, and order is kept",
                               1s});
      continue;
    }
    if (at && (at->target() != one.target || is_shut(one.target)))
      at.reset();
    if (auto told = at_once(one, at ? &*at : nullptr)) {
      all.push_back(*std::move(told));
    } else {
      if (!at)
        at.emplace(data_.doors, one.target);
      auto const wait_until = deadline::after(wait_max);
      auto waited = co_await admit(one, *at, patience::waits, wait_until);
      all.push_back(std::move(waited));
    }
    if (std::holds_alternative<refusal>(all.back()))
      rejected.add(one.target);
  }
  co_return all;
}

std::optional<receipt> accept::at_once(submission& message, door_queue::place const* first) {
  if (auto closed = refusal_in(data_.process.state.load(std::memory_order_relaxed)))
    return *std::move(closed);
  lane const* const type = data_.types.find(message.target.type);
  if (!type)
    return unknown(message.target.type);
  auto const& key = message.idempotency_key;
  if (key && (key->empty() || key->size() > key_bytes_max))
    return refusal{number::request_malformed, "an idempotency key has between 1 and 1024 bytes", std::nullopt};
  if (key || (!first && data_.doors.is_occupied(message.target)) || no_room_for(message, *type))
    return std::nullopt;
  return order(std::move(message), {});
}

bool accept::is_shut(message::address const& target) {
  auto const* const box = data_.mailboxes.find(target);
  return box && box->is_shut();
}

asio::awaitable<receipt> accept::admit(submission& message, door_queue::place& at, patience when_full,
                                       deadline wait_until) {
  auto& target = message.target;
  auto& key = message.idempotency_key;
  auto const came_first = co_await at.first(wait_until);
  if (came_first != task::wait_end::notified)
    co_return refusal{number::mailbox_full, "the mailbox of " + to_text(target) + " is full, and others wait before it",
                      1s};
  std::string fingerprint;
  if (key) {
    fingerprint = fingerprint_of(message);
    auto const known = co_await data_.store.read_key(target, *key);
    if (!known) {
      data_.store_lost(known.error());
      co_return refusal{number::not_accepting, "the store was lost", 5s};
    }
    if (*known) {
      if ((*known)->key.fingerprint != fingerprint)
        co_return refusal{number::key_conflict, "this idempotency key was accepted before, for other bytes",
                          std::nullopt};
      co_return duplicate{(*known)->first, store::ticket((*known)->first.number)};
    }
    if (!data_.store.has_room_for_key())
      co_return refusal{number::keys_limit_reached, "limits.idempotency_keys_max keys are inside their window already",
                        60s};
  }
  for (;;) {
    if (auto closed = refusal_in(data_.process.state.load(std::memory_order_relaxed)))
      co_return *std::move(closed);
    lane const* const type = data_.types.find(target.type); // a reload may have come between
    if (!type)
      co_return unknown(target.type);
    auto full = no_room_for(message, *type);
    if (!full)
      co_return order(std::move(message), std::move(fingerprint));
    if (when_full == patience::none || wait_until.reached())
      co_return *std::move(full);
    auto const next_look =
        full->why == number::mailbox_full ? wait_until : std::min(wait_until, deadline::after(memory_looked_at_every));
    auto const looked = co_await at.room(next_look);
    if (looked == task::wait_end::cancelled)
      co_return *std::move(full);
  }
}

std::optional<refusal> accept::refusal_of(submission const& message) {
  if (auto closed = refusal_in(data_.process.state.load(std::memory_order_relaxed)))
    return closed;
  lane const* const type = data_.types.find(message.target.type);
  if (!type)
    return unknown(message.target.type);
  if (data_.doors.is_occupied(message.target))
    return refusal{number::mailbox_full, "others wait before the mailbox of " + to_text(message.target), 1s};
  return no_room_for(message, *type);
}

refusal accept::unknown(message::function_type const& type) const {
  if (data_.functions.is_full())
    return {number::function_types_limit_reached,
            "limits.function_types_max function types are in use; " + to_text(type) + " would be one more", 60s};
  return {number::function_type_unknown, "no module declares the function type " + to_text(type), std::nullopt};
}

std::optional<refusal> accept::no_room_for(submission const& message, lane const& type) {
  if (auto behind = data_.sync.closes_doors())
    return behind;
  if (message.delay > 0ms) {
    if (data_.process.delayed_count.load(std::memory_order_relaxed) >=
        static_cast<std::int64_t>(data_.chosen.delayed_max))
      return refusal{number::delayed_limit_reached, "limits.delayed_max messages are pending already", 10s};
  } else if (auto const* const box = data_.mailboxes.find(message.target); box && box->is_shut()) {
    return refusal{number::mailbox_full,
                   "the mailbox of " + to_text(message.target) + " is full: " + std::to_string(box->waiting_count()) +
                       " messages wait, maxNumBatchRequests is " + std::to_string(type.limits.waiting_max.value_or(0)),
                   1s};
  } else if (!box && data_.mailboxes.count() * data_.place.shards_count >= data_.chosen.waiting_addresses_max) {
    return refusal{number::addresses_limit_reached,
                   "limits.waiting_addresses_max addresses have messages that wait; " + to_text(message.target) +
                       " would be one more",
                   1s};
  }
  auto const buffered = data_.process.buffered_bytes.load(std::memory_order_relaxed);
  if (!data_.chosen.memory.admits(buffered - static_cast<std::int64_t>(message.reserved_bytes),
                                  message::buffered_bytes(std::nullopt, message.value)))
    return refusal{number::memory_mark_reached,
                   "the daemon holds " + std::to_string(buffered) +
                       " bytes of messages, limits.buffered_bytes_max is " +
                       std::to_string(data_.chosen.memory.bytes_max),
                   1s};
  return std::nullopt;
}

receipt accept::order(submission message, std::string fingerprint) {
  message::change whole;
  whole.self = message.target;
  auto const now_ms = clock::unix_ms();
  if (message.idempotency_key)
    whole.key = message::accepted_key{std::move(*message.idempotency_key), std::move(fingerprint),
                                      now_ms + data_.chosen.key_window.count()};
  message::envelope envelope{std::move(message.target), std::nullopt, std::move(message.value)};
  if (message.delay > 0ms)
    whole.delayed_set.push_back({now_ms + message.delay.count(), {}, std::move(envelope)});
  else
    whole.messages.push_back(std::move(envelope));
  auto const ordered = data_.store.commit(whole);
  data_.delivered.release(whole, ordered);
  return accepted{{ordered.number(), 0}, ordered};
}

} // namespace statefund::dispatch
