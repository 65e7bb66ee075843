#include "lockstep/data/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>

namespace lockstep {
namespace {

static_assert(std::is_trivially_copyable_v<DatasetHeader>);
static_assert(std::is_nothrow_move_constructible_v<Dataset>);

Dataset example() {
  Dataset dataset("example", {{1, 1, 3}, 2, InputType::bytes, TargetKind::labels, 1});
  std::ranges::copy(std::vector<int>{1, 2, 3, 4, 5, 6}, dataset.byte_inputs().begin());
  std::ranges::copy(std::vector<int>{0, 9}, dataset.labels().begin());
  return dataset;
}

TEST(Dataset, HoldsInputsThenTargets) {
  const Dataset dataset = example();
  EXPECT_EQ(dataset.describe().storage_bytes(), 64 + 8);
  EXPECT_EQ(dataset.input_bytes().size(), 6u);
  EXPECT_EQ(dataset.target_bytes().size(), 8u);
  EXPECT_EQ(dataset.label(1), 9);
  EXPECT_EQ(dataset.classes(), 10);
  std::vector<Real> out(3);
  dataset.read_input(1, {}, out);
  EXPECT_EQ(out, (std::vector<Real>{4, 5, 6}));
}

TEST(Dataset, TravelsAsHeaderAndBytes) {
  const Dataset sent = example();
  Buffer<std::byte> shared(sent.describe().storage_bytes());
  Dataset received("copy", sent.describe(), shared.span());
  std::ranges::copy(sent.storage(), received.storage().begin());
  EXPECT_EQ(received.digest(), sent.digest());
  EXPECT_EQ(received.label(1), 9);
  EXPECT_EQ(received.storage().data(), shared.data());
}

template <typename Data>
concept Writable = requires(Data data) {
  data.storage()[0] = std::byte{0};
  data.labels()[0] = 0;
};

template <typename Data>
concept Streams = requires(Data data) {
  data.blocks();
};

TEST(Dataset, ThatIsConstIsOnlyRead) {
  static_assert(Writable<Dataset&> && Streams<Dataset&>);
  static_assert(!Writable<const Dataset&> && !Streams<const Dataset&>);
  Dataset data = example();
  data.labels()[1] = 4;
  EXPECT_EQ(std::as_const(data).labels()[1], 4);
  EXPECT_EQ(std::as_const(data).labels().data(), data.labels().data());
}

TEST(Dataset, StaysValidWhenMoved) {
  Dataset first = example();
  const Digest digest = first.digest();
  const Dataset second = std::move(first);
  EXPECT_EQ(second.digest(), digest);
}

TEST(Dataset, DigestSeesHeaderInputsAndTargets) {
  const Digest digest = example().digest();
  EXPECT_EQ(example().digest(), digest);
  Dataset changed = example();
  changed.byte_inputs()[5] = 7;
  EXPECT_NE(changed.digest(), digest);
  changed = example();
  changed.labels()[0] = 1;
  EXPECT_NE(changed.digest(), digest);
  DatasetHeader header = example().describe();
  header.shape = {1, 3, 1};
  Dataset original = example();
  const Dataset reshaped("reshaped", header, original.storage());
  EXPECT_NE(reshaped.digest(), digest);
}

TEST(Dataset, ReadsFloatsAndValueRows) {
  Dataset dataset("values", {{1, 1, 2}, 2, InputType::floats, TargetKind::values, 3});
  std::ranges::copy(std::vector<float>{1, 2, 3, 4}, dataset.float_inputs().begin());
  std::ranges::copy(std::vector<float>{1, 2, 3, 4, 5, 6}, dataset.values().begin());
  std::vector<Real> out(2);
  dataset.read_input(1, {{1, 2}, {2, 0.5f}}, out);
  EXPECT_EQ(out, (std::vector<Real>{4, 1}));
  EXPECT_TRUE(std::ranges::equal(dataset.target(1), std::vector<float>{4, 5, 6}));
  EXPECT_EQ(dataset.classes(), 0);
}

}  // namespace
}  // namespace lockstep
