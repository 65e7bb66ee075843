// The last words of a program that went wrong. What runs in a signal handler calls nothing but what
// is safe there (signal-safety(7)).
#include "cli/crash.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/failure.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

struct Crash {
  int signal;
  ExitCode code;
  std::string_view reason;
};
constexpr std::array<Crash, 5> kCrashes{
    {{SIGABRT, ExitCode::internal, "aborted"},
     {SIGSEGV, ExitCode::internal, "SIGSEGV, memory that is not there"},
     {SIGBUS, ExitCode::system,
      "SIGBUS: a page of memory could not be had; /dev/shm is full, or a file that is read shrank"},
     {SIGFPE, ExitCode::internal, "SIGFPE, such as a division by zero"},
     {SIGILL, ExitCode::internal,
      "SIGILL: an instruction that this processor does not have, if the program was built for "
      "another (-DLOCKSTEP_ARCH)"}}};

// Made before anything can go wrong: a handler takes no memory.
std::string crash_report;
std::string mark;  ///< of the first rank of this machine that crashes; "" without mpirun
long patience_milliseconds = 0;

std::atomic_flag crashed = ATOMIC_FLAG_INIT;

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sleep_milliseconds(long count, ExitCode code) {
  const timespec time{count / 1000, count % 1000 * 1'000'000};
  // A signal meanwhile: somebody has begun to end the job.
  if (::nanosleep(&time, nullptr) != 0) ::_exit(static_cast<int>(code));
}

// Of the ranks of a machine that crash alike one speaks, whoever makes a file in a directory that
// mpirun has made for the job and removes; of several machines the first, for the job ends while
// the others wait. A rank that has nothing to say must not end the job before it was said.
void become_speaker(ExitCode code) {
  constexpr long kSpeech = 2000;
  const int file = mark.empty() ? -1 : ::open(mark.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && !mark.empty() && errno == EEXIST) {
    sleep_milliseconds(kSpeech, code);
    ::_exit(static_cast<int>(code));
  }
  sleep_milliseconds(patience_milliseconds, code);
}

// A copy of this process dies as it would have died without us, for whoever asked for core dumps.
void dump_core(int signal) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur == 0) return;
  const pid_t child = ::_Fork();
  if (child == 0) {
    std::signal(signal, SIG_DFL);
    sigset_t unblocked;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
    ::kill(::getpid(), signal);
    ::_exit(1);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
}

// One crash is told: a thread that crashes later waits for the end, which comes in any case.
void require_first() {
  constexpr unsigned kSeconds = 10;
  while (crashed.test_and_set()) ::pause();
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(static_cast<int>(ExitCode::internal)); };
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(kSeconds);
}

void handle(int signal, siginfo_t* info, void* /*context*/) {
  const bool sent = info->si_code <= 0 && info->si_pid != ::getpid();
  if (sent) {
    std::signal(signal, SIG_DFL);
    ::kill(::getpid(), signal);
    return;
  }
  require_first();
  const Crash& crash = *std::ranges::find(kCrashes, signal, &Crash::signal);
  become_speaker(crash.code);
  say(crash.code == ExitCode::internal ? "trainer: error: internal error: " : "trainer: error: ");
  say(crash.reason);
  say(crash.code == ExitCode::internal ? std::string_view(crash_report) : "\n");
  dump_core(signal);
  ::_exit(static_cast<int>(crash.code));
}

// Outside of a handler the job can be ended properly.
[[noreturn]] void leave(ExitCode code) {
  Environment::abort_if_running(static_cast<int>(code));
  ::_exit(static_cast<int>(code));
}

[[noreturn]] void terminate() {
  require_first();
  const bool thrown = std::current_exception() != nullptr;
  const Error error = thrown ? current_error() : Error(ExitCode::internal, "std::terminate");
  become_speaker(error.code());
  print_failure(error, std::cerr);
  if (error.code() == ExitCode::internal) dump_core(SIGABRT);
  leave(error.code());
}

bool is_ours(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_sigaction == handle;
}

}  // namespace

void catch_crashes() {
  constexpr long kPerRank = 300;
  constexpr long kMost = 3000;
  // On a stack of its own, for a stack that is used up ends by SIGSEGV.
  static std::array<std::byte, 65536> stack;
  if (const char* job = std::getenv("PMIX_SERVER_TMPDIR")) mark = std::string(job) + "/crashed";
  patience_milliseconds = std::min(kMost, kPerRank * launch_of_this_process().rank);
  crash_report = fmt::format(
      "\n  This is a bug in trainer {}, or a fault of the machine: please report it with the line "
      "above and: trainer --version\n",
      build_info().version);
  stack_t alternative{};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  ::sigaltstack(&alternative, nullptr);
  for (const Crash& crash : kCrashes) {
    struct sigaction action {
    }, before{};
    // Whoever came first, such as a sanitizer, has its reasons.
    ::sigaction(crash.signal, nullptr, &before);
    if (before.sa_handler != SIG_DFL) continue;
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(crash.signal, &action, nullptr);
  }
  std::set_terminate(terminate);
}

}  // namespace lockstep::cli

// What assert() calls, in place of the one of the C library, which would print and abort.
extern "C" [[noreturn]] void __assert_fail(const char* assertion, const char* file,
                                           unsigned int line, const char* function) noexcept {
  using namespace lockstep;
  using namespace lockstep::cli;
  const std::string message = fmt::format("internal error: {}:{}: {}: assertion '{}' failed", file,
                                          line, function, assertion);
  if (!is_ours(SIGABRT)) {  // a test, or a child that reads a stranger's file
    say("trainer: " + message + "\n");
    std::abort();
  }
  require_first();
  become_speaker(ExitCode::internal);
  print_failure(Error(ExitCode::internal, message), std::cerr);
  dump_core(SIGABRT);
  leave(ExitCode::internal);
}
