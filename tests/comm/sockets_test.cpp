#include "comm/sockets.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace lockstep {
namespace {

/// A socket of this machine alone, for as long as it lives.
class Socket {
 public:
  Socket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void listen() {
    socklen_t size = sizeof address_;
    ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address_), size);
    ::listen(descriptor_, 0);
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  void connect(const Socket& to) const {
    ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to.address_), sizeof to.address_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::string text() const {
    return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
  }

 private:
  int descriptor_;
  sockaddr_in address_{};
};

TEST(Sockets, TellsWhoDoesNotAnswer) {
  Socket listener;
  EXPECT_TRUE(sockets_of_this_process().unanswered.empty());
  listener.listen();
  // It takes one, and leaves the others without an answer.
  Socket first, second, third;
  for (const Socket* socket : {&first, &second, &third}) socket->connect(listener);
  const Sockets sockets = sockets_of_this_process();
  EXPECT_EQ(std::ranges::count(sockets.listening, listener.text()), 1);
  EXPECT_GE(std::ranges::count(sockets.unanswered, listener.text()), 1);
  EXPECT_EQ(std::ranges::count(sockets.unanswered, listener.text()),
            std::ssize(sockets.unanswered));
}

// Those of another process come to nobody who waits here.
TEST(Sockets, AreThoseOfThisProcess) {
  Socket listener;
  listener.listen();
  EXPECT_EQ(std::ranges::count(sockets_of_this_process().listening, listener.text()), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(listener.descriptor());
    ::_exit(std::ranges::count(sockets_of_this_process().listening, listener.text()) == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace lockstep
