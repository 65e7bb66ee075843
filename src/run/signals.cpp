#include "lockstep/run/signals.hpp"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

// A handler may do nothing but set a flag; the flag rides in the exchange of the next step.
volatile std::sig_atomic_t caught = 0;
volatile std::sig_atomic_t interrupted = 0;

void remember(int signal) {
  // Files are replaced as a whole or not at all, so that this leaves nothing half-written.
  if (signal == SIGINT && interrupted != 0) ::_exit(static_cast<int>(ExitCode::by_sigint));
  if (signal == SIGINT) interrupted = 1;
  caught = signal;
}

}  // namespace

void catch_stop_signals() {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    struct sigaction action {};
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

int stop_signal() { return caught; }

}  // namespace lockstep
