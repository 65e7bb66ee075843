#include "lockstep/comm/agreement.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Agreement, NobodyThrowsIfNobodyFails) {
  const Communicator world(MPI_COMM_WORLD);
  EXPECT_NO_THROW(fail_together(world, [] {}));
  EXPECT_NO_THROW(run_on_root(world, [] {}));
}

TEST(Agreement, AllThrowTheErrorOfTheLowestFailingRank) {
  const Communicator world(MPI_COMM_WORLD);
  const int last = world.size() - 1;
  std::string message;
  ExitCode code = ExitCode::ok;
  try {
    fail_together(world, [&] {
      if (world.rank() == last)
        throw Error(ExitCode::bad_data, "rank " + std::to_string(world.rank()));
    });
  } catch (const AgreedError& error) {
    message = error.what();
    code = error.code();
  }
  EXPECT_EQ(message, "rank " + std::to_string(last));
  EXPECT_EQ(code, ExitCode::bad_data);
}

TEST(Agreement, OnlyTheRootWorksAndAllThrowWhatItThrew) {
  const Communicator world(MPI_COMM_WORLD);
  int calls = 0;
  EXPECT_THROW(run_on_root(world,
                           [&] {
                             ++calls;
                             throw std::runtime_error("foreign");
                           }),
               AgreedError);
  EXPECT_EQ(calls, world.rank() == 0 ? 1 : 0);
}

TEST(Agreement, RanksGoOnOnlyIfAllWereToldTheSame) {
  const Communicator world(MPI_COMM_WORLD);
  const Facts same = {{"--resume", ""}, {"optimizer.lr", "0.1"}};
  EXPECT_NO_THROW(require_same(world, same));
  EXPECT_NO_THROW(require_same(world, {}));
  if (world.size() == 1) return;
  Facts mine = same;
  if (world.rank() > 0)
    mine = {{"optimizer.lr", "0.2"}, {"--dry-run", "true"}, {"run.name", "a\n  b"}};
  std::string message;
  try {
    require_same(world, mine);
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    message = error.what();
  }
  for (const char* part : {"rank 1 on ", "told something else than rank 0 on ",
                           "\n  --dry-run: not given on rank 0, true on rank 1",
                           "\n  --resume:  on rank 0, not given on rank 1",
                           "\n  optimizer.lr: 0.1 on rank 0, 0.2 on rank 1",
                           "\n  run.name: not given on rank 0, a\\n  b on rank 1"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
}

TEST(Agreement, TextsAreThoseOfTheGivenRank) {
  const Communicator world(MPI_COMM_WORLD);
  const std::string mine = "text of " + std::to_string(world.rank());
  EXPECT_EQ(broadcast_text(world, mine, world.size() - 1),
            "text of " + std::to_string(world.size() - 1));
  EXPECT_EQ(broadcast_text(world, world.rank() == 0 ? "" : mine), "");
}

}  // namespace
}  // namespace lockstep
