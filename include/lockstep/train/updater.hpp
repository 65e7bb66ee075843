#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/parameter_table.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/train/part_norms.hpp"

namespace lockstep {

/// What a step does beside the optimizer's rule.
struct UpdaterOptions {
  bool decay_all = true;  ///< weight decay pulls at biases, too
  double ema = 0;         ///< decay d of the average e of the weights, e = d e + (1 - d) w; 0: none
  bool guarded = false;   ///< notices what is changed between two updates
};

/// What the average of the weights is called among the slots of the optimizer's state.
inline constexpr std::string_view kAverageSlot = "ema";

/// Changes the owned slices of the parameters after each step, each part according to its role:
/// what is learned by the optimizer's rule, statistics by averaging. It holds the optimizer's state
/// of what is owned.
///
///     updater.prepare(parameters, gradients, update, mine);
///     // every rank learns what the others wrote to theirs: `all`, one rank after the other
///     updater.update(parameters, gradients, update, samples, all);
class Updater {
 public:
  /// Of rank `rank`, for as many threads as there are now. The optimizer must outlive the updater.
  Updater(const ParameterTable& table, const Optimizer& optimizer, const BucketLayout& layout,
          int rank, const UpdaterOptions& options = {});

  /// Numbers that each rank tells the others in between; none but for rules that scale their
  /// updates.
  [[nodiscard]] const std::vector<Index>& counts() const { return lengths_.counts(); }

  /// First half of a step, for the owned slices of the whole buffer `parameters`; `gradients[s]` is
  /// where the gradient of slice s begins. Allocates nothing.
  void prepare(std::span<const Real> parameters, std::span<const Real* const> gradients,
               const Update& update, std::span<double> mine);
  /// Second half; the gradient is a sum over `samples` samples. Allocates nothing.
  void update(std::span<Real> parameters, std::span<const Real* const> gradients,
              const Update& update, Index samples, std::span<const double> all);

  /// Takes what is owned for right: after the parameters or the state were set.
  void record_checksums(std::span<const Real> parameters);
  /// Whether what is owned is as the last update or `record_checksums` left it; true without a
  /// guard. Reads all of it.
  [[nodiscard]] bool matches_checksums(std::span<const Real> parameters) const;
  /// Whether all of what is owned, parameters and state, is finite. Reads all of it.
  [[nodiscard]] bool finite(std::span<const Real> parameters) const;
  /// Whether an update since the last `record_checksums` met something else than the one before had
  /// left. It looks while the numbers are in the cache.
  [[nodiscard]] bool corrupted() const { return corrupted_; }

  /// One buffer for each of the optimizer's slots, then one for the average if there is one: the
  /// owned slices, one after the other. The average begins as zeros: whoever sets the parameters
  /// sets it, too. Statistics are averages already, and stand in it as they are.
  [[nodiscard]] std::span<Buffer<Real>> state() { return state_; }
  [[nodiscard]] std::span<const Buffer<Real>> state() const { return state_; }

 private:
  static constexpr std::size_t kNoTensor = static_cast<std::size_t>(-1);

  /// What is updated in one way and lies in one slice.
  struct Piece {
    std::size_t slice;
    Index in_slice;      ///< where it begins in its slice
    Index in_owned;      ///< and in buffers of what is owned
    RoleRange part;      ///< and in the whole buffer
    std::size_t tensor;  ///< whose updates are scaled; or kNoTensor
    [[nodiscard]] Range whole() const { return {0, part.range.size()}; }
  };

  /// The optimizer's state of a piece.
  struct State {
    static constexpr std::size_t kMost = 4;
    std::array<std::span<Real>, kMost> slots;
    std::size_t count = 0;
    [[nodiscard]] std::span<const std::span<Real>> all() const {
      return std::span(slots).first(count);
    }
  };

  /// Checksums of what one thread updates; no two of them in a line of the cache.
  struct alignas(64) Seen {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
  };

  // A tile is a range of a piece.
  [[nodiscard]] State state_of(const Piece& piece, Range tile);
  [[nodiscard]] Update update_of(const Piece& piece, const Update& update) const;
  [[nodiscard]] std::uint64_t checksum(const Piece& piece, Range tile,
                                       std::span<const Real> parameters) const;
  void set_ratios(std::span<const double> all);
  void ask_for_tile(const Piece& piece, Range tile, std::span<const Real> parameters,
                    std::span<const Real* const> gradients) const;
  void update_tile(const Piece& piece, Range tile, std::span<Real> parameters,
                   std::span<const Real* const> gradients, const Update& update, Index samples);
  void average(const Piece& piece, std::span<Real> average, std::span<const Real> parameters) const;

  const Optimizer& optimizer_;
  const TrustRatio* trust_ratio_;  ///< null for a rule that does not scale its updates
  UpdaterOptions options_;
  PartNorms lengths_;  ///< of the tensors whose updates are scaled, and of these updates
  std::vector<Piece> pieces_;
  std::vector<Buffer<Real>> state_;
  Buffer<Real> direction_;      ///< the updates before they are scaled: the owned slices
  std::vector<double> ratios_;  ///< of each tensor
  std::vector<Range> slices_;
  std::vector<const Real*> slice_begins_;  ///< scratch of `prepare`
  std::vector<std::uint64_t> checksums_;   ///< of each piece, as the last update left it
  std::vector<Seen> seen_;                 ///< scratch of `update`
  bool corrupted_ = false;
};

}  // namespace lockstep
