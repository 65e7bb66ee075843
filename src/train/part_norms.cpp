#include "lockstep/train/part_norms.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/norm.hpp"

namespace lockstep {
namespace {

static_assert(BucketLayout::kGranule == kNormBlock, "norm blocks must lie within one rank's slice");

// Calls visit(slice, part, range) for the pieces of a rank in the order in which it writes them.
template <typename Visit>
void for_each_piece(const BucketLayout& layout, int rank, std::span<const Range> parts,
                    const Visit& visit) {
  const std::vector<Range> slices = layout.slices(rank);
  for (std::size_t s = 0; s < slices.size(); ++s) {
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const Index end = std::min(parts[p].end, slices[s].end);
      Index begin = std::max(parts[p].begin, slices[s].begin);
      while (begin < end) {
        const Index cut = std::min((begin / kNormBlock + 1) * kNormBlock, end);
        visit(s, p, Range{begin, cut}, slices[s].begin);
        begin = cut;
      }
    }
  }
}

}  // namespace

PartNorms::PartNorms(const BucketLayout& layout, int rank, std::span<const Range> parts,
                     Index quantities)
    : quantities_(quantities), positions_(parts.size()) {
  struct Place {
    Index begin;
    Index position;
  };
  std::vector<std::vector<Place>> places(parts.size());
  Index position = 0;
  for (int r = 0; r < layout.ranks(); ++r) {
    const Index first = position;
    for_each_piece(layout, r, parts,
                   [&](std::size_t slice, std::size_t part, Range piece, Index o) {
                     places[part].push_back({piece.begin, position});
                     position += quantities;
                     if (r == rank) pieces_.push_back({slice, {piece.begin - o, piece.end - o}});
                   });
    counts_.push_back(position - first);
  }
  for (std::size_t p = 0; p < parts.size(); ++p) {
    std::ranges::sort(places[p], {}, &Place::begin);
    for (const Place& place : places[p]) positions_[p].push_back(place.position);
  }
}

void PartNorms::measure(Index quantity, std::span<const Real* const> slices,
                        std::span<double> out) const {
  constexpr Index kPiecesPerTile = kElementTile / kNormBlock;
  parallel_for_tiles(static_cast<Index>(pieces_.size()), kPiecesPerTile,
                     [&](Index begin, Index end) {
                       for (Index i = begin; i < end; ++i) {
                         const Piece& piece = pieces_[static_cast<std::size_t>(i)];
                         out[static_cast<std::size_t>(i * quantities_ + quantity)] =
                             lockstep::square_sum({slices[piece.slice] + piece.range.begin,
                                                   static_cast<std::size_t>(piece.range.size())});
                       }
                     });
}

double PartNorms::square_sum(Index quantity, std::size_t part, std::span<const double> all) const {
  double sum = 0;
  for (const Index position : positions_[part]) {
    sum += all[static_cast<std::size_t>(position + quantity)];
  }
  return sum;
}

}  // namespace lockstep
