#include "catalog/read_directory.hpp"

#include "catalog/errc.hpp"
#include "module/parse.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace statefund::catalog {
namespace {

class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  ~descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  int get() const noexcept { return number_; }

 private:
  int number_;
};

struct close_directory {
  void operator()(DIR* opened) const noexcept { ::closedir(opened); }
};
using open_directory = std::unique_ptr<DIR, close_directory>;

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

// The fault, empty if `text` holds the whole file.
std::string read_whole(int file, std::string& text) {
  struct stat about {};
  if (::fstat(file, &about) != 0)
    return "the file cannot be read: " + reason(errno);
  if (!S_ISREG(about.st_mode))
    return "it is no regular file; expected one, or a link to one";
  std::size_t const enough = module::text_bytes_max + 1;
  auto const expected = static_cast<std::size_t>(about.st_size); // a guess, for it may grow or shrink meanwhile
  while (text.size() < enough) {
    std::size_t const had = text.size();
    text.resize(std::min(enough, std::max(expected, had) + 4096));
    ssize_t const got = ::read(file, text.data() + had, text.size() - had);
    int const failure = errno;
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0)
      return {};
    if (got < 0 && failure != EINTR)
      return "the file cannot be read: " + reason(failure);
  }
  return "the file has more than " + std::to_string(module::text_bytes_max) + " bytes; expected at most that";
}

// A link that leads nowhere is there, and to be told of; what is no link was gone when it was opened, even if it is
// back since then.
bool is_link(int directory, std::string const& name) {
  struct stat about {};
  return ::fstatat(directory, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode);
}

enum class presence { there, gone };

presence read_file(int directory, std::string const& name, file_text& into) {
  // Not blocking: a named pipe would wait for its writer.
  descriptor const opened(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int const failure = errno;
  if (opened.get() >= 0)
    into.fault = read_whole(opened.get(), into.text);
  else if (failure == ENOENT && !is_link(directory, name))
    return presence::gone;
  else
    into.fault = "the file cannot be opened: " + reason(failure);
  if (!into.fault.empty())
    into.text.clear();
  return presence::there;
}

} // namespace

bool is_module_name(std::string_view name) noexcept {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

result<std::vector<file_text>> read_directory(std::string const& directory) {
  open_directory const opened(::opendir(directory.c_str()));
  if (!opened) {
    bool const is_missing = errno == ENOENT || errno == ENOTDIR;
    return error{is_missing ? errc::directory_missing : errc::directory_unreadable,
                 directory + " (" + reason(errno) + ')'};
  }
  std::vector<std::string> names;
  errno = 0; // the end of a directory is told from a failure by it alone
  while (dirent const* const entry = ::readdir(opened.get())) {
    if (is_module_name(entry->d_name))
      names.emplace_back(entry->d_name);
    if (names.size() > files_max)
      return error{errc::too_many_files, directory + " (more than " + std::to_string(files_max) + ')'};
    errno = 0;
  }
  if (errno != 0)
    return error{errc::directory_unreadable, directory + " (" + reason(errno) + ')'};
  std::sort(names.begin(), names.end());

  std::string const prefix = directory.ends_with('/') ? directory : directory + '/';
  std::vector<file_text> files;
  files.reserve(names.size());
  for (auto const& name : names) {
    file_text& file = files.emplace_back();
    file.path = prefix + name;
    if (read_file(::dirfd(opened.get()), name, file) == presence::gone)
      files.pop_back();
  }
  return files;
}

} // namespace statefund::catalog
