#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/split.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/train/input_stream.hpp"

namespace lockstep {

/// The samples that a network learns from, or is judged by: part of a data set, and how its numbers
/// are normalized.
struct Samples {
  const Dataset* data = nullptr;
  Subset subset = Subset::whole(0);
  const Normalization* inputs = nullptr;
  const Normalization* targets = nullptr;
  std::optional<std::uint64_t> window_seed{};  ///< text: lets windows start elsewhere in each epoch
  const Augmenter* augmenter =
      nullptr;                    ///< changes the inputs as they are read; null: nothing does
  InputStream* stream = nullptr;  ///< of a data set that is streamed: brings the inputs of a batch
  std::vector<double> inverse_variances{};  ///< as Targets has them; empty if no figure needs them
  bool answered = true;  ///< false: nobody asks for the answers, which may be unknown

  [[nodiscard]] Index size() const { return subset.size(); }
  /// Makes the samples of a batch ready to be read. Collective, as InputStream::require.
  void require(const Sampler& sampler, const BatchRange& batch) const {
    if (stream != nullptr) stream->require(sampler, batch);
  }
  /// The labels of a batch that count nothing; counted anew by every rank, so that it knows what a
  /// mean over the batch is over before it has seen the other ranks' part.
  [[nodiscard]] Index ignored(const Sampler& sampler, const BatchRange& batch) const;
  /// The same of all samples.
  [[nodiscard]] Index ignored() const;
  /// What a mean over `size` samples is over when so many of their labels count nothing: labels
  /// that count, as a share of those of one sample.
  [[nodiscard]] double counted(Index size, Index ignored) const;
};

/// Reads the rows of one pass into the places where the network and the loss expect them.
class RowReader {
 public:
  /// For up to `rows` rows and a network with this output: a label for each of its positions, or a
  /// value for each of its numbers.
  RowReader(Index rows, const Shape& output);

  /// Row i becomes the sample number `sample(i)` of `samples`, as it looks in `epoch`; the result
  /// is valid until the next call. Allocates nothing.
  template <typename SampleOfRow>
  Targets read(const Samples& samples, std::uint64_t epoch, Index rows, Tensor input,
               const SampleOfRow& sample);

 private:
  struct Epoch {
    std::uint64_t number;
    Index window_offset;
  };

  [[nodiscard]] static Epoch epoch_of(const Samples& samples, std::uint64_t number);
  void read_row(const Samples& samples, const Epoch& epoch, Index row, Index sample, Tensor input);
  [[nodiscard]] Targets targets(const Samples& samples, Index rows) const;

  Shape output_;
  Buffer<std::int32_t> labels_;
  Buffer<Real> values_;
  Buffer<Real> weights_;
};

template <typename SampleOfRow>
Targets RowReader::read(const Samples& samples, std::uint64_t epoch, Index rows, Tensor input,
                        const SampleOfRow& sample) {
  constexpr Index kRowsPerTile = 16;
  const Epoch now = epoch_of(samples, epoch);
  parallel_for_tiles(rows, kRowsPerTile, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) read_row(samples, now, row, sample(row), input);
  });
  return targets(samples, rows);
}

}  // namespace lockstep
