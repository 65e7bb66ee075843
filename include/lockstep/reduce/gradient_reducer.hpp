#pragma once

#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/share.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/reduce/bucket_layout.hpp"

namespace lockstep {

/// Brings the gradients of all microbatches to one sum, of which each rank receives the slices it
/// owns, while backpropagation still works on earlier layers.
///
/// In every step: fill the blocks from the end of the buffer to its start; call
/// `ready_from(offset)` whenever everything from `offset` on is final; then `finish()`. The sum
/// follows the tree of OrderedSum over microbatches, so that its bits do not depend on the number
/// of ranks.
///
/// Each rank sends, of every bucket, the slice of every other rank: one message per gradient block.
/// Between ranks of one node the same sums can be taken straight from shared memory; only
/// `send_bucket` and `sum_slice` know that messages are used.
class GradientReducer {
 public:
  /// One aligned block of this rank's share and the flat buffer for its gradient.
  struct Block {
    Share block;
    std::span<Real> values;
  };
  /// The finished sum over one slice that this rank owns.
  struct Slice {
    Range range;
    std::span<const Real> values;
  };

  /// `report_size` numbers travel from every rank to every rank with the gradients of a step.
  /// `overlap` = false sends everything in `finish`, for measurements.
  GradientReducer(const Communicator& communicator, const BucketLayout& layout, Index microbatches,
                  Index report_size, bool overlap = true);

  [[nodiscard]] std::span<const Block> blocks() const { return blocks_; }
  /// Where this rank writes its report before `finish`.
  [[nodiscard]] std::span<double> report();
  /// The reports of all ranks, after `finish`.
  [[nodiscard]] std::span<const double> report_of(int rank) const;

  /// Everything from `offset` to the end of the buffer is final. Offsets fall within a step.
  void ready_from(Index offset);
  /// Waits for the rest; the slices of this rank in the order of the buffer, valid until the next
  /// step begins.
  [[nodiscard]] std::span<const Slice> finish();

  /// Seconds that `finish` of the last step waited for messages.
  [[nodiscard]] double exposed_seconds() const { return exposed_seconds_; }

 private:
  struct Bucket {
    Range mine;  ///< the slice of this rank
    std::vector<const Real*>
        sources;          ///< one per block of the job, in order: the first number of `mine`
    Real* sum = nullptr;  ///< where the sum goes; null if the only source is the sum
    int expected = 0;     ///< messages of one step
    int missing = 0;      ///< messages still under way
    bool sent = false;
  };

  void plan_buckets();
  void begin();
  void send_bucket(int index);
  void sum_slice(Bucket& bucket);
  void take(std::span<const int> arrived);
  void sum_if_complete(int index);

  const Communicator& communicator_;
  BucketLayout layout_;
  bool overlap_;
  std::vector<Share> all_blocks_;  ///< of the whole job, in order
  std::vector<int> owner_of_block_;
  std::vector<Block> blocks_;
  Buffer<Real> gradients_;
  Buffer<Real> received_;
  Buffer<Real> sums_;
  Buffer<Real> scratch_;
  Index scratch_per_thread_ = 0;
  std::vector<Bucket> buckets_;
  std::vector<Slice> slices_;
  Buffer<double> reports_;
  Index report_stride_;
  Index report_size_;
  RequestSet requests_;
  int next_bucket_ = 0;  ///< the highest that is not final yet, while a step is under way
  bool under_way_ = false;
  double exposed_seconds_ = 0;
};

}  // namespace lockstep
