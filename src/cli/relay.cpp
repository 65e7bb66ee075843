#include "cli/relay.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ostream>
#include <string_view>
#include <system_error>

#include "cli/output.hpp"
#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep::cli {
namespace {

/// Between two looks whether a reader that was behind reads again.
constexpr double kAgain = 0.1;

void close_if_open(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

}  // namespace

Relay::Relay(std::ostream& out, std::ostream& err) : ways_{Way{out}, Way{err}} {
  for (Way& way : ways_) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw Error(ExitCode::system,
                  "cannot make a pipe: " + std::generic_category().message(errno));
    }
    way.read_end = ends[0];
    way.write_end = ends[1];
    ::fcntl(way.read_end, F_SETFL, O_NONBLOCK);
  }
}

Relay::~Relay() {
  for (Way& way : ways_) {
    close_if_open(way.read_end);
    close_if_open(way.write_end);
  }
}

ChildOutput Relay::ends() const { return {ways_[0].write_end, ways_[1].write_end}; }

void Relay::close_ends() {
  for (Way& way : ways_) close_if_open(way.write_end);
}

// True if there may be more. What nobody wants is read all the same: the child must not wait.
bool Relay::hand_on(Way& way) {
  if (way.read_end < 0) return false;
  std::array<char, 16384> block{};
  const ssize_t count = ::read(way.read_end, block.data(), block.size());
  if (count > 0) {
    way.to.write(block.data(), count);
    way.to.flush();
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  close_if_open(way.read_end);
  return false;
}

bool Relay::is_behind() const {
  return std::ranges::any_of(ways_, [](const Way& way) { return cli::is_behind(way.to); });
}

int Relay::next(StopSignals& signals, double seconds) {
  const int signal_file = ::signalfd(-1, &signals.held(), SFD_CLOEXEC | SFD_NONBLOCK);
  const double end = now_seconds() + seconds;
  bool called = false;
  while (!called) {
    const double left = std::max(0.0, end - now_seconds());
    const double wait = is_behind() ? std::min(left, kAgain) : left;
    std::array<pollfd, 3> files = {pollfd{signal_file, POLLIN, 0},
                                   pollfd{ways_[0].read_end, POLLIN, 0},
                                   pollfd{ways_[1].read_end, POLLIN, 0}};
    const int found =
        ::poll(files.data(), files.size(), static_cast<int>(std::ceil(std::min(wait, 1e6) * 1e3)));
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      if (files[i + 1].revents != 0) hand_on(ways_[i]);
      if (cli::is_behind(ways_[i].to)) ways_[i].to.flush();
    }
    called = files[0].revents != 0 || (found == 0 && left <= wait);
  }
  ::close(signal_file);
  return signals.next(0);
}

void Relay::drain() {
  for (Way& way : ways_) {
    while (hand_on(way)) continue;
  }
}

}  // namespace lockstep::cli
