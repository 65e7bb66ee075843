#include "comm/sockets.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace lockstep {
namespace {

// States of a connection in /proc/net/tcp.
constexpr std::string_view kAsked = "02";  // SYN sent
constexpr std::string_view kListens = "0A";

/// The numbers by which /proc/net/tcp knows the sockets of this process.
std::set<std::string> own_sockets() {
  constexpr std::string_view kPrefix = "socket:[";
  std::set<std::string> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (!directory) return numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::array<char, 64> target{};
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    if (::readlink(path.c_str(), target.data(), target.size() - 1) <= 0) continue;
    const std::string_view text = target.data();
    if (!text.starts_with(kPrefix)) continue;
    numbers.emplace(text.substr(kPrefix.size(), text.find(']') - kPrefix.size()));
  }
  return numbers;
}

/// "0200000A:0400" as the kernel writes it, words of an address in the order of this machine, as
/// "10.0.0.2:1024".
std::string address_text(const std::string& text) {
  const std::size_t colon = text.find(':');
  const bool six = colon > 8;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < (six ? 4u : 1u); ++i) {
    words[i] = static_cast<std::uint32_t>(std::strtoul(text.substr(8 * i, 8).c_str(), nullptr, 16));
  }
  std::array<char, INET6_ADDRSTRLEN> name{};
  ::inet_ntop(six ? AF_INET6 : AF_INET, words.data(), name.data(), name.size());
  const std::string port = std::to_string(std::strtoul(text.c_str() + colon + 1, nullptr, 16));
  return (six ? "[" + std::string(name.data()) + "]" : std::string(name.data())) + ":" + port;
}

}  // namespace

Sockets sockets_of_this_process() {
  const std::set<std::string> own = own_sockets();
  Sockets sockets;
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // the names of the columns
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string place, local, remote, state, queues, timer, tries, user, timeout, number;
      words >> place >> local >> remote >> state >> queues >> timer >> tries >> user >> timeout >>
          number;
      if (!own.contains(number)) continue;
      if (state == kAsked) sockets.unanswered.push_back(address_text(remote));
      if (state == kListens) sockets.listening.push_back(address_text(local));
    }
  }
  return sockets;
}

std::vector<std::string> addresses_of_this_machine() {
  std::vector<std::string> addresses;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return addresses;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const bool four = at->ifa_addr->sa_family == AF_INET;
    if (!four && at->ifa_addr->sa_family != AF_INET6) continue;
    std::array<char, NI_MAXHOST> name{};
    const auto size =
        static_cast<socklen_t>(four ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    if (::getnameinfo(at->ifa_addr, size, name.data(), name.size(), nullptr, 0, NI_NUMERICHOST) ==
        0) {
      addresses.push_back(std::string(at->ifa_name) + " " + name.data());
    }
  }
  ::freeifaddrs(first);
  return addresses;
}

}  // namespace lockstep
