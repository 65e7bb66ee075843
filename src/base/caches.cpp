#include "lockstep/base/caches.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr Index kKiB = 1024;

Index told(int name, Index otherwise) {
  const long bytes = ::sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

/// Whatever is said, blocks can be made of it.
Caches within_reason(Caches c) {
  c.first = std::clamp<Index>(c.first, kKiB, 64 * kKiB * kKiB);
  c.second = std::clamp<Index>(c.second, c.first, 64 * kKiB * kKiB);
  c.third = std::max(c.third, c.second);
  return c;
}

/// Reads "32,512,8192".
Caches read(const std::string& text) {
  std::array<Index, 3> sizes{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, sizes[i]);
    const bool last = i + 1 == sizes.size();
    if (error != std::errc{} || sizes[i] < 1 || (last ? next != end : *next != ',')) {
      throw Error(ExitCode::config,
                  "LOCKSTEP_CACHES: expected three sizes in KiB, as 32,512,8192; "
                  "found '" +
                      text + "'");
    }
    at = last ? next : next + 1;
    sizes[i] = std::min(sizes[i], kKiB * kKiB) * kKiB;
  }
  return {sizes[0], sizes[1], sizes[2]};
}

Caches of_this_machine() {
  Caches c{32 * kKiB, 512 * kKiB, 8 * kKiB * kKiB};
#ifdef _SC_LEVEL1_DCACHE_SIZE
  c = {told(_SC_LEVEL1_DCACHE_SIZE, c.first), told(_SC_LEVEL2_CACHE_SIZE, c.second),
       told(_SC_LEVEL3_CACHE_SIZE, c.third)};
#endif
  if (const char* text = std::getenv("LOCKSTEP_CACHES")) c = read(text);
  return within_reason(c);
}

Caches& current() {
  static Caches caches = of_this_machine();
  return caches;
}

}  // namespace

const Caches& caches() { return current(); }

void set_caches(const Caches& caches) { current() = within_reason(caches); }

}  // namespace lockstep
