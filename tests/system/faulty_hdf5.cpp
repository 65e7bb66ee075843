// To be preloaded: a libhdf5 on which a file has its effect. FAULTY_HDF5 is what happens when a
// file is opened: "crash", "spin" (for ever), "eat" (memory).
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

extern "C" std::int64_t H5Fopen(const char*, unsigned, std::int64_t) {
  const char* const text = std::getenv("FAULTY_HDF5");
  const std::string_view effect = text == nullptr ? "" : text;
  if (effect == "crash") std::abort();
  while (effect == "eat") std::memset(new char[1 << 24], 1, 1 << 24);
  volatile int work = 0;
  while (effect == "spin") work = work + 1;
  return -1;
}
