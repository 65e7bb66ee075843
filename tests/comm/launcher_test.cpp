#include "lockstep/comm/launcher.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "lockstep/base/error.hpp"

namespace {
int threads_to_be_had = std::numeric_limits<int>::max();
}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*function)(void*), void* argument) noexcept {
  static auto* const real =
      reinterpret_cast<decltype(&::pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_to_be_had <= 0) return EAGAIN;
  --threads_to_be_had;
  return real(thread, attributes, function, argument);
}

namespace lockstep {
namespace {

using Variables = std::vector<std::pair<const char*, const char*>>;

/// Gives the process these variables, and takes them away again.
class With {
 public:
  explicit With(Variables variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) ::setenv(name, value, 1);
  }
  ~With() {
    for (const auto& entry : variables_) ::unsetenv(entry.first);
  }
  With(const With&) = delete;
  With& operator=(const With&) = delete;

 private:
  Variables variables_;
};

std::string refusal() {
  try {
    prepare_for_mpi();
    return "none";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::system);
    return error.what();
  }
}

TEST(LauncherTest, TheEnvironmentTellsHowAProcessWasStarted) {
  EXPECT_TRUE(launch_of_this_process().alone);
  const With mpirun({{"OMPI_COMM_WORLD_SIZE", "8"},
                     {"OMPI_COMM_WORLD_RANK", "5"},
                     {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                     {"OMPI_NUM_APP_CTX", "2"},
                     {"PMI_SIZE", "8"}});
  const Launch launch = launch_of_this_process();
  EXPECT_FALSE(launch.alone);
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.ranks, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.programs, 2);
  EXPECT_FALSE(has_foreign_launcher());
}

TEST(LauncherTest, ProcessesThatDoNotFindEachOtherAreRefusedAndOneSaysSo) {
  const std::vector<Variables> launchers = {
      {{"PMI_SIZE", "4"}, {"PMI_RANK", "0"}},
      {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "0"}},
      {{"MV2_COMM_WORLD_SIZE", "4"}, {"MV2_COMM_WORLD_RANK", "0"}},
      {{"WORLD_SIZE", "4"}, {"RANK", "0"}, {"TORCHELASTIC_RUN_ID", "none"}},
  };
  for (Variables variables : launchers) {
    const std::string first = std::string(variables[0].first) + "=4";
    {
      const With launcher(variables);
      EXPECT_TRUE(refusal().starts_with("4 processes were started but each")) << first;
      EXPECT_NE(refusal().find(first), std::string::npos) << refusal();
    }
    variables[1].second = "3";
    const With launcher(variables);
    EXPECT_EQ(refusal(), "") << first;
  }
}

TEST(LauncherTest, OneProcessIsOneProcess) {
  const std::vector<Variables> shells = {
      {{"PMI_SIZE", "1"}, {"PMI_RANK", "0"}},
      {{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}},  // a batch script
      {{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "4294967290"}},
      {{"WORLD_SIZE", "4"}, {"RANK", "0"}},  // whatever they mean there
  };
  for (const Variables& variables : shells) {
    const With shell(variables);
    EXPECT_FALSE(has_foreign_launcher());
    EXPECT_EQ(refusal(), "none") << variables[0].first;
    // Open MPI would take them for those of a rank.
    EXPECT_EQ(std::getenv("SLURM_PROCID"), nullptr);
  }
}

TEST(LauncherTest, ProcessesOfPmixNeedADirectoryForTemporaryFiles) {
  const With srun({{"PMIX_RANK", "0"}, {"TMPDIR", "/proc/none"}});
  EXPECT_TRUE(refusal().starts_with("TMPDIR=/proc/none: Open MPI cannot keep")) << refusal();
}

TEST(LauncherTest, FilesMayBeOpenAsRanksNeedThem) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 20;
  ::setrlimit(RLIMIT_NOFILE, &few);
  EXPECT_EQ(refusal(), "none");
  ::getrlimit(RLIMIT_NOFILE, &few);
  EXPECT_GE(few.rlim_cur, 256u);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// MPI itself would crash, or leave without a word.
TEST(LauncherTest, ThreadsForMpiMustBeThere) {
  threads_to_be_had = 2;
  EXPECT_THROW(prepare_for_mpi(), std::system_error);
  threads_to_be_had = 3;
  EXPECT_NO_THROW(prepare_for_mpi());
  threads_to_be_had = std::numeric_limits<int>::max();
}

}  // namespace
}  // namespace lockstep
