#pragma once

#include "kernels/tile.hpp"
#include "lockstep/kernels/linear.hpp"

namespace lockstep::kernels {

/// A tile of a weight gradient: a product for each leaf, one microbatch's rows of a and b, whose
/// sums stay in registers until they are added to those before them on the tree of OrderedSum. The
/// leaves are a block of that tree, and the depth of the tile is all their rows; a lies in columns,
/// `start` is not used. `stack` has room for OrderedSum::memory_for(leaves, kTileRows *
/// kTileColumns) numbers.
void multiply_tree(const Tile& tile, const RowBlocks& leaves, Real* stack);

}  // namespace lockstep::kernels
