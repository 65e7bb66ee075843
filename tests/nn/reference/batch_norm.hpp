// Made by make_batch_norm.py with PyTorch 1.13.0a0 in float32 on x86_64. Do not edit.
// clang-format off
#pragma once

#include <vector>

namespace lockstep {

/// 20 steps on one batch of 8 samples, in step s times 1 + s / 16.
struct BatchNormReference {
  std::vector<float> losses = {1.10958374f, 1.10782933f, 1.1047138f, 1.10074067f, 1.09643626f, 1.09227574f, 1.08863163f, 1.08574677f, 1.08372951f, 1.08256793f, 1.08215666f, 1.08232808f, 1.0828861f, 1.08363461f, 1.08440101f, 1.08504903f, 1.08548748f, 1.08567035f, 1.08559144f, 1.08527637f};
  /// After the last step: running mean and variance of both layers.
  std::vector<std::vector<float>> statistics = {{-0.0262206495f, -0.0879162997f, -0.047299996f, 0.0956282541f, 0.0339326039f},
    {2.51840997f, 2.52750325f, 2.53956509f, 2.52466226f, 2.52466154f},
    {-0.191221863f, -0.0116763394f, -0.181095332f, 0.000759959687f},
    {0.00472833496f, 0.00261818245f, 0.00258617522f, 0.00458163442f}};
  /// Predictions with these.
  std::vector<float> evaluated = {0.201602593f, 0.256370574f, -0.357394844f, 0.200426221f, 0.255685449f, -0.358267725f, 0.200415671f, 0.255447596f, -0.357952714f, 0.203035265f, 0.257491738f, -0.356793702f, 0.197691619f, 0.253569484f, -0.359520972f, 0.201016247f, 0.255912989f, -0.357653826f, 0.202896148f, 0.257380575f, -0.356828809f, 0.197258741f, 0.253089815f, -0.359557837f};
};

}  // namespace lockstep
