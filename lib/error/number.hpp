#pragma once

#include <string>

namespace statefund {

// What an operator can meet has a number, and a page docs/errors/SF<number>.md: what happened, what to do.
// tests/house holds the two against each other. Numbers are never given again.
enum class number : unsigned {
  // the daemon's life
  settings_invalid = 1,          // settings or flags cannot be used (exit 78)
  modules_directory_missing = 2, // the module directory cannot be read (exit 78)
  module_invalid = 3,            // a module file is refused
  store_keeps_nothing = 5,       // the memory store loses everything at a stop
  socket_unusable = 6,           // a listening socket cannot be made
  ready = 7,                     // the daemon serves
  draining = 8,                  // asked to stop; no new messages
  stopped = 9,                   // ended as asked
  messages_lost = 10,            // the memory store was stopped with messages in it (exit 1)
  file_limit = 11,               // the limit on open files is low for what is configured
  modules_loaded = 12,           // a snapshot of the modules is in force
  systemd_unreachable = 14,      // a report to the service manager cannot be sent
  setting_without_effect = 15,   // a setting was given that this version does not act on
  reload_failed = 30,            // the module directory cannot be read; what was in force stays
  modules_not_watched = 31,      // changes of the module directory are not noticed by themselves
  declared_not_running = 32,     // a module declares what this version does not run
  tls_files_unusable = 40,       // the TLS files of a function cannot be used
  tls_files_expiring = 41,       // a certificate among them has expired or soon will

  // what the doors answer
  request_malformed = 101,            // 400
  function_type_unknown = 102,        // 404
  message_too_large = 103,            // 413
  type_missing = 104,                 // 415
  mailbox_full = 105,                 // 429
  memory_mark_reached = 106,          // 429
  delayed_limit_reached = 107,        // 429
  keys_limit_reached = 108,           // 429
  not_accepting = 109,                // 503
  uid_not_allowed = 110,              // 403
  method_not_allowed = 111,           // 405
  client_too_slow = 112,              // 408
  key_conflict = 113,                 // 409
  sequence_ahead = 114,               // 409
  egress_unknown = 115,               // 404
  path_unknown = 116,                 // 404
  header_too_large = 117,             // 431
  connections_limit_reached = 118,    // 503
  rejected_before = 119,              // 429: an earlier message of the request to the same address was rejected
  function_types_limit_reached = 121, // 429
  reload_incomplete = 122,            // 422: a module file was refused, or keeps its last good version
  actions_not_allowed = 123,          // 403: this door only shows
  address_unknown = 124,              // 404: nothing is known of an address
  started_paused = 125,               // the daemon was started paused; 503 until it is resumed
  resumed = 126,                      // an operator has resumed the daemon
  addresses_limit_reached = 127,      // 429

  // what functions do
  call_failed = 201,          // a call's whole budget is spent; it is called again after a back-off
  call_recovered = 202,       // a call succeeded after failures
  generation_mismatch = 203,  // the endpoint speaks the other protocol generation
  function_in_error = 204,    // the answer asks for what cannot be done
  function_unbound = 205,     // messages wait for a function type that no module declares
  egress_held = 206,          // addresses stand still until an egress is read
  endpoint_not_reached = 207, // one call at a time tries an endpoint; its addresses wait
  endpoint_reached = 208,     // an endpoint is reached again

  // why an endpoint is not reached
  endpoint_unreachable = 215, // there is no connection to its endpoint
  name_unresolved = 216,      // its endpoint's host name has no address
  out_of_descriptors = 217,   // the daemon has no file descriptor left for a connection
  // why TLS to an endpoint fails; stands in the error of a call
  tls_certificate_refused = 210, // the server's certificate cannot be trusted, or not today
  tls_wrong_name = 211,          // it is for another name
  tls_not_in_common = 212,       // the server speaks no TLS, or none that both sides know
  tls_client_certificate = 213,  // the server wants a client certificate, or another one
  tls_broken = 214,              // TLS broke off in another way

  // why a call ended without another attempt
  call_refused = 220,      // the function refuses the messages, or they make too large a request
  answer_unreadable = 221, // an answer of the right type has bytes that cannot be read, or too many
  // what becomes of messages that are refused for good, and what operators do
  address_paused = 222,        // its address waits for an operator
  message_dead_lettered = 223, // it is set aside, and the rest goes on
  message_skipped = 224,       // it is dropped, and the rest goes on
  verdict_waits = 225,         // it is set aside or dropped only once another call has succeeded
  dead_letters_full = 226,     // it cannot be set aside, so its address waits for an operator
  batch_in_parts = 227,        // a batch that fails is called in parts
  operator_acted = 228,        // an operator has paused, resumed, skipped, replayed or dropped
  message_not_at_head = 229,   // 409: what is to be skipped is not the first message any more
  dead_letter_unknown = 230,   // 404
  dead_letter_taken = 231,     // 409: another operator is replaying or dropping it

  // errors of a function, each by its name
  state_undeclared = 232,
  state_type_mismatch = 233,
  nothing_new_asked = 234,
  too_many_states = 235,
  cancellation_without_token = 236,
  delay_out_of_range = 237,
  target_invalid = 238,
  states_too_large = 239,

  // who waits for room
  memory_held = 240,           // the hard memory mark is reached; functions that add to it wait
  unbound_held = 241,          // senders wait, for too much waits for a type that no module declares
  sync_late = 242,             // 503: the store does not come back from a sync
  sync_in_time = 243,          // it has come back
  unsynced_mark_reached = 244, // 503: too much is not durable yet
  attempt_failed = 247,        // of a call, which tries again until its time is over
  disk_held = 245,             // the disk is almost full; functions that add to it wait
  another_egress_held = 246,   // there are enough egresses; functions that write to a further one wait

  // the store
  store_lost = 301,           // a write or sync failed: the daemon ends at once (exit 1)
  store_not_opened = 302,     // the data directory cannot be used (exit 1)
  store_loading = 309,        // a start takes long, and says what it is doing
  store_promise_broken = 303, // durable changes are missing from it (exit 1)
  store_damaged = 304,        // a row or a block of it is damaged (exit 1)
  store_opened = 305,         // what it holds, at the start
  store_may_lose = 306,       // store.sync lets a power loss take answered messages
  low_on_space = 307,         // 503: the disk is almost full
  space_again = 308,          // it has room again

  // backups
  backup_made = 310,               // a copy of the data directory is whole and on the disk
  nothing_to_back_up = 311,        // 409: the store keeps nothing on a disk
  backup_directory_unusable = 312, // 409: the copy cannot be made there
  backup_under_way = 313,          // 409: one at a time
  backup_failed = 314,             // 500: a copy was begun, did not end, and is removed

  // the clock that times are kept by
  wall_clock_set = 315, // it has jumped: what expires or is due does so early, or late
};

// "SF0101"
std::string to_string(number value);

} // namespace statefund
