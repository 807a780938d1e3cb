#pragma once

#include "module/diagnostic.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::module {

// YAML as the readers of this room see it: a tree with a place for every value. Made in one pass over the parser's
// events, so that a text that is too large, too deep, or that unfolds into too much is left at the first value that
// is too many, before memory is spent on it.

enum class node_kind {
  null,     // nothing, ~ or null
  scalar,   // text, quoted or not
  sequence, // a list
  map,      // keys that are text, each once, in the order of the file
};

std::string_view to_string(node_kind value) noexcept; // "nothing", "text", "a list", "a map"

struct node {
  struct entry;

  node_kind kind = node_kind::null;
  std::string text;               // of a scalar
  std::vector<node const*> items; // of a sequence
  std::vector<entry> entries;     // of a map
  unsigned line = 1;              // from 1; a missing value stands at its key
  unsigned column = 1;            // from 1, in bytes
  std::size_t unfolded_count = 1; // with everything below it, aliases followed
  unsigned height = 0;            // levels of collections, itself included

  node const* find(std::string_view key) const noexcept;
};

struct node::entry {
  node const* key;
  node const* value;
};

struct document_limits {
  std::size_t text_bytes_max = std::size_t{4} * 1024 * 1024;
  std::size_t nodes_max = 10'000; // in a file, keys included, aliases counted as what they stand for
  unsigned levels_max = 64;       // of lists and maps in each other
  // The parser looks far ahead of each '[' and '{', as far as its line goes, before it says a word.
  std::size_t brackets_max = 20'000; // anywhere in the text
  std::size_t line_bytes_max = std::size_t{256} * 1024;
};

// The documents of one text; owns the nodes. An alias is a second pointer to the node that it stands for.
struct document_stream {
  std::deque<node> nodes;
  std::vector<node const*> documents; // those read whole, empty ones left out
  diagnostics errors;                 // reading ends at the first that is not a repeated key or an odd tag
};

// Never throws but std::bad_alloc. `file` is for the errors alone.
document_stream read_documents(std::string const& file, std::string const& text, document_limits const& limits = {});

} // namespace statefund::module
