#include "lockstep/run/checkpoint_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "io/testing.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> image_of(char c) {
  return std::vector<std::byte>(500, static_cast<std::byte>(c));
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& f : fs::directory_iterator(directory))
    names.push_back(f.path().filename().string());
  std::ranges::sort(names);
  return names;
}

TEST(CheckpointStore, KeepsTheNewestAndTheBest) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 2);
  for (const std::uint64_t step : {5u, 10u, 15u, 20u}) store.save(step, image_of('x'), 5);
  EXPECT_EQ(names_in(directory.path()),
            (std::vector<std::string>{"step-00000005.h5", "step-00000015.h5", "step-00000020.h5"}));
}

// The best one, step 12, could not be saved: the one before stays until another is held.
TEST(CheckpointStore, KeepsWhatTheBestLinkLeadsTo) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 2);
  store.save(5, image_of('x'), 5);
  std::filesystem::create_symlink(CheckpointStore::file_name(5), directory / "best.h5");
  for (const std::uint64_t step : {10u, 15u, 20u}) store.save(step, image_of('x'), 12);
  EXPECT_TRUE(store.holds(5));
  store.save(25, image_of('x'), 25);
  EXPECT_FALSE(store.holds(5));
}

TEST(CheckpointStore, NeverRemovesWhatItJustSaved) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 2);
  for (const std::uint64_t step : {20u, 30u}) store.save(step, image_of('x'), {});
  store.save(10, image_of('y'), {});
  EXPECT_TRUE(store.holds(10));
}

TEST(CheckpointStore, SetsLaterStepsAsideForARunThatGoesOnEarlier) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  for (const std::uint64_t step : {10u, 20u, 30u}) store.save(step, image_of('x'), {});
  store.set_aside_after(10);
  std::vector<std::string> rejected;
  EXPECT_EQ(store.newest(rejected)->sealed.step, 10u);
  EXPECT_EQ(names_in(directory.path()),
            (std::vector<std::string>{"step-00000010.h5", "step-00000020.h5.aside",
                                      "step-00000030.h5.aside"}));
  // It takes that way again, and comes back once more.
  store.save(20, image_of('y'), {});
  store.set_aside_after(10);
  EXPECT_EQ(names_in(directory.path()),
            (std::vector<std::string>{"step-00000010.h5", "step-00000020.h5.aside",
                                      "step-00000020.h5.aside-2", "step-00000030.h5.aside"}));
}

TEST(CheckpointStore, FindsTheHighestStep) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  std::vector<std::string> rejected;
  EXPECT_FALSE(store.newest(rejected).has_value());
  store.save(99999999, image_of('a'), {});
  store.save(100000000, image_of('b'), {});
  const auto found = store.newest(rejected);
  EXPECT_EQ(found->sealed.step, 100000000u);
  EXPECT_EQ(found->sealed.image[0], std::byte{'b'});
  EXPECT_TRUE(rejected.empty());
}

TEST(CheckpointStore, FallsBackToTheNextOlderAndSaysWhy) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  store.save(1, image_of('a'), {});
  const fs::path second = store.save(2, image_of('b'), {});
  const fs::path third = store.save(3, image_of('c'), {});
  fs::resize_file(third, 100);
  fs::rename(second, directory.path() / "step-00000004.h5");
  std::vector<std::string> rejected;
  EXPECT_EQ(store.newest(rejected)->sealed.step, 1u);
  ASSERT_EQ(rejected.size(), 2u);
  EXPECT_NE(rejected[0].find("named after step 4, but holds step 2"), std::string::npos);
  EXPECT_NE(rejected[1].find("step-00000003.h5"), std::string::npos);
}

// No memory is taken for what has no seal of its size, however large it is.
TEST(CheckpointStore, PassesOverLargeFilesThatAreNone) {
  constexpr std::uintmax_t kTerabyte = std::uintmax_t{1} << 40;
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  store.save(1, image_of('a'), {});
  fs::resize_file(store.save(2, image_of('b'), {}), kTerabyte - 1);
  const fs::path moved = store.save(3, image_of('c'), {});
  fs::resize_file(moved, kTerabyte - kSealBytes);
  std::ofstream(moved, std::ios::app | std::ios::binary)
      .write(reinterpret_cast<const char*>(seal_of(image_of('c'), 3).data()), kSealBytes);
  const fs::path lying = directory / "step-00000004.h5";
  std::ofstream(lying, std::ios::binary) << "\x89HDF\r\n\x1a\n";
  fs::resize_file(lying, kTerabyte - kSealBytes);
  Seal seal = seal_of({}, 4);  // of the right length, and of nothing else
  for (std::size_t i = 0; i < 8; ++i) {
    seal[16 + i] = static_cast<std::byte>((kTerabyte - kSealBytes) >> (8 * i) & 0xff);
  }
  std::ofstream(lying, std::ios::app | std::ios::binary)
      .write(reinterpret_cast<const char*>(seal.data()), kSealBytes);
  std::vector<std::string> rejected;
  EXPECT_EQ(store.newest(rejected)->sealed.step, 1u);
  ASSERT_EQ(rejected.size(), 3u);
  EXPECT_NE(rejected[0].find("step-00000004.h5: its 1099511627776 bytes do not fit into memory"),
            std::string::npos);
  EXPECT_NE(rejected[1].find("the seal is that of 500 bytes, found 1099511627712"),
            std::string::npos);
  EXPECT_NE(rejected[2].find("step-00000002.h5: no seal at its end"), std::string::npos);
}

TEST(CheckpointStore, KeepsTheNewestMultiple) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 2);
  for (const std::uint64_t step : {0U, 10U, 20U, 23U, 24U, 25U}) {
    store.save(step, image_of('a'), {}, 10);
  }
  std::vector<std::string> rejected;
  EXPECT_EQ(store.newest(rejected)->sealed.step, 25u);
  EXPECT_EQ(store.newest(rejected, 10)->sealed.step, 20u);
  EXPECT_FALSE(store.holds(10));
  EXPECT_FALSE(store.holds(23));
  EXPECT_FALSE(store.newest(rejected, 7)) << "none is such a multiple";
}

TEST(CheckpointStore, NeverStartsAfreshOverBrokenOnes) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  fs::resize_file(store.save(1, image_of('a'), {}), 10);
  std::vector<std::string> rejected;
  try {
    (void)store.newest(rejected);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
  }
}

TEST(CheckpointStore, IgnoresLinksTemporariesAndStrangers) {
  const TemporaryDirectory directory;
  const CheckpointStore store(Directory(directory.path()), 5);
  store.save(1, image_of('a'), {});
  fs::create_symlink("step-00000001.h5", directory.path() / "step-00000009.h5");
  std::ofstream(directory.path() / "step-7x.h5") << "x";
  std::ofstream(directory.path() / "notes.txt") << "x";
  std::ofstream(directory.path() / "step-18446744073709551615.h5") << "x";
  std::vector<std::string> rejected;
  EXPECT_EQ(store.newest(rejected)->sealed.step, 1u);
  EXPECT_TRUE(rejected.empty());
}

TEST(FindCheckpoint, TakesTheBestOfARunElseTheNewestThatIsIntact) {
  const TemporaryDirectory run;
  fs::create_directory(run / "checkpoints");
  const CheckpointStore store(Directory(fs::path(run.path()) / "checkpoints"), 9);
  for (const std::uint64_t step : {5u, 10u, 15u}) store.save(step, image_of('x'), {});
  EXPECT_EQ(find_checkpoint(run.path()).sealed.step, 15U);
  fs::create_symlink(CheckpointStore::file_name(10), run / "checkpoints/best.h5");
  EXPECT_EQ(find_checkpoint(run.path()).sealed.step, 10U);
  EXPECT_EQ(find_checkpoint(run.path()).path.filename(), "best.h5");
  EXPECT_EQ(find_checkpoint(run / "checkpoints").sealed.step, 10U);
  EXPECT_EQ(find_checkpoint(run / "checkpoints/step-00000005.h5").sealed.step, 5U);
  EXPECT_TRUE(find_checkpoint(run.path()).notes.empty());
  std::ofstream(run / "checkpoints/step-00000010.h5") << "damaged";
  std::ofstream(run / "checkpoints/step-00000015.h5") << "damaged";
  const StoredCheckpoint found = find_checkpoint(run.path());
  EXPECT_EQ(found.sealed.step, 5U);
  ASSERT_EQ(found.notes.size(), 3U) << "best.h5, what it leads to, and the newest";
  EXPECT_EQ(found.notes[0], "passed over " + (run / "checkpoints/best.h5") +
                                ": too short: expected at least 64 bytes, found 7");
}

TEST(FindCheckpoint, RefusesADirectoryWithoutAny) {
  const TemporaryDirectory run;
  try {
    static_cast<void>(find_checkpoint(run.path()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::no_input);
  }
}

}  // namespace
}  // namespace lockstep
