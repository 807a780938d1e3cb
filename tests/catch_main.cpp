#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// RocksDB is Debian's, built without the sanitizer, which sees what it copies and compares and not what it orders these
// by; nor does it see what published the rows that a scan reads where they lie. Asio counts who shares an executor that
// is too large for its own place with a fence, which the sanitizer does not see. Everything else is ours, and is looked
// at.
#ifdef __SANITIZE_THREAD__
extern "C" char const* __tsan_default_suppressions();
extern "C" char const* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "race:statefund::store::scan(\n"
         "race:boost::asio::execution::detail::shared_target_executor\n";
}
#endif
