#include "cli/launch/mpirun.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

TEST(MpirunTest, AProgramIsKnownAlsoAfterItWasReplaced) {
  EXPECT_EQ(program_of("self"), this_program());
  const TemporaryDirectory directory;
  const std::string file = directory / "program";
  std::filesystem::copy_file(std::filesystem::canonical("/bin/sleep"), file);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(file.c_str(), "sleep", "100", nullptr);
    ::_exit(1);
  }
  const std::string number = std::to_string(pid);
  for (int i = 0; i < 1000 && program_of(number) != file; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::filesystem::remove(file);
  EXPECT_EQ(program_of(number), file);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(program_of(number), "");
}

}  // namespace
}  // namespace lockstep::cli
