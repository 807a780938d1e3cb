#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// RocksDB is Debian's, built without the sanitizer, which sees what it copies and compares and not what it orders these
// by. Everything else is ours, and is looked at.
#ifdef __SANITIZE_THREAD__
extern "C" char const* __tsan_default_suppressions();
extern "C" char const* __tsan_default_suppressions() {
  return "race:librocksdb.so\n";
}
#endif
