#pragma once

// Layers that do not fit what they are given.

#include "system/bad_input.hpp"

namespace lockstep::system_test {

struct Samples {
  std::string shape;  ///< of the array
  std::size_t numbers;
};
inline const Samples kImages{"(40, 6, 6, 3)", 40 * 6 * 6 * 3};
inline const Samples kSequences{"(40, 5, 1, 4)", 40 * 5 * 4};
inline const Samples kVectors{"(40, 36)", 40 * 36};

/// The good run on bytes in this shape, with these lines for its first two layers.
inline Arrange layers(const Samples& samples, const std::string& first,
                      const std::string& second = "type = \"relu\"") {
  return [=](const Scene& scene) {
    scene.write("x.npy", npy_file("|u1", samples.shape, std::string(samples.numbers, '\2')));
    scene.write("y.npy", npy_file("|u1", "(40,)", std::string(40, '\1')));
    std::string text = replaced(kGoodConfig, "\"data.csv\"", "\"x.npy\"\ntrain_labels = \"y.npy\"");
    text = replaced(text, "type = \"linear\"\nout = 8", first);
    text = replaced(text, "type = \"relu\"", second + "\n[[layer]]\ntype = \"flatten\"");
    scene.write("config.toml", text);
    return Arguments{"train", "config.toml"};
  };
}

inline std::vector<BadInput> bad_layers() {
  using enum ExitCode;
  return {
      {"KernelLargerThanTheImage",
       config,
       {"config.toml:8:1: error: layer 'fc1': conv2d: a window of 9 places does not fit 6 places"},
       layers(kImages, "type = \"conv2d\"\nout = 4\nkernel = 9\npad = \"valid\"")},
      {"DilatedKernelLargerThanTheImage",
       config,
       {"layer 'fc1': conv2d: a window of 11 places does not fit 6 places with 2 of padding"},
       layers(kImages, "type = \"conv2d\"\nout = 4\nkernel = 3\ndilation = 5\npad = 1")},
      {"PoolLargerThanTheImage",
       config,
       {"layer 'act': avg_pool2d: a window of 4 places does not fit 3 places"},
       layers(kImages, "type = \"max_pool2d\"", "type = \"avg_pool2d\"\nkernel = 4")},
      {"GroupsThatDoNotDivideTheChannels",
       config,
       {"layer 'fc1': conv2d: groups must divide", "2 groups, 3 channels and 4 outputs"},
       layers(kImages, "type = \"conv2d\"\nout = 4\nkernel = 3\ngroups = 2")},
      {"GroupsOfANormThatDoNotDivide",
       config,
       {"layer 'fc1': group_norm: expected groups that divide", "2 groups and 3 channels"},
       layers(kImages, "type = \"group_norm\"\ngroups = 2")},
      {"HeadsThatDoNotDivide",
       config,
       {"layer 'fc1': attention: 3 heads do not divide an input of 4 channels"},
       layers(kSequences, "type = \"attention\"\nheads = 3")},
      {"HeadsOfABlockThatDoNotDivide",
       config,
       {"layer 'fc1.0.self_attn': attention: 3 heads do not divide an input of 4 channels"},
       layers(kSequences, "type = \"transformer_block\"\nheads = 3\nrepeat = 2")},
      {"LstmOfAnImage",
       config,
       {"layer 'fc1': lstm: expected a sequence (T, 1, C)", "found 6x6x3", "(samples, T, 1, C)"},
       layers(kImages, "type = \"lstm\"\nunits = 4")},
      {"GruOfAVector",
       config,
       {"layer 'fc1': gru: expected a sequence", "at least 2 positions, found 1x1x36"},
       layers(kVectors, "type = \"gru\"\nunits = 4")},
      {"Conv1dOfAnImage",
       config,
       {"layer 'fc1': conv1d: expected a sequence (T, 1, C), found 6x6x3"},
       layers(kImages, "type = \"conv1d\"\nout = 4\nkernel = 3")},
      {"EmbeddingOfChannels",
       config,
       {"layer 'fc1': embedding: expected a sequence (T, 1, 1)", "36 positions of 3 channels"},
       layers(kImages, "type = \"embedding\"\nsymbols = 4\ndim = 4")},
      {"EmbeddingOfAnotherLayer",
       config,
       {"layer 'act': embedding: expected the symbols", "found the output of layer 'fc1'"},
       layers(kVectors, "type = \"linear\"\nout = 8",
              "type = \"embedding\"\nsymbols = 4\ndim = 4")},
      {"SumOfOtherShapes",
       config,
       {"layer 'act': sum: expected inputs of one shape, found 6x6x4 and 6x6x3"},
       layers(kImages, "type = \"conv2d\"\nout = 4\nkernel = 3",
              "type = \"sum\"\nfrom = [\"fc1\", \"input\"]")},
      {"ConcatOfOtherSizes",
       config,
       {"layer 'act': concat: expected inputs of one height and width", "3x3x3 and 6x6x3"},
       layers(kImages, "type = \"max_pool2d\"", "type = \"concat\"\nfrom = [\"fc1\", \"input\"]")},
      {"SumOfOne",
       config,
       {"layer 'fc1': sum: expected at least 2 inputs, found 1"},
       layers(kImages, "type = \"sum\"")},
  };
}

}  // namespace lockstep::system_test
