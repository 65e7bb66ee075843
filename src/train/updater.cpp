#include "lockstep/train/updater.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "lockstep/base/checksum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/statistic.hpp"

namespace lockstep {
namespace {

constexpr Index kParameter = 0, kDirection = 1, kQuantities = 2;

// The weights, whose updates are scaled each on its own.
std::vector<Range> tensors_of(const ParameterTable& table, const Optimizer& optimizer) {
  std::vector<Range> tensors;
  for (const Parameter& p : table.parameters()) {
    if (optimizer.trust_ratio() == nullptr || p.spec.role() != Role::weight) continue;
    tensors.push_back({p.offset, p.offset + aligned<Real>(p.spec.stored_size())});
  }
  return tensors;
}

/// Numbers of a tile. Parameters, gradient and two slots of it, and of the next, stay in the first
/// level of the cache from the check before the update to the record_checksums after it.
constexpr Index kTile = 1024;

/// Has the memory send what is about to be used.
template <bool kWritten>
void ask_for(const Real* numbers, Index count) {
  constexpr Index kLine = 64 / sizeof(Real);
  for (Index i = 0; i < count; i += kLine) __builtin_prefetch(numbers + i, kWritten ? 1 : 0);
  asm volatile("");  // GCC omits calls of what does nothing but this
}

// The parts of the buffer that are updated by one call: those of one role, and biases together with
// the weights beside them where both decay and no tensor stands alone.
std::vector<RoleRange> parts_of(const ParameterTable& table, bool decay_all,
                                std::span<const Range> tensors) {
  std::vector<RoleRange> parts;
  for (const RoleRange& role : table.roles()) {
    const bool goes_on =
        decay_all && tensors.empty() && !parts.empty() && parts.back().learned() && role.learned();
    if (goes_on) {
      parts.back().range.end = role.range.end;
    } else if (role.role == Role::weight && !tensors.empty()) {
      for (const Range& tensor : tensors) {
        const bool inside = role.range.begin <= tensor.begin && tensor.end <= role.range.end;
        if (inside) parts.push_back({tensor, Role::weight});
      }
    } else {
      parts.push_back(role);
    }
  }
  return parts;
}

}  // namespace

Updater::Updater(const ParameterTable& table, const Optimizer& optimizer,
                 const BucketLayout& layout, int rank, const UpdaterOptions& options)
    : optimizer_(optimizer),
      trust_ratio_(optimizer.trust_ratio()),
      options_(options),
      lengths_(layout, rank, tensors_of(table, optimizer), kQuantities),
      direction_(trust_ratio_ == nullptr ? 0 : layout.owned(rank)),
      ratios_(lengths_.parts(), 1.0),
      slices_(layout.slices(rank)),
      slice_begins_(slices_.size()) {
  const std::vector<Range> tensors = tensors_of(table, optimizer);
  const std::vector<RoleRange> parts = parts_of(table, options.decay_all, tensors);
  Index owned = 0;
  for (std::size_t s = 0; s < slices_.size(); ++s) {
    const Range slice = slices_[s];
    for (const RoleRange& part : parts) {
      const Range range{std::max(part.range.begin, slice.begin),
                        std::min(part.range.end, slice.end)};
      if (range.size() <= 0) continue;
      const auto tensor = std::ranges::find(tensors, part.range);
      const Index in_slice = range.begin - slice.begin;
      pieces_.push_back({s,
                         in_slice,
                         owned + in_slice,
                         {range, part.role, part.averaging},
                         tensor == tensors.end()
                             ? kNoTensor
                             : static_cast<std::size_t>(tensor - tensors.begin())});
    }
    owned += slice.size();
  }
  assert(optimizer.slots().size() <= State::kMost);
  const std::size_t buffers = optimizer.slots().size() + (options.ema > 0 ? 1 : 0);
  for (std::size_t slot = 0; slot < buffers; ++slot) state_.emplace_back(owned);
  if (options.guarded) checksums_.resize(pieces_.size());
  seen_.resize(static_cast<std::size_t>(thread_count()));
}

std::uint64_t Updater::checksum(const Piece& piece, Range tile,
                                std::span<const Real> parameters) const {
  std::uint64_t sum =
      checksum_of(parameters.subspan(static_cast<std::size_t>(piece.part.range.begin + tile.begin),
                                     static_cast<std::size_t>(tile.size())));
  for (const Buffer<Real>& slot : state_) {
    sum = std::rotl(sum, 1) ^ checksum_of(slot.span(piece.in_owned + tile.begin, tile.size()));
  }
  return sum;
}

void Updater::record_checksums(std::span<const Real> parameters) {
  for (std::size_t p = 0; p < checksums_.size(); ++p) {
    checksums_[p] = checksum(pieces_[p], pieces_[p].whole(), parameters);
  }
  corrupted_ = false;
}

bool Updater::matches_checksums(std::span<const Real> parameters) const {
  if (corrupted_) return false;
  for (std::size_t p = 0; p < checksums_.size(); ++p) {
    if (checksum(pieces_[p], pieces_[p].whole(), parameters) != checksums_[p]) return false;
  }
  return true;
}

bool Updater::finite(std::span<const Real> parameters) const {
  const auto all_finite = [](std::span<const Real> numbers) {
    return std::ranges::all_of(numbers, [](Real value) { return std::isfinite(value); });
  };
  return std::ranges::all_of(
             slices_,
             [&](const Range& slice) {
               return all_finite(parameters.subspan(static_cast<std::size_t>(slice.begin),
                                                    static_cast<std::size_t>(slice.size())));
             }) &&
         std::ranges::all_of(state_,
                             [&](const Buffer<Real>& slot) { return all_finite(slot.span()); });
}

Updater::State Updater::state_of(const Piece& piece, Range tile) {
  State state;
  const std::size_t count = optimizer_.slots().size();
  for (std::size_t slot = 0; slot < count; ++slot) {
    state.slots[slot] = state_[slot].span(piece.in_owned + tile.begin, tile.size());
  }
  state.count = count;
  return state;
}

Update Updater::update_of(const Piece& piece, const Update& update) const {
  Update own = update;
  own.decays = options_.decay_all || piece.part.role == Role::weight;
  if (piece.tensor != kNoTensor) own.trust_ratio = ratios_[piece.tensor];
  return own;
}

void Updater::set_ratios(std::span<const double> all) {
  for (std::size_t tensor = 0; tensor < ratios_.size(); ++tensor) {
    const double parameter = std::sqrt(lengths_.square_sum(kParameter, tensor, all));
    const double direction = std::sqrt(lengths_.square_sum(kDirection, tensor, all));
    const bool defined = parameter != 0 && direction != 0;
    ratios_[tensor] = defined ? trust_ratio_->ratio(parameter, direction) : 1;
  }
}

void Updater::prepare(std::span<const Real> parameters, std::span<const Real* const> gradients,
                      const Update& update, std::span<double> mine) {
  if (trust_ratio_ == nullptr) return;
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    const Piece& piece = pieces_[p];
    if (options_.guarded) corrupted_ |= checksum(piece, piece.whole(), parameters) != checksums_[p];
    if (!piece.part.learned()) continue;
    const Range range = piece.part.range;
    const auto size = static_cast<std::size_t>(range.size());
    trust_ratio_->direct(parameters.subspan(static_cast<std::size_t>(range.begin), size),
                         {gradients[piece.slice] + piece.in_slice, size},
                         state_of(piece, piece.whole()).all(), update_of(piece, update),
                         direction_.span(piece.in_owned, range.size()));
  }
  for (std::size_t s = 0; s < slices_.size(); ++s) {
    slice_begins_[s] = parameters.data() + slices_[s].begin;
  }
  lengths_.measure(kParameter, slice_begins_, mine);
  const Real* owned = direction_.data();
  for (std::size_t s = 0; s < slices_.size(); ++s) {
    slice_begins_[s] = owned;
    owned += slices_[s].size();
  }
  lengths_.measure(kDirection, slice_begins_, mine);
}

void Updater::update(std::span<Real> parameters, std::span<const Real* const> gradients,
                     const Update& update, Index samples, std::span<const double> all) {
  set_ratios(all);
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    const Piece& piece = pieces_[p];
    std::ranges::fill(seen_, Seen{});
    const Index size = piece.part.range.size();
    const Index ahead = std::ssize(seen_) * kTile;  // the threads take one tile after the other
    parallel_for_alone(pieces_of(size, kTile), [&](Index i, int thread) {
      const Range tile{i * kTile, std::min((i + 1) * kTile, size)};
      ask_for_tile(piece,
                   {std::min(tile.begin + ahead, size), std::min(tile.begin + ahead + kTile, size)},
                   parameters, gradients);
      if (!options_.guarded)
        return update_tile(piece, tile, parameters, gradients, update, samples);
      assert(thread < std::ssize(seen_));
      Seen& seen = seen_[static_cast<std::size_t>(thread)];
      seen.before ^= checksum(piece, tile, parameters);
      update_tile(piece, tile, parameters, gradients, update, samples);
      seen.after ^= checksum(piece, tile, parameters);
    });
    if (!options_.guarded) continue;
    Seen whole;
    for (const Seen& seen : seen_) {
      whole.before ^= seen.before;
      whole.after ^= seen.after;
    }
    // Where updates are scaled, the state has changed in the meantime.
    if (trust_ratio_ == nullptr) corrupted_ |= whole.before != checksums_[p];
    checksums_[p] = whole.after;
  }
}

void Updater::ask_for_tile(const Piece& piece, Range tile, std::span<const Real> parameters,
                           std::span<const Real* const> gradients) const {
  ask_for<false>(gradients[piece.slice] + piece.in_slice + tile.begin, tile.size());
  ask_for<true>(parameters.data() + piece.part.range.begin + tile.begin, tile.size());
  for (const Buffer<Real>& slot : state_) {
    ask_for<true>(slot.data() + piece.in_owned + tile.begin, tile.size());
  }
}

// Ranges, not pieces, go from call to call: a copy of a struct would be read back behind all that
// was written to memory in between.
void Updater::update_tile(const Piece& piece, Range tile, std::span<Real> parameters,
                          std::span<const Real* const> gradients, const Update& update,
                          Index samples) {
  const Index in_owned = piece.in_owned + tile.begin;
  const std::span<Real> mine =
      parameters.subspan(static_cast<std::size_t>(piece.part.range.begin + tile.begin),
                         static_cast<std::size_t>(tile.size()));
  std::span<const Real> gradient{gradients[piece.slice] + piece.in_slice + tile.begin, mine.size()};
  if (!piece.part.learned()) {
    average_statistics(mine, gradient, piece.part.averaging, samples);
  } else {
    if (trust_ratio_ != nullptr) gradient = direction_.span(in_owned, tile.size());
    optimizer_.step(mine, gradient, state_of(piece, tile).all(), update_of(piece, update));
  }
  if (options_.ema > 0) average(piece, state_.back().span(in_owned, tile.size()), mine);
}

void Updater::average(const Piece& piece, std::span<Real> average,
                      std::span<const Real> parameters) const {
  if (piece.part.learned()) {
    average_weights(average, parameters, options_.ema);
  } else {
    std::ranges::copy(parameters, average.begin());
  }
}

}  // namespace lockstep
