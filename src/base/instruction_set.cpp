// Built for any processor: it runs before anything that is not. It calls the C library only, for
// inline functions may be those that the linker took from another file, built for more.
#include "lockstep/base/instruction_set.hpp"

#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr const char* kVariable = "LOCKSTEP_ISA";

struct Features {
  bool x86_64_v3 = true;
  bool x86_64_v4 = true;
};

#ifdef __x86_64__
constexpr unsigned bit(int number) { return 1u << number; }
constexpr bool has_all(unsigned word, unsigned bits) { return (word & bits) == bits; }

/// All that the levels of the psABI ask for, as the dynamic loader does: a virtual machine may hide
/// a part, and some of it would then compute something else instead of failing.
Features features_of_processor() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  Features found{false, false};
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return found;
  // FMA, MOVBE, OSXSAVE, AVX, F16C
  if (!has_all(c, bit(12) | bit(22) | bit(27) | bit(28) | bit(29))) return found;
  // Registers that the system saves: of SSE and AVX, and of AVX-512.
  unsigned saved = 0;
  asm volatile("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) == 0 || !has_all(c, bit(5))) return found;  // LZCNT
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return found;
  found.x86_64_v3 =
      has_all(saved, bit(1) | bit(2)) && has_all(b, bit(3) | bit(5) | bit(8));  // BMI1, AVX2, BMI2
  // AVX512F, DQ, CD, BW, VL
  found.x86_64_v4 = found.x86_64_v3 && has_all(saved, bit(5) | bit(6) | bit(7)) &&
                    has_all(b, bit(16) | bit(17) | bit(28) | bit(30) | bit(31));
  return found;
}
#else
Features features_of_processor() { return {}; }
#endif

/// A level of x86-64 that can be told by name. Of others ("native", "znver3") no more is known than
/// that they were built for a processor with AVX2.
struct Level {
  const char* name;
  const char* short_name;
  bool Features::*needed;  ///< null: any processor will do
  const char* words;       ///< what a processor lacks that cannot run it
  const char* without;     ///< for glibc: what a processor lacks that has no more than this level
};
constexpr const char* kNoAvx2 = "AVX2, FMA or something else of x86-64-v3";
constexpr Level kLevels[] = {
    {"x86-64", "v1", nullptr, "", "-AVX2"},
    {"x86-64-v2", "v2", nullptr, "", "-AVX2"},
    {"x86-64-v3", "v3", &Features::x86_64_v3, kNoAvx2, "-AVX512F"},
    {"x86-64-v4", "v4", &Features::x86_64_v4, "AVX-512 or something else of x86-64-v4", ""}};
constexpr Level kOther = {"", "", &Features::x86_64_v3, kNoAvx2, ""};

const Level& level_of(const char* name) {
  for (const Level& level : kLevels) {
    if (std::strcmp(name, level.name) == 0 || std::strcmp(name, level.short_name) == 0)
      return level;
  }
  return kOther;
}

bool has(const Features& features, const Level& level) {
  return level.needed == nullptr || features.*level.needed;
}

/// Whether `name` is one of the sets that were built.
bool was_built(const char* name) {
  const std::size_t length = std::strlen(name);
  const char* rest = LOCKSTEP_ISA_LIST;
  while (length > 0) {
    if (std::strncmp(rest, name, length) == 0 && (rest[length] == ' ' || rest[length] == '\0'))
      return true;
    rest = std::strchr(rest, ' ');
    if (rest == nullptr) return false;
    ++rest;
  }
  return false;
}

/// Of the processes that mpirun or srun has started on a machine one speaks: the others wait, and
/// are ended when the first one ends, if that has the same to say.
[[noreturn]] void leave(ExitCode code, const char* format, const char* a, const char* b) {
  constexpr unsigned kSpeech = 2;
  for (const char* variable : {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}) {
    const char* local = std::getenv(variable);
    if (local == nullptr || std::strcmp(local, "0") == 0) continue;
    ::sleep(kSpeech);
    break;
  }
  char host[64] = "this machine";
  static_cast<void>(::gethostname(host, sizeof host - 1));
  char text[512];
  const int begun =
      std::snprintf(text, sizeof text, "%.64s: error: %s: ", program_invocation_short_name, host);
  const auto used = static_cast<std::size_t>(begun);
  std::snprintf(text + used, sizeof text - used, format, a, b);
  static_cast<void>(!::write(STDERR_FILENO, text, std::strlen(text)));  // in one piece
  ::_exit(static_cast<int>(code));
}

// Between the two starts of a program for a lesser processor.
constexpr const char* kStarted = "LOCKSTEP_ISA_STARTED";
constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kHardware = "glibc.cpu.hwcaps=";

/// Starts this program again such that the dynamic loader sees a lesser processor.
void start_again(char** arguments, const Level& level) {
  if (std::getenv(kStarted) == nullptr && *level.without != '\0') {
    const char* before = std::getenv(kTunables);
    char text[1024];
    const int length = std::snprintf(text, sizeof text, "%s%s%s%s", before == nullptr ? "" : before,
                                     before == nullptr ? "" : ":", kHardware, level.without);
    if (length > 0 && static_cast<std::size_t>(length) < sizeof text) {
      ::setenv(kTunables, text, 1);
      ::setenv(kStarted, before == nullptr ? "" : before, 1);
      ::execve("/proc/self/exe", arguments, environ);
    }
  }
  leave(ExitCode::system,
        "the dynamic loader took the mathematics for %s, not for %s as LOCKSTEP_ISA asks\n"
        "  see whether liblockstep_math.so stands in glibc-hwcaps/ beside the other, and whether "
        "GLIBC_TUNABLES or LD_LIBRARY_PATH says otherwise\n",
        LOCKSTEP_ISA, level.name);
}

/// Gives programs that this one starts the variables as they were.
void end_start() {
  const char* before = std::getenv(kStarted);
  if (before == nullptr) return;
  if (*before == '\0') {
    ::unsetenv(kTunables);
  } else {
    ::setenv(kTunables, before, 1);
  }
  ::unsetenv(kStarted);
}

[[gnu::constructor(101)]] void require_instruction_set(int /*count*/, char** arguments,
                                                       char** /*environment*/) {
  const Features features = features_of_processor();
  const Level& built = level_of(LOCKSTEP_ISA);
  if (!has(features, built) && *LOCKSTEP_ISA != '\0') {
    leave(ExitCode::system,
          "this processor cannot run this program: it lacks %s%s\n"
          "  Intel has built processors with AVX2 and FMA since 2013 (Haswell), AMD since 2015 "
          "(Excavator)\n",
          built.words, "");
  }
  const char* wanted = std::getenv(kVariable);
  if (wanted == nullptr || *wanted == '\0') return end_start();
  const Level& level = level_of(wanted);
  const char* name = *level.name == '\0' ? wanted : level.name;
  if (std::strcmp(name, LOCKSTEP_ISA) == 0) return end_start();
  if (!was_built(name)) {
    leave(ExitCode::config, "LOCKSTEP_ISA: '%s' was not built; there are: %s\n", wanted,
          LOCKSTEP_ISA_LIST);
  }
  if (!has(features, level)) {
    leave(ExitCode::system,
          "LOCKSTEP_ISA: this processor cannot run %s: it lacks %s\n"
          "  without the variable each process takes the best of those that its processor has\n",
          name, level.words);
  }
  start_again(arguments, level);
}

}  // namespace

std::string_view instruction_set() { return *LOCKSTEP_ISA == '\0' ? "default" : LOCKSTEP_ISA; }

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  std::string_view rest = LOCKSTEP_ISA_LIST;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(' '));
    names.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  if (names.empty()) names.emplace_back(instruction_set());
  return names;
}

}  // namespace lockstep
