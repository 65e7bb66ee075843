#include "lockstep/run/version.hpp"

#include <gtest/gtest.h>

#include "lockstep/base/instruction_set.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/kernels/linear.hpp"

namespace lockstep {
namespace {

TEST(VersionTest, TheBlockNamesBuildAndLibraries) {
  const std::string text = version_text();
  const BuildInfo info = build_info();
  EXPECT_TRUE(text.starts_with(version_line() + "\n"));
  for (const std::string& part :
       {std::string(lockstep_version()), info.commit, info.compiler, info.build_type,
        std::string(instruction_set()), processor_name(), mpi_library(),
        std::string(kernels::kernel_name()), std::string("HDF5        1.")}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace lockstep
