// A streamed set looks like one in memory, whoever reads it, and an error that one rank sees is
// thrown by all.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "io/hdf5_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/train/input_stream.hpp"

namespace lockstep {
namespace {

constexpr int kStreamedSamples = 1003, kColumns = 5;
constexpr Index kMemory = 4 * 200 * kColumns * 4;  // windows of 200 samples at most

struct StreamedSet {
  /// `faulty`: the file gets a number that is not finite before it is opened as a stream.
  explicit StreamedSet(hsize_t chunk_rows, Index memory = kMemory, bool faulty = false) {
    Source source;
    source.path = directory / "a.h5";
    source.inputs_name = "x";
    source.targets_name = "y";
    write_hdf5_set(source.path, kStreamedSamples, kColumns, 3, chunk_rows);
    whole = std::make_unique<Dataset>(load(source));
    if (faulty) {
      std::vector<float> x(kStreamedSamples * kColumns, 1.0f);
      x[700 * kColumns + 2] = NAN;
      write_hdf5_rows(source.path, "x", true, {kStreamedSamples, kColumns}, x, chunk_rows);
      write_hdf5_rows(source.path, "y", false, {kStreamedSamples},
                      std::vector<std::uint8_t>(kStreamedSamples));
    }
    source.memory = memory;
    streamed = std::make_unique<Dataset>(load(source));
  }

  TemporaryDirectory directory;  // each rank has a file of its own
  std::unique_ptr<Dataset> whole;
  std::unique_ptr<Dataset> streamed;
};

void expect_same(const Sampler& sampler, const Subset& subset, const StreamedSet& set,
                 InputStream& stream, std::uint64_t first_step) {
  const auto end = static_cast<std::uint64_t>(3 * sampler.steps_per_epoch());
  for (std::uint64_t step = first_step; step < end; ++step) {
    const BatchRange batch = sampler.batch(step);
    stream.require(sampler, batch);
    for (Index i = batch.first; i < batch.first + batch.size; ++i) {
      const Index id = subset[sampler.sample(batch.epoch, i)];
      EXPECT_TRUE(std::ranges::equal(set.streamed->input(id), set.whole->input(id)));
    }
  }
}

TEST(InputStream, GivesEverySampleInTheOrderOfTheSampler) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<std::vector<int>> layouts{{}, {1}, {1, 2}};
  for (const auto& nodes : layouts) {
    const Topology topology(world, nodes);
    for (const hsize_t chunk_rows : {0u, 32u}) {
      const StreamedSet set(chunk_rows);
      const DatasetHeader& header = set.streamed->describe();
      EXPECT_TRUE(header.streamed());
      const Split split = hold_out(header.size, 0.2, 1, header.blocks.rows);
      for (const bool shuffle : {true, false}) {
        for (const Index batch : {1, 64, 150}) {  // 150: reaches into two windows
          InputStream train(topology, *set.streamed, split.train);
          InputStream val(topology, *set.streamed, split.validation);
          const Sampler sampler(9, split.train.size(), batch, shuffle, header.blocks);
          const Sampler in_order(0, split.validation.size(), batch, false, header.blocks);
          expect_same(sampler, split.train, set, train, 0);
          expect_same(in_order, split.validation, set, val, 0);
          InputStream resumed(topology, *set.streamed, split.train);
          expect_same(sampler, split.train, set, resumed,
                      static_cast<std::uint64_t>(sampler.steps_per_epoch() * 3 / 2));
          if (batch > 1) expect_same(sampler, split.train, set, resumed, 1);  // a run goes back
        }
      }
    }
  }
}

TEST(InputStream, AFaultOfOneRankIsThrownByAll) {
  const Communicator world(MPI_COMM_WORLD);
  const Topology topology(world);
  const bool faulty = world.rank() == world.size() - 1;
  const StreamedSet set(0, kMemory, faulty);
  const Sampler sampler(9, kStreamedSamples, 64, true, set.streamed->describe().blocks);
  InputStream stream(topology, *set.streamed, Subset::whole(kStreamedSamples));
  int caught = 0;
  try {
    for (std::uint64_t step = 0; step < 40; ++step) stream.require(sampler, sampler.batch(step));
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_NE(std::string(error.what()).find("finite"), std::string::npos) << error.what();
    ++caught;
  }
  EXPECT_EQ(caught, 1);
}

TEST(InputStream, ANodeThatReadsOtherNumbersIsNamedByAll) {
  const Communicator world(MPI_COMM_WORLD);
  const std::vector<int> alone = {1};
  const Topology topology(world, alone);
  const bool other = world.rank() == world.size() - 1 && world.size() > 1;
  const StreamedSet set(0);
  if (other) {
    std::vector<float> x(kStreamedSamples * kColumns);
    std::memcpy(x.data(), set.whole->input_bytes().data(), x.size() * sizeof x[0]);
    x[700 * kColumns + 2] = std::nextafter(x[700 * kColumns + 2], 1e9f);
    write_hdf5_rows(set.directory / "b.h5", "x", true, {kStreamedSamples, kColumns}, x);
    Source source;
    source.path = set.directory / "b.h5";
    source.inputs_name = "x";
    set.streamed->set_file(open_inputs(source));
  }
  const DatasetHeader& header = set.streamed->describe();
  const Sampler sampler(9, kStreamedSamples, 64, true, header.blocks);
  InputStream stream(topology, *set.streamed, Subset::whole(kStreamedSamples));
  std::string message;
  try {
    const auto steps = static_cast<std::uint64_t>(sampler.steps_per_epoch());
    for (std::uint64_t step = 0; step < steps; ++step) stream.require(sampler, sampler.batch(step));
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    message = error.what();
  }
  if (world.size() == 1) {
    EXPECT_EQ(message, "");
    return;
  }
  const Index block = 700 / header.blocks.rows * header.blocks.rows;
  const std::string expected = fmt::format(
      "/x: from sample {} on other numbers are read by rank {} on ", block, world.size() - 1);
  EXPECT_NE(message.find(expected), std::string::npos) << message;
}

}  // namespace
}  // namespace lockstep
