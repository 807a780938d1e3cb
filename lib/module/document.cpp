#include "module/document.hpp"

#include "module/source_text.hpp"
#include "module/yaml_fault.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace statefund::module {
namespace {

constexpr std::string_view no_break_space = "\xc2\xa0";

// Ends the parser's run from within a handler; never leaves this file.
struct enough {};

class tree_builder final : public YAML::EventHandler {
 public:
  tree_builder(std::string const& file, std::string_view text, document_limits const& limits, document_stream& out)
      : file_(file),
        text_(text.substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0)),
        limits_(limits),
        out_(out) {}

  void OnDocumentStart(YAML::Mark const& mark) override {
    if (!is_first_ && !is_marked(mark))
      refuse_unmarked(mark);
    is_first_ = false;
    open_.clear();
    anchors_.clear();
    root_ = nullptr;
  }

  void OnDocumentEnd() override {
    if (root_ && root_->kind != node_kind::null)
      out_.documents.push_back(root_);
  }

  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    node& made = make(node_kind::null, mark, anchor);
    // The parser gives a missing value the place of whatever comes next.
    if (!open_.empty() && open_.back().key) {
      made.line = open_.back().key->line;
      made.column = open_.back().key->column;
    }
    place_in_parent(made);
  }

  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    auto const found = anchors_.find(anchor);
    if (found == anchors_.end())
      stop(mark, "the alias stands for nothing; expected an anchor before it");
    node& meant = *found->second;
    for (auto const& each : open_)
      if (each.made == &meant)
        stop(mark, "the alias stands inside of what it stands for; expected an anchor that ends before it");
    count(meant.unfolded_count, mark);
    check_levels(open_.size() + meant.height, mark);
    place_in_parent(meant, mark);
  }

  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& value) override {
    check_tag(mark, tag);
    check_closed(mark);
    node& made = make(node_kind::scalar, mark, anchor);
    made.text = value;
    place_in_parent(made);
  }

  void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node_kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node_kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct frame {
    node* made;
    node const* key = nullptr; // of a map, between a key and its value
    std::unordered_map<std::string_view, node const*> keys{};
  };

  place place_of(YAML::Mark const& mark) const {
    return {file_, static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
  }

  [[noreturn]] void stop(YAML::Mark const& mark, std::string message) {
    out_.errors.push_back({place_of(mark), std::move(message), {}});
    throw enough{};
  }

  void count(std::size_t more, YAML::Mark const& mark) {
    counted_ += more;
    if (counted_ > limits_.nodes_max)
      stop(mark, "the file holds more than " + std::to_string(limits_.nodes_max) +
                     " values (an alias counts as all that it stands for); expected at most that");
  }

  void check_levels(std::size_t levels, YAML::Mark const& mark) {
    if (levels > limits_.levels_max)
      stop(mark, "lists and maps stand in each other more than " + std::to_string(limits_.levels_max) +
                     " levels deep; expected at most that");
  }

  void check_tag(YAML::Mark const& mark, std::string const& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:"))
      return;
    out_.errors.push_back({place_of(mark), "the tag " + quoted(tag) + " is unknown; expected no tag", {}});
  }

  // The parser takes a quoted text without its closing mark, and all that follows into it.
  void check_closed(YAML::Mark const& mark) {
    auto at = static_cast<std::size_t>(mark.pos);
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) // an anchor or a tag before it
      at = text_.find_first_not_of(" \t", text_.find_first_of(" \t\n", at));
    bool const is_quoted = at < text_.size() && (text_[at] == '"' || text_[at] == '\'');
    if (is_quoted && quoted_end(text_, at) == std::string_view::npos)
      stop(mark, std::string("the quotation mark is never closed; expected another ") + text_[at] +
                     " at the end of the text");
  }

  // Whether "---" stands where a document begins, or "..." where the one before has ended.
  bool is_marked(YAML::Mark const& mark) const {
    auto before = text_.substr(0, static_cast<std::size_t>(mark.pos));
    if (text_.substr(before.size(), 3) == "---")
      return true;
    while (!before.empty()) {
      before.remove_suffix(1);
      auto const line = before.substr(before.rfind('\n') + 1);
      auto const begin = line.find_first_not_of(" \t\r");
      if (begin != std::string_view::npos && line[begin] != '#')
        return line.starts_with("...");
      before.remove_suffix(line.size());
    }
    return true;
  }

  // Where the first line of a file is indented and a later one is not, the parser begins another document.
  [[noreturn]] void refuse_unmarked(YAML::Mark const& mark) {
    if (root_ && root_->kind != node_kind::null)
      out_.documents.pop_back();
    auto const where = place_of(mark);
    out_.errors.push_back(explain({std::string(second_document), where.line, where.column}, file_, text_));
    throw enough{};
  }

  void refuse_repeated(node const& key, node const& first) {
    place const at{file_, first.line, first.column};
    diagnostic found{{file_, key.line, key.column},
                     "the key " + quoted(key.text) + " stands here a second time; the first is at " + to_string(at) +
                         "; expected it once",
                     {}};
    found.first = at;
    out_.errors.push_back(std::move(found));
  }

  node& make(node_kind kind, YAML::Mark const& mark, YAML::anchor_t anchor) {
    count(1, mark);
    node& made = out_.nodes.emplace_back();
    made.kind = kind;
    made.line = static_cast<unsigned>(mark.line) + 1;
    made.column = static_cast<unsigned>(mark.column) + 1;
    if (anchor != YAML::NullAnchor)
      anchors_[anchor] = &made;
    return made;
  }

  void open(node_kind kind, YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    check_levels(open_.size() + 1, mark);
    open_.push_back({&make(kind, mark, anchor)});
  }

  void close() {
    node& made = *open_.back().made;
    open_.pop_back();
    ++made.height;
    place_in_parent(made);
  }

  void place_in_parent(node const& made) {
    YAML::Mark mark;
    mark.line = static_cast<int>(made.line) - 1;
    mark.column = static_cast<int>(made.column) - 1;
    place_in_parent(made, mark);
  }

  void place_in_parent(node const& made, YAML::Mark const& mark) {
    if (open_.empty()) {
      root_ = &made;
      return;
    }
    frame& parent = open_.back();
    node& into = *parent.made;
    into.unfolded_count += made.unfolded_count;
    into.height = std::max(into.height, made.height);
    if (into.kind == node_kind::sequence) {
      into.items.push_back(&made);
      return;
    }
    if (!parent.key) {
      if (made.kind != node_kind::scalar)
        stop(mark, std::string(to_string(made.kind)) + " stands as a key; expected text");
      parent.key = &made;
      return;
    }
    auto const [first, is_new] = parent.keys.emplace(parent.key->text, parent.key);
    if (is_new)
      into.entries.push_back({parent.key, &made});
    else
      refuse_repeated(*parent.key, *first->second);
    parent.key = nullptr;
  }

  std::string const& file_;
  std::string_view text_;
  document_limits const& limits_;
  document_stream& out_;
  std::vector<frame> open_;
  std::unordered_map<YAML::anchor_t, node*> anchors_;
  node const* root_ = nullptr;
  std::size_t counted_ = 0;
  bool is_first_ = true;
};

// Control bytes and broken UTF-8, which the parser lets through (0x04 it takes for the end of the text), spaces that it
// takes for letters, and brackets and lines without end, on which it spends a gigabyte.
std::optional<diagnostic> find_unparsable(std::string const& file, std::string_view text,
                                          document_limits const& limits) {
  unsigned line = 1;
  std::size_t line_begin = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  std::size_t bracket_count = 0;
  bool in_indentation = true;
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return diagnostic{{file, 0, 0}, "the file is UTF-16; expected UTF-8 text", {}};
  for (std::size_t at = line_begin; at < text.size();) {
    auto const byte = static_cast<unsigned char>(text[at]);
    auto const fault = [&](std::string message) {
      return diagnostic{{file, line, static_cast<unsigned>(at - line_begin) + 1}, std::move(message), {}};
    };
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      return fault(std::string("the control byte 0x") + digits[byte >> 4] + digits[byte & 15] +
                   " stands in the file; expected UTF-8 text");
    }
    if ((byte == '[' || byte == '{') && ++bracket_count > limits.brackets_max)
      return fault("the file has more than " + std::to_string(limits.brackets_max) +
                   " opening brackets; expected at most that");
    if (at - line_begin >= limits.line_bytes_max && byte != '\n')
      return fault("the line has more than " + std::to_string(limits.line_bytes_max) + " bytes; expected at most that");
    std::size_t const size = character_bytes(text, at);
    if (size == 0)
      return fault("the file is not UTF-8 from here on; expected UTF-8 text");
    if (in_indentation && text.substr(at, size) == no_break_space)
      return fault("a no-break space (U+00A0) stands in the line's indentation; YAML is indented with spaces");
    at += size;
    in_indentation = byte == '\n' || (in_indentation && byte == ' ');
    if (byte == '\n') {
      ++line;
      line_begin = at;
    }
  }
  return std::nullopt;
}

} // namespace

std::string_view to_string(node_kind value) noexcept {
  switch (value) {
  case node_kind::null:
    return "nothing";
  case node_kind::scalar:
    return "text";
  case node_kind::sequence:
    return "a list";
  case node_kind::map:
    return "a map";
  }
  return "something";
}

node const* node::find(std::string_view key) const noexcept {
  for (auto const& each : entries)
    if (each.key->text == key)
      return each.value;
  return nullptr;
}

document_stream read_documents(std::string const& file, std::string const& text, document_limits const& limits) {
  document_stream out;
  if (text.size() > limits.text_bytes_max) {
    out.errors.push_back({{file, 0, 0},
                          "the file has " + std::to_string(text.size()) + " bytes; expected at most " +
                              std::to_string(limits.text_bytes_max),
                          {}});
    return out;
  }
  if (auto foreign = find_unparsable(file, text, limits)) {
    out.errors.push_back(std::move(*foreign));
    return out;
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    tree_builder builder(file, text, limits, out);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (enough const&) {
    // the error stands in `out`
  } catch (YAML::Exception const& failure) {
    yaml_fault fault{failure.msg};
    if (!failure.mark.is_null()) {
      fault.line = static_cast<unsigned>(failure.mark.line) + 1;
      fault.column = static_cast<unsigned>(failure.mark.column) + 1;
    }
    out.errors.push_back(explain(fault, file, text));
  }
  return out;
}

} // namespace statefund::module
