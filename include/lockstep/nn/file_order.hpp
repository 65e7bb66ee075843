#pragma once

#include <string>
#include <vector>

#include "lockstep/nn/network.hpp"

namespace lockstep {

/// In which order files number the channels of a network: PyTorch's.
struct FileOrders {
  std::vector<FileOrder> parameters;  ///< of each, as in the network's table
  std::string exception;  ///< why files number them as here, if PyTorch's order fits no parameters
};

/// `flatten` makes of (height, width, channels) one line in this order; PyTorch's `nn.Flatten`
/// makes it of (channels, height, width), or of (positions, channels) behind a layer that has its
/// sequences so: embedding, lstm, gru, attention. So a file holds the parameters of everything that
/// follows in another order than the flat buffers do, up to the next layer that makes channels of
/// its own. Where the line is added to what such a layer makes, that layer numbers its outputs
/// alike.
///
/// With v'[k] = v[order[k]] for each value v, the network computes v' in PyTorch with the
/// parameters of the file. The input of the network keeps its channels. If a layer asks for what no
/// order can give, such as a sum of two images that were flattened from different shapes, all
/// orders are empty and `exception` says so.
[[nodiscard]] FileOrders file_orders(const Network& network);

}  // namespace lockstep
