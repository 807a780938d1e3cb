#include "catalog/load.hpp"

#include "catalog/errc.hpp"
#include "module/parse.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
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

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

// The fault, empty if `text` holds the whole file.
std::string read_file(std::string const& path, std::string& text) {
  // Not blocking: a named pipe would wait for its writer.
  descriptor const opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (opened.get() < 0)
    return "the file cannot be opened: " + reason(errno);
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0)
    return "the file cannot be read: " + reason(errno);
  if (!S_ISREG(about.st_mode))
    return "it is no regular file; expected one, or a link to one";
  std::size_t const enough = module::text_bytes_max + 1; // one more than is taken, so that the parser can refuse it
  while (text.size() < enough) {
    std::size_t const had = text.size();
    text.resize(std::min(enough, had + std::size_t{64} * 1024));
    ssize_t const got = ::read(opened.get(), text.data() + had, text.size() - had);
    int const failure = errno;
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0)
      return {};
    if (got < 0 && failure != EINTR)
      return "the file cannot be read: " + reason(failure);
  }
  return "the file has more than " + std::to_string(module::text_bytes_max) + " bytes; expected at most that";
}

} // namespace

bool is_module_name(std::string_view name) noexcept {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

result<std::vector<file_text>> read_directory(std::string const& directory) {
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  if (failed) {
    bool const is_missing = failed == std::errc::no_such_file_or_directory || failed == std::errc::not_a_directory;
    return error{is_missing ? errc::directory_missing : errc::directory_unreadable,
                 directory + " (" + failed.message() + ')'};
  }
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator const end; entry != end; entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (is_module_name(name))
      names.push_back(std::move(name));
    if (names.size() > files_max)
      return error{errc::too_many_files, directory + " (more than " + std::to_string(files_max) + ')'};
  }
  if (failed)
    return error{errc::directory_unreadable, directory + " (" + failed.message() + ')'};
  std::sort(names.begin(), names.end());

  std::string const prefix = directory.ends_with('/') ? directory : directory + '/';
  std::vector<file_text> files;
  files.reserve(names.size());
  for (auto const& name : names) {
    file_text& file = files.emplace_back();
    file.path = prefix + name;
    file.fault = read_file(file.path, file.text);
  }
  return files;
}

result<std::shared_ptr<snapshot const>> load(std::string const& directory, std::uint64_t generation) {
  auto const files = read_directory(directory);
  if (!files)
    return files.error();
  return snapshot::make(*files, generation);
}

} // namespace statefund::catalog
