#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// What this process has to do with TCP, as the kernel tells it: "10.0.0.2:1024".
struct Sockets {
  std::vector<std::string> unanswered;  ///< addresses that were asked and have not answered
  std::vector<std::string> listening;   ///< addresses at which others can reach it
};

/// Empty where the kernel does not tell.
[[nodiscard]] Sockets sockets_of_this_process();

/// The addresses of this machine, but for those that only it can reach: "eth0 10.0.0.1".
[[nodiscard]] std::vector<std::string> addresses_of_this_machine();

}  // namespace lockstep
