#pragma once

#include "kernels/tile.hpp"

namespace lockstep::kernels {

/// A tile of a convolution: `rows` neighbouring positions of a window in one line of an image,
/// whose first numbers are `a_step` apart; `columns` outputs.
struct ConvTile {
  Index rows = 0;     ///< at most kTileRows
  Index columns = 0;  ///< kLanes or kTileColumns
  Index lines = 0;    ///< of a window
  Index places = 0;   ///< in each line, or 1 if they lie side by side
  Index depth = 0;    ///< numbers of each place, side by side
  const Real* a = nullptr;
  Index a_step = 0;
  Index a_line = 0;         ///< from line to line
  Index a_place = 0;        ///< from place to place
  const Real* b = nullptr;  ///< one row of `b_stride` numbers for each number of a window
  Index b_stride = 0;
  const Real* start = nullptr;  ///< what every row starts with
  Real* out = nullptr;
  Index out_stride = 0;
};

void multiply_conv_tile(const ConvTile& tile);

/// A tile of a weight gradient: `rows` numbers of a window that lie side by side, `columns`
/// outputs; the sum over all positions of some samples.
struct ConvGradientTile {
  Index rows = 0;     ///< at most kTileRows
  Index columns = 0;  ///< kLanes or kTileColumns
  Index samples = 0;
  Index lines = 0;  ///< of positions in a sample
  Index depth = 0;  ///< positions in a line
  const Real* a = nullptr;
  Index a_sample = 0;
  Index a_line = 0;
  Index a_step = 0;         ///< from position to position
  const Real* b = nullptr;  ///< one row of `b_stride` numbers for each position
  Index b_stride = 0;
  Real* sums = nullptr;  ///< rows of `columns`
  bool first = true;     ///< whether the sums start at zero, or go on
};

void multiply_conv_gradient_tile(const ConvGradientTile& tile);

}  // namespace lockstep::kernels
